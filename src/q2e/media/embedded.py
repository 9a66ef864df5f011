"""Reads what a container holds besides pictures and sound: titled chapters and subtitles.

`contents` and `cues` open the file; what is made of them (`chapters_of`, `subtitles_of`) is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.media.container import origin_s, packets
from q2e.media.cues import is_telemetry, parse_subtitles, shown_in_ass
from q2e.media.decoder import opened
from q2e.media.sidecar import Subtitles
from q2e.types import Span

#: Codecs of subtitles that are text, as FFmpeg names them; others are pictures of text.
_TEXTS = ("subrip", "srt", "text", "mov_text", "ass", "ssa", "webvtt")
#: Bounds on what one file may hold.
_MAX_CHAPTERS, _MAX_CUES, _MAX_BYTES = 1_000, 50_000, 16 << 20
_MAX_TITLE = 500
#: How long a cue is shown whose end is not said.
_SHOWN_S = 5.0
#: Titles of tracks that hold a few lines of it all.
_PARTIAL = re.compile(r"forced|signs|songs|comment|kommentar", re.IGNORECASE)
#: Titles that programs give: numbers and times, with or without the word for a chapter.
_MECHANICAL = re.compile(
    r"(chapter|chap|kapitel|chapitre|cap[ií]tulo|capitolo|hoofdstuk|глава|раздел|scene|track|part"
    r"|第|챕터|장|فصل|الفصل|अध्याय|บทที่)?\s*[-#]?[\d\s:.,/-]*\s*(章|장)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What the head of a file says it holds besides pictures and sound."""

    chapters: tuple[Span, ...] = ()
    """Titled chapters, in order of time."""
    subtitles: int = 0
    """Tracks of subtitles that are text."""


@dataclass(frozen=True, slots=True)
class Cues:
    """One track of subtitles as it is in the file: texts with their markup."""

    language: str
    """As the file says it, or empty."""
    lines: tuple[Span, ...]


def contents(path: str | Path) -> Contents:
    """Return the titled chapters of a file and how many tracks of text subtitles it has.

    Raises MediaError where the file cannot be read.
    """
    with opened(path) as container:
        tracks = len(_tracks(container))
        found = []
        origin = origin_s(container)
        for chapter in container.chapters()[:_MAX_CHAPTERS]:
            base = float(chapter["time_base"])
            title = str(chapter["metadata"].get("title", "")).strip()[:_MAX_TITLE]
            start_s = max(0.0, chapter["start"] * base - origin)
            end_s = max(start_s, chapter["end"] * base - origin)
            if title and not _MECHANICAL.fullmatch(title):
                found.append(Span(start_s, end_s, title))
    return Contents(tuple(sorted(found, key=lambda one: one.start_s)), tracks)


def cues(path: str | Path) -> Cues | None:
    """Return the subtitles inside a file that players show first, or None where there are none.

    The default track goes before others, but for one for the deaf, which describes sounds too.
    One for signs and foreign words alone is none: it does not stand for all that is said.

    Raises MediaError where the file cannot be read.
    """
    with opened(path) as container:
        tracks = _tracks(container)
        if not tracks:
            return None
        track = min(tracks, key=_rank)
        origin, base = origin_s(container), float(track.time_base)
        found: list[tuple[float, float | None, str]] = []
        size = 0
        for packet in packets(container, track):
            if packet.pts is None or not packet.size:
                continue
            size += packet.size
            if len(found) >= _MAX_CUES or size > _MAX_BYTES:
                break
            start_s = packet.pts * base - origin
            length_s = packet.duration * base if packet.duration else None
            found.append((start_s, length_s, _text(bytes(packet), _codec(track))))
        lines = tuple(_ended(sorted(found, key=lambda one: one[0])))
        return Cues(track.metadata.get("language", ""), lines)


def subtitles_of(found: Cues, path: str | Path) -> Subtitles | None:
    """Return cues cleaned as those of a file beside the video are.

    None where none has words, or they are readings of instruments.
    """
    from q2e.text.languages import language_code

    blocks = []
    for number, cue in enumerate(found.lines, 1):
        # Blank lines and arrows would end a cue of the text that is made here.
        kept = [line.replace("-->", "→") for line in cue.text.splitlines() if line.strip()]
        blocks.append(f"{number}\n{_clock(cue.start_s)} --> {_clock(cue.end_s)}\n")
        blocks.append("\n".join(kept) + "\n\n")
    lines = tuple(parse_subtitles("".join(blocks)))
    if not lines or is_telemetry(lines):
        return None
    return Subtitles(Path(path), lines, language_code(found.language))


def _tracks(container: Any) -> list[Any]:
    """Return the tracks of text that may stand for all that is said."""
    import av

    mark = av.stream.Disposition
    return [
        stream
        for stream in container.streams.subtitles
        if _codec(stream) in _TEXTS
        and stream.time_base
        and not stream.disposition & (mark.forced | mark.comment)
        and not _PARTIAL.search(stream.metadata.get("title", ""))
    ]


def _codec(stream: Any) -> str:
    return "" if stream.codec_context is None else str(stream.codec_context.name)


def _rank(track: Any) -> tuple[bool, bool, bool]:
    import av

    mark = av.stream.Disposition
    return (
        bool(track.disposition & (mark.lyrics | mark.karaoke | mark.descriptions)),
        bool(track.disposition & mark.hearing_impaired),
        not track.disposition & mark.default,
    )


def _text(raw: bytes, codec: str) -> str:
    if codec == "mov_text":  # its length in two bytes, the text, then boxes of style
        raw = raw[2 : 2 + int.from_bytes(raw[:2], "big")]
    text = raw.decode("utf-8", "replace").replace("\0", "")
    if codec in ("ass", "ssa"):  # number, layer, style, name, three margins, effect, text
        fields = text.split(",", 8)
        text = shown_in_ass(fields[8]) if len(fields) == 9 else ""
    return text


def _ended(found: Sequence[tuple[float, float | None, str]]) -> Iterable[Span]:
    """Yield spans; a cue whose end is not said is shown until the next, and not for long."""
    for number, (start_s, length_s, text) in enumerate(found):
        if not text.strip():
            continue
        end_s = start_s + (_SHOWN_S if length_s is None else length_s)
        if length_s is None and number + 1 < len(found):
            end_s = min(end_s, found[number + 1][0])
        if end_s >= 0:
            yield Span(max(0.0, start_s), max(0.0, start_s, end_s), text)


def _clock(seconds: float) -> str:
    minutes, thousandths = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{thousandths // 1000:02d},{thousandths % 1000:03d}"
