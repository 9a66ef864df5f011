"""Reads the timed lines of subtitles: SubRip, WebVTT and Advanced SubStation Alpha, in any shape.

What a good player would show is read, and what it would not is left out: markup, drawings, notes.
Text is hostile: every pattern takes time in proportion to the text, and a file has an end.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from q2e.types import Span

#: Longest text of one cue, in characters, and most cues of one file.
MAX_LINE = 2_000
MAX_CUES = 100_000
#: Of a line, what may hold the times of a cue, and where they are placed.
_HEAD = 400

_NEWLINE = re.compile(r"\r{0,3}\n|\r")
_COLON, _POINT = r"\s?[:;：]\s?", r"\s?[.,:;：，．]\s?"
#: Programs that shift times write a minus before all of one, or before each part.
_TIME = (
    rf"(-?)\s?(?:(-?\d{{1,3}}){_COLON})?(-?\d{{1,2}}){_COLON}(-?\d{{1,2}})"
    rf"(?:{_POINT}(-?\d{{1,9}}))?"
)
_ARROW = r"(?:-{1,4}|[–—−]{1,2})[>＞]"
_TIMING = re.compile(rf"\s*{_TIME}\s*{_ARROW}\s*{_TIME}(?:\s.*)?")
_ARROWED = re.compile(rf"^(?=\D{{0,9}}\d)[\d\s:;.,x-]{{0,40}}{_ARROW}")
_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_NAMES = "i|b|u|s|em|strong|small|big|font|c|ruby|rb|span|p|div"
#: `a <b and c> d` is no markup: what a tag says beside its name are classes and values.
_MARKUP = re.compile(
    rf"<\s?/?\s?(?:{_NAMES})(?:\.[^<>\s]{{0,200}})?(?:\s[^<>=]{{1,40}}=[^<>]{{0,500}})?\s?/?>"
    r"|<(?:v|lang)[.\s][^<>]{0,500}>|</(?:v|lang)>"
    r"|<rp>[^<>]{0,9}</rp>|<rt>[^<>]{0,200}</rt>|</?r[pt]>"
    r"|<\d{1,3}:[\d:.]{1,20}>"
    r"|\{\\[^{}]{0,500}\}|\{[a-zA-Z]:[^{}]{0,200}\}",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\\[Nnh]|<br\s?/?>", re.IGNORECASE)
_PATH = re.compile(r"\b[A-Za-z]:\\")
#: What SubStation Alpha holds in braces and does not show.
_REMARK = re.compile(r"\{[^{}\\]{0,500}\}")
#: Shapes that ASS draws in place of letters.
_DRAWN = re.compile(r"\{[^{}]{0,500}\\p[1-9][^{}]{0,500}\}[^{]{0,10000}(?:\{\\p0\})?")
#: A line is part of a rolling caption where it was shown so shortly before, in seconds.
_ROLLS_S = 0.5

_ASS_TIME = re.compile(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.:,](\d{1,3}))?\s*")

#: A name and a number, as instruments write them: `iso : 100`, `GPS(149.02`, `F/2.8`, `H 12.5m`.
_READING = re.compile(r"[^\W\d]{1,24}\.?[\"']?\s?[:=(/：]\s?\(?[-+]?\d|\b[A-Z][A-Z.]{0,6}\s[-+]?\d")
_NUMBER = re.compile(r"[-+]?\d[\d.,:]*")
_LOOKED_AT, _FEW, _SEVERAL = 200, 3, 5


def parse_subtitles(text: str) -> Iterator[Span]:
    """Yield the timed lines of SubRip or WebVTT text, in the order of the text.

    A cue ends where the next begins, so it may hold blank lines. One that begins before the video
    begins with it; one that ends before it begins is left out. Lines repeated from the cue just
    before, as rolling captions do, are said once.
    """
    before: list[str] = []
    before_s = before_end_s = float("-inf")
    for start_s, end_s, lines in islice(_cues(_NEWLINE.split(text)), MAX_CUES):
        if end_s < start_s or end_s < 0:
            continue
        cleaned = [clean for line in lines if (clean := _plain(line))]
        rolls = before_s <= start_s <= before_end_s + _ROLLS_S
        fresh = [line for line in cleaned if not (rolls and line in before)]
        if fresh:
            yield Span(max(0.0, start_s), end_s, " ".join(fresh)[:MAX_LINE])
        if cleaned:
            before, before_s, before_end_s = cleaned, start_s, end_s


def parse_ass(text: str) -> Iterator[Span]:
    """Yield the timed lines of Advanced SubStation Alpha text, in the order of the text.

    Comments and drawings are left out; lines drawn over themselves are said once.
    """
    order = ["layer", "start", "end", "style", "name", "l", "r", "v", "effect", "text"]
    found = 0
    before: set[Span] = set()
    for line in _NEWLINE.split(text):
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name == "format":
            fields = [one.strip().lower() for one in value.split(",")[:30]]
            order = fields if {"start", "end", "text"} <= set(fields) else order
        elif name == "dialogue" and found < MAX_CUES:
            found += 1
            cells = dict(zip(order, value.split(",", len(order) - 1), strict=False))
            start_s, end_s = (_ass_seconds(cells.get(one, "")) for one in ("start", "end"))
            said = _plain(shown_in_ass(cells.get("text", "")))[:MAX_LINE]
            if said and start_s is not None and end_s is not None and start_s <= end_s:
                span = Span(start_s, end_s, said)
                if span not in before:
                    yield span
                before.add(span)


def shown_in_ass(text: str) -> str:
    """Return the text of a line of SubStation Alpha without the remarks in it."""
    return _REMARK.sub("", text[: 8 * MAX_LINE])


def is_telemetry(lines: Sequence[Span]) -> bool:
    """Return whether the lines are readings of instruments, as drones write them beside a film.

    They name values, or hold hardly more than numbers, or differ in several numbers alone.
    """
    sample = lines[:_LOOKED_AT]
    named = sum(len(_READING.findall(line.text)) >= 3 for line in sample)
    bare = sum(_is_numbers(line.text) for line in sample)
    alike = Counter(form for line in sample if (form := _NUMBER.sub("0", line.text)).count("0") > 1)
    return (
        2 * named > len(sample)
        or (bare >= _FEW and 2 * bare > len(sample))
        or (alike.total() >= _SEVERAL and 5 * max(alike.values()) > 4 * len(sample))
    )


def _is_numbers(text: str) -> bool:
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    return digits >= 8 and digits > letters


def _cues(lines: Sequence[str]) -> Iterator[tuple[float, float, list[str]]]:
    """Yield start, end and raw lines of each cue."""
    times: tuple[float, float] | None = None
    own: list[str] = []
    web = lines[0].lstrip("\ufeff").startswith("WEBVTT") if lines else False
    skipping = False
    for line in (*lines, None):
        arrow = line is not None and any(one in line[:_HEAD] for one in ">＞")
        match = _TIMING.fullmatch(line[:_HEAD]) if line is not None and arrow else None
        broken = arrow and match is None and _ARROWED.match(line or "") is not None
        if line is None or match is not None or broken:
            if times is not None:
                yield (*times, own if line is None else _without_number(own, web))
            times = None if match is None else (_seconds(match, 1), _seconds(match, 6))
            own, skipping = [], False
        elif not line.strip():
            own.append("")
            skipping = False
        elif web and (skipping or ((not own or not own[-1]) and _BLOCK.match(line))):
            skipping = True
        else:
            own.append(line)


def _without_number(lines: list[str], web: bool) -> list[str]:
    """Return the lines of a cue without the number, or name, of the cue that follows."""
    while lines and not lines[-1]:
        lines.pop()
    apart = len(lines) > 1 and not lines[-2]
    if lines and (lines[-1].strip().isdecimal() or (web and apart)):
        return lines[:-1]
    return lines


def _seconds(match: re.Match[str], group: int) -> float:
    parts = match.group(*range(group, group + 5))
    hours, minutes, seconds, fraction = ((part or "0").removeprefix("-") for part in parts[1:])
    found = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
    return -found if any((part or "").startswith("-") for part in parts) else found


def _ass_seconds(text: str) -> float | None:
    match = _ASS_TIME.fullmatch(text[:40])
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")


def _plain(line: str) -> str:
    """Return a line as it is shown: without markup, on one line."""
    line = _DRAWN.sub("", line[: 8 * MAX_LINE])
    line = line if _PATH.search(line) else _BREAK.sub(" ", line)
    return " ".join(html.unescape(_MARKUP.sub("", line)).split())
