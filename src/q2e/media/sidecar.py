"""Reads the files beside a video: subtitles (.srt, .vtt, .ass) and descriptions (.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from q2e.errors import MediaError
from q2e.media.beside import Beside, key, listed, subtitle_files
from q2e.media.cues import is_telemetry, parse_ass
from q2e.media.cues import parse_subtitles as parse_subtitles
from q2e.media.described import SidecarRecord, chapters_of, record_of
from q2e.paths import is_file, may_read, shown_name
from q2e.text.encodings import decoded
from q2e.types import Span

MAX_BYTES = 16 * 2**20
_SUPPLEMENT = "supplemental-metadata"


@dataclass(frozen=True, slots=True)
class Subtitles:
    """Timed lines from a file beside the video; `language` is None where its name has none."""

    path: Path
    lines: tuple[Span, ...]
    language: str | None = None


def subtitles(path: str | Path) -> Subtitles | None:
    """Return the subtitles beside a video, or None where none can be taken.

    The first file of `beside.subtitle_files` that holds timed lines is taken; what a drone wrote
    down of its flight is none. Markup is stripped, and a line of a rolling caption said once. Why
    a file was passed over is said by `subtitle_problems`.
    """
    with suppress(MediaError):
        return _looked_at(str(path), _stamp(path))[0]
    return None


def subtitle_problems(path: str | Path) -> tuple[str, ...]:
    """Return why subtitle files beside a video were not taken, a line for each; empty where all is
    well, or another file was taken."""
    try:
        found, problems = _looked_at(str(path), _stamp(path))
    except MediaError as error:
        return (str(error),)
    return problems if found is None else ()


def subtitle_stamp(path: str | Path) -> list[list[object]]:
    """Return what changes when subtitle files beside a video come, go or are edited: name and
    content, whenever and wherever they were written."""
    with suppress(MediaError):
        return [[one.path.name, size, _digest(one.path)] for one, size, _ in sorted(_stamp(path))]
    return []


def subtitle_times(path: str | Path) -> list[list[object]]:
    """Return name, size and time of change in nanoseconds of the subtitle files beside a video."""
    with suppress(MediaError):
        return [[one.path.name, size, changed] for one, size, changed in sorted(_stamp(path))]
    return []


def _digest(path: Path) -> str:
    try:
        # A longer one is not taken; its size tells enough of it.
        return "" if path.stat().st_size > MAX_BYTES else sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _stamp(path: str | Path) -> tuple[tuple[Beside, int, int], ...]:
    stamps = []
    for one in subtitle_files(Path(path)):
        try:
            status = one.path.stat()
        except OSError:  # gone between two looks
            continue
        stamps.append((one, status.st_size, status.st_mtime_ns))
    return tuple(stamps)


@lru_cache(maxsize=4)
def _looked_at(
    path: str, stamps: tuple[tuple[Beside, int, int], ...]
) -> tuple[Subtitles | None, tuple[str, ...]]:
    # Kept, since a long video asks once a part.
    problems = []
    for one, _, _ in stamps:
        try:
            text = _read_text(one.path, one.language or None)
        except MediaError as error:
            problems.append(str(error))
            continue
        parse = parse_ass if one.path.suffix.lower() in (".ass", ".ssa") else parse_subtitles
        lines = tuple(sorted(parse(text), key=lambda line: line.start_s))
        if lines and not is_telemetry(lines):
            return Subtitles(one.path, lines, one.language or None), ()
        if not lines and text.strip():
            problems.append(f"{shown_name(one.path)}: holds no timed lines; correct or remove it")
    return None, tuple(problems)


def _read_text(file: Path, language: str | None = None) -> str:
    name = shown_name(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise MediaError(f"{name}: larger than {MAX_BYTES >> 20} MiB; remove or split it")
        raw = file.read_bytes()
    except OSError as error:
        raise MediaError(f"{name}: cannot be read ({error.strerror})") from error
    text = decoded(raw, language)
    if text is None:
        raise MediaError(f"{name}: its encoding cannot be told; save it as UTF-8")
    return text


def sidecar_record(path: str | Path) -> SidecarRecord:
    """Return what descriptions beside the video say about it; see `described.record_of`.

    `NAME.info.json` goes before `NAME.mp4.json` and `NAME.json`: what one leaves out, the next
    says. Raises MediaError where one of them is too large or not JSON.
    """
    found: SidecarRecord = {}
    for fields in _fields(Path(path)):
        found = {**record_of(fields, Path(path).name), **found}
    return found


def sidecar_chapters(path: str | Path) -> tuple[Span, ...]:
    """Return the titled chapters that a description beside the video lists.

    A description that cannot be read lists none: `sidecar_record` says why.
    """
    with suppress(MediaError):
        return next(filter(None, map(chapters_of, _fields(Path(path)))), ())
    return ()


def _fields(video: Path) -> Iterator[dict[str, Any]]:
    """Yield the fields of each description beside a video, the one that counts first."""
    for file in descriptions(video):
        try:
            fields = json.loads(_read_text(file), strict=False)
        except (ValueError, RecursionError) as error:
            name = shown_name(file)
            raise MediaError(f"{name}: not valid JSON; correct or remove it") from error
        if isinstance(fields, dict):
            yield fields


def descriptions(video: Path) -> list[Path]:
    """Return the descriptions beside a video, the one that counts first at the beginning."""
    ends = {
        key(f"{video.stem}.info"): 0,
        key(f"{video.name}.info"): 1,
        key(video.name): 2,
        # Of which a photo service keeps as much as fits a long name.
        **{key(f"{video.name}.{_SUPPLEMENT[:end]}"): 3 for end in range(1, len(_SUPPLEMENT) + 1)},
        key(video.stem): 4,
    }
    with suppress(OSError):
        beside = listed(video.parent).descriptions
        found = sorted(
            (place, file) for name, place in ends.items() for file in beside.get(name, ())
        )
        return [file for _, file in found if is_file(file) and may_read(file)]
    return []
