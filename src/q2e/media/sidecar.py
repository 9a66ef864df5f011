"""Reads the files beside a video: subtitles (.srt, .vtt) and descriptions (.json)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from q2e.errors import MediaError
from q2e.paths import is_file, may_read
from q2e.types import Span

MAX_BYTES = 16 * 2**20
_MAX_LINE = 2_000
_MAX_TAGS = 200

_SECONDS = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_SECONDS}\s*-->\s*{_SECONDS}(?:\s.*)?$")
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_LANGUAGE = re.compile(r"^([a-z]{2})(?:[-_][a-z0-9]{2,8}){0,3}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subtitles:
    """Timed lines from a file beside the video; `language` is None where its name has none."""

    path: Path
    lines: tuple[Span, ...]
    language: str | None = None


class SidecarRecord(TypedDict, total=False):
    """What a description beside the video says; only what it says is present."""

    title: str
    description: str
    date: str
    language: str
    tags: tuple[str, ...]


def subtitles(path: str | Path) -> Subtitles | None:
    """Return the subtitles beside a video, or None where there are none.

    `talk.mp4` takes `talk.srt` or `talk.vtt`, else `talk.LANG.srt` or `talk.LANG.vtt` (the first
    by name) with ISO 639-1 LANG. Markup is stripped, and lines that end before they begin or
    repeat the line before (as rolling captions do) are dropped.

    Raises MediaError where the file is too large or cannot be read.
    """
    for file, language in _subtitle_files(Path(path)):
        lines = tuple(parse_subtitles(_read_text(file)))
        if lines:
            return Subtitles(file, lines, language)
    return None


def _subtitle_files(video: Path) -> Iterator[tuple[Path, str | None]]:
    for suffix in (".srt", ".vtt"):
        if is_file(plain := video.with_suffix(suffix)) and may_read(plain):
            yield plain, None
    prefix = f"{video.stem}."
    try:
        beside = sorted(video.parent.iterdir())
    except OSError as error:
        raise MediaError(f"{video.parent}: cannot be listed ({error.strerror})") from error
    for file in beside:
        if file.name.startswith(prefix) and file.suffix.lower() in (".srt", ".vtt"):
            match = _LANGUAGE.match(file.name.removeprefix(prefix)[: -len(file.suffix)])
            if match and is_file(file) and may_read(file):
                yield file, match[1].lower()


def parse_subtitles(text: str) -> Iterator[Span]:
    """Yield the timed lines of SubRip or WebVTT text, in the order of the text."""
    before: list[str] = []
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        match = _TIMING.match(line[:200])
        if match is None and line.strip():
            lines.append(line)
            continue
        if times is not None:
            cleaned = [clean for raw in lines if (clean := _plain(raw))]
            if match is not None and cleaned and cleaned[-1].isdigit():
                cleaned.pop()  # the number of a cue that follows without a blank line
            fresh = [clean for clean in cleaned if clean not in before]
            if fresh and times[0] <= times[1]:
                yield Span(*times, " ".join(fresh)[:_MAX_LINE])
            before = cleaned or before
        times = None if match is None else (_seconds(match, 1), _seconds(match, 5))
        lines = []


def _seconds(match: re.Match[str], group: int) -> float:
    hours, minutes, seconds, fraction = match.group(group, group + 1, group + 2, group + 3)
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + float(f"0.{fraction}")


def _plain(line: str) -> str:
    return " ".join(html.unescape(_MARKUP.sub("", line[: 4 * _MAX_LINE])).split())


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise MediaError(f"{file.name}: larger than {MAX_BYTES >> 20} MiB; remove or split it")
        raw = file.read_bytes()
    except OSError as error:
        raise MediaError(f"{file.name}: cannot be read ({error.strerror})") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def sidecar_record(path: str | Path) -> SidecarRecord:
    """Return what `NAME.info.json` or `NAME.json` beside the video says about it.

    Only values of the right type are taken: `title`, `description`, `upload_date` or `date`
    (given back as `YYYY-MM-DD`), `language` (ISO 639-1) and `tags`.

    Raises MediaError where the file is too large or not JSON.
    """
    video = Path(path)
    for suffix in (".info.json", ".json"):
        file = video.with_suffix(suffix)
        if is_file(file) and may_read(file):
            try:
                fields = json.loads(_read_text(file))
            except (ValueError, RecursionError) as error:
                raise MediaError(f"{file.name}: not valid JSON; correct or remove it") from error
            return _record(fields) if isinstance(fields, dict) else {}
    return {}


def _record(fields: dict[str, Any]) -> SidecarRecord:
    record: SidecarRecord = {}
    if title := _text(fields.get("title"), 1_000):
        record["title"] = title
    if description := _text(fields.get("description"), 100_000):
        record["description"] = description
    if date := _date(fields.get("upload_date")) or _date(fields.get("date")):
        record["date"] = date
    match = _LANGUAGE.match(_text(fields.get("language"), 40))
    if match:
        record["language"] = match[1].lower()
    tags = fields.get("tags")
    if isinstance(tags, list):
        texts = (_text(tag, 200) for tag in tags[:_MAX_TAGS])
        record["tags"] = tuple(dict.fromkeys(tag for tag in texts if tag))
    return record


def _text(value: object, longest: int) -> str:
    return value.replace("\0", "")[:longest].strip() if isinstance(value, str) else ""


def _date(value: object) -> str | None:
    from datetime import date

    digits = re.match(r"^(\d{4})-?(\d{2})-?(\d{2})(?:$|[T ])", _text(value, 40))
    try:
        return date(*map(int, digits.groups())).isoformat() if digits else None
    except ValueError:
        return None
