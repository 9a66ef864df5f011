"""Pairs of a stretch of video and a text that tells of it, written out to train on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import IO

from q2e.cache import write_whole
from q2e.decoding.doors import frames_at
from q2e.errors import ConfigError, MediaError
from q2e.export import no_formula, one_line
from q2e.media.frames import save_jpeg
from q2e.store.base import Searched
from q2e.text.layers import is_layer
from q2e.types import Evidence, Video

#: Channels whose texts tell of their own time, and what pairs are taken of unless others are named.
CHANNELS = ("caption", "told", "speech")
FORMS = (".jsonl", ".csv")
#: Longest side of a picture.
_SIDE = 640
#: Pictures that are decoded at a time.
_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class Pair:
    """A stretch of a video with a text; `image` names its picture where one was written."""

    image: str
    video: str
    """Its path, or its id where it has none."""
    start: float
    end: float
    caption: str
    channel: str
    language: str | None
    origin: str
    frame_s: float
    """When its picture is."""


def pairs_of(
    store: Searched,
    videos: Iterable[Video],
    channels: Sequence[str] = CHANNELS,
    composed: bool = False,
) -> Iterator[tuple[Video, Pair]]:
    """Yield the pairs of videos, in order of time, line by line where evidence has lines.

    Layers of speech say a text again and are left out, and so are captions that are `composed` of
    other channels unless they are asked for.
    """
    for video in videos:
        seen: set[tuple[float, float, str]] = set()
        for one in store.evidence_of(video.id):
            if one.channel not in channels or is_layer(one):
                continue
            if one.origin == "composed" and not composed:
                continue
            for pair in _lines(video, one):
                key = (pair.start, pair.end, pair.caption)
                if pair.caption and key not in seen:
                    seen.add(key)
                    yield video, pair


def _lines(video: Video, one: Evidence) -> Iterator[Pair]:
    spans = [(line.start_s, line.end_s, line.text) for line in one.spans]
    for start_s, end_s, text in spans or [(one.start_s, one.end_s, one.text)]:
        middle_s = (start_s + end_s) / 2
        inside = one.frame_s is not None and start_s <= one.frame_s <= end_s
        frame_s = one.frame_s if inside and one.frame_s is not None else middle_s
        yield Pair(
            "",
            video.path or video.id,
            round(start_s, 3),
            round(end_s, 3),
            one_line(text),
            one.channel,
            one.language,
            one.origin,
            round(frame_s, 3),
        )


def write_pairs(
    pairs: Iterable[tuple[Video, Pair]], file: Path, pictures: Path | None = None
) -> tuple[int, dict[str, str]]:
    """Write pairs as lines of JSON or CSV, by the file's ending, and their pictures into a folder.

    `q2e train eye PICTURES FILE` reads both. Returns how many pairs were written, and by path the
    videos whose pictures cannot be read, with why: their pairs are left out where pictures are
    wanted. Raises ConfigError for another ending.
    """
    if file.suffix not in FORMS:
        raise ConfigError(f"{file}: pairs are written as {' or '.join(FORMS)}; name such a file")
    failed: dict[str, str] = {}
    rows = (
        [pair for _, pair in pairs] if pictures is None else [*_pictured(pairs, pictures, failed)]
    )

    def written(out: IO[bytes]) -> None:
        out.write(_text(rows, file.suffix).encode("utf-8"))

    write_whole(file, written)
    return len(rows), failed


def _pictured(
    pairs: Iterable[tuple[Video, Pair]], folder: Path, failed: dict[str, str]
) -> Iterator[Pair]:
    folder.mkdir(parents=True, exist_ok=True)
    for video, group in groupby(pairs, key=lambda one: one[0]):
        own = [pair for _, pair in group]
        if not (video.path and video.has_video):
            failed[video.path or video.id] = "it has no pictures"
            continue
        times_s = sorted({pair.frame_s for pair in own})
        named = {time_s: f"{video.id[:16]}-{time_s:.3f}.jpg" for time_s in times_s}
        try:
            for first in range(0, len(times_s), _TOGETHER):
                some = times_s[first : first + _TOGETHER]
                frames = frames_at(video.path, some, max_side=_SIDE)
                for time_s, frame in zip(some, frames, strict=True):
                    save_jpeg(frame.image, folder / named[time_s])
        except MediaError as error:
            failed[video.path] = str(error)
            continue
        yield from (replace(pair, image=named[pair.frame_s]) for pair in own)


def _text(rows: Sequence[Pair], suffix: str) -> str:
    if suffix == ".jsonl":
        return "".join(f"{json.dumps(_plain(row), ensure_ascii=False)}\n" for row in rows)
    from io import StringIO

    out = StringIO()
    names = list(Pair.__dataclass_fields__)
    table = csv.DictWriter(out, names, lineterminator="\n")
    table.writeheader()
    for row in rows:
        told = {key: value for key, value in asdict(row).items() if value is not None}
        table.writerow({key: no_formula(str(value)) for key, value in told.items()})
    return out.getvalue()


def _plain(row: Pair) -> dict[str, object]:
    return {key: value for key, value in asdict(row).items() if value != "" or key == "caption"}
