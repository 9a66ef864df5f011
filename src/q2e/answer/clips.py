"""Videos in stretches of equal length: what is said and described in each, and its vectors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from q2e.answer.base import Tools
from q2e.answer.lines import Line, lines_of
from q2e.arrays import Float32, Float64
from q2e.types import Evidence, Filters, Results, Video

#: Channels that describe; all others with text are what is said or written.
DESCRIBES = ("caption", "summary")
#: Channels that tell of a video as a whole.
_WHOLE = ("metadata", "summary")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A stretch of a video; a vector is the unit mean of those of its pieces, None without any."""

    video: Video
    number: int
    """Its place in the video; -1 for what is said of the video as a whole."""
    start_s: float
    end_s: float
    lines: tuple[Line, ...] = ()
    """What may be quoted of it, in order of time."""
    described: Float32 | None = None
    said: Float32 | None = None
    seen: Float32 | None = None
    """In the space of pictures."""

    @property
    def key(self) -> tuple[str, int]:
        return self.video.id, self.number

    def told(self, *channels: str) -> str:
        """Return its lines as one text, of some channels or all."""
        return " ".join(one.text for one in self.lines if not channels or one.channel in channels)

    @property
    def text(self) -> Float32 | None:
        """The vector of all that is told of it."""
        return unit_mean([one for one in (self.described, self.said) if one is not None])


def videos_of(results: Results, most: int) -> list[Video]:
    """Return the best videos of a search, best first."""
    return [hit.video for hit in results.hits[:most]]


def clips_of(
    videos: Sequence[Video], tools: Tools, seconds: float, filters: Filters | None = None
) -> list[Clip]:
    """Return the clips of some videos, `seconds` each, that hold anything, in order of time.

    What spans a longer video as a whole is a clip of its own.
    """
    by_id = {video.id: video for video in videos}
    with tools.store.snapshot():
        table = tools.store.table()
        mask = None if filters is None else tools.store.rows(filters)
        own = np.isin(table.video, [table.video_ids.index(one) for one in by_id])
        rows = np.flatnonzero(own if mask is None else own & mask)
        pieces = tools.store.evidence(rows.tolist())
        place = {int(row): at for at, row in enumerate(rows.tolist())}
        text = _vectors(tools, tools.models.text.space, place)
        seen = {}
        if tools.models.has("image"):
            seen = _vectors(tools, tools.models.image.space, place)
    found: dict[tuple[str, int], _Parts] = defaultdict(_Parts)
    for at, piece in enumerate(pieces):
        video = by_id[piece.video]
        parts = found[video.id, number_of(piece, video, seconds)]
        if at in text:
            (parts.described if piece.channel in DESCRIBES else parts.said).append(text[at])
        if at in seen:
            parts.seen.append(seen[at])
        for line in lines_of(video, piece):
            found[video.id, number_of(line, video, seconds)].lines.append(line)
    return [_clip(by_id[key[0]], key[1], found[key], seconds) for key in _in_order(found, videos)]


def number_of(piece: Evidence | Line, video: Video, seconds: float) -> int:
    """Return the clip that holds the middle of a piece; -1 where it spans several."""
    spans = piece.end_s - piece.start_s >= 0.9 * video.duration_s
    if video.duration_s > seconds and (spans or piece.channel in _WHOLE):
        return -1
    last = max(0, math.ceil(video.duration_s / seconds) - 1)
    return min(last, int((piece.start_s + piece.end_s) / 2 / seconds))


def likeness(asked: Float32, vectors: Iterable[Float32 | None]) -> Float64:
    """Return cosines (n,) of a unit vector with others; -inf where there is none."""
    return np.array([-math.inf if one is None else float(one @ asked) for one in vectors])


def unit_mean(vectors: Sequence[Float32]) -> Float32 | None:
    """Return the mean of some vectors with length 1; None of none, or where they cancel out."""
    if not vectors:
        return None
    mean = np.mean(np.stack(vectors), axis=0, dtype=np.float32)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length, np.float32) if length > 0 else None


class _Parts:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.described: list[Float32] = []
        self.said: list[Float32] = []
        self.seen: list[Float32] = []


def _vectors(tools: Tools, space: str, place: dict[int, int]) -> dict[int, Float32]:
    """Return {place among the pieces: vector} of a space."""
    rows, matrix = tools.store.vectors(space)
    at = {place[int(row)]: n for n, row in enumerate(rows.tolist()) if int(row) in place}
    return {piece: np.asarray(matrix[n], np.float32) for piece, n in at.items()}


def _clip(video: Video, number: int, parts: _Parts, seconds: float) -> Clip:
    whole = number < 0
    end_s = video.duration_s if whole else min((number + 1) * seconds, video.duration_s)
    start_s = 0.0 if whole else number * seconds
    return Clip(
        video,
        number,
        start_s,
        max(start_s, end_s),
        tuple(sorted(parts.lines, key=lambda line: line.start_s)),
        unit_mean(parts.described),
        unit_mean(parts.said),
        unit_mean(parts.seen),
    )


def _in_order(found: Iterable[tuple[str, int]], videos: Sequence[Video]) -> list[tuple[str, int]]:
    order = {video.id: at for at, video in enumerate(videos)}
    return sorted(found, key=lambda key: (order[key[0]], key[1]))
