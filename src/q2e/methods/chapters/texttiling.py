"""Chapters without a model: borders where what comes next is unlike what came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float32, Float64
from q2e.methods.chapters.base import (
    Chapterer,
    Collected,
    Track,
    centred,
    stretches,
    within,
)
from q2e.methods.chapters.titles import titled
from q2e.registry import method
from q2e.types import Chapter

#: Spread of similarities below which a track changes too little to tell anything.
_FLAT = 0.05
#: Share of a video told by one channel of text from which chapters begin only where texts do.
_TOLD = 0.5
#: By default a block is this share of a video, in seconds at least and at most, and a chapter no
#: shorter than that share of a block: people divide long videos into longer chapters.
_SHARE, _WINDOW_S, _LEAST = 1 / 30, (15.0, 60.0), 2 / 3
#: Times whose blocks are made at once.
_ROWS = 256


@method("chapters", source="TextTiling: Hearst 1997, on vectors instead of words")
@dataclass(frozen=True, kw_only=True)
class TextTiling(Chapterer):
    """Borders where blocks of evidence before and after a gap are least alike; no model.

    1. At each gap between two pieces (of text where a channel of text tells of half the video) the
       mean vectors of what lies `window_s` before and after it are compared, for speech, screen
       text, descriptions and pictures, each less the video's mean.
    2. The depth of a gap is how far similarity rises to the next peaks on both sides; of several
       channels each counts by its share of the video.
    3. Borders are the deepest gaps above mean + `above` * standard deviation, `least_s` apart.
    4. What is said around each is encoded line by line, and the border moved between the two lines
       that part best.
    """

    window_s: Annotated[
        float | None,
        Field(
            gt=0,
            le=3_600,
            description="Seconds of a block on each side of a gap; a 30th of the video, 15 to 60.",
        ),
    ] = None
    above: Annotated[
        float, Field(ge=-3, le=10, description="Standard deviations above the mean depth.")
    ] = 0.5
    least_s: Annotated[
        float | None,
        Field(ge=0, le=3_600, description="Seconds of a chapter, at least; two thirds of a block."),
    ] = None

    def chapters(self, known: Collected) -> tuple[Chapter, ...]:
        tracks = centred(one for one in known.tracks if len(one.vectors) > 1)
        window_s, least_s = self.lengths_s(known.duration_s)
        borders = self.borders(tracks, known.duration_s)
        starts: list[float] = []
        for border in moved(borders, known, window_s / 2):
            if border >= (starts or [0.0])[-1] + least_s / 2:
                starts.append(border)
        return titled(stretches(starts, known.duration_s), known.lines, known.name)

    def lengths_s(self, duration_s: float) -> tuple[float, float]:
        """Return the seconds of a block and, at least, of a chapter in a video of some length."""
        low, high = _WINDOW_S
        window_s = self.window_s or min(max(_SHARE * duration_s, low), high)
        return window_s, _LEAST * window_s if self.least_s is None else self.least_s

    def borders(self, tracks: Sequence[Track], duration_s: float) -> list[float]:
        """Return where chapters begin, to the piece of evidence, without the first."""
        window_s, least_s = self.lengths_s(duration_s)
        texts = [one for one in tracks if one.channel != "frame"]
        told_s = max((float((one.end_s - one.start_s).sum()) for one in texts), default=0.0)
        among = texts if told_s >= _TOLD * duration_s else tracks
        gaps_s = np.unique(np.concatenate([one.start_s for one in among] or [np.zeros(0)]))
        gaps_s = gaps_s[(gaps_s >= least_s) & (gaps_s <= duration_s - least_s)]
        if not len(gaps_s):
            return []
        depth = np.zeros(len(gaps_s))
        for one in tracks:
            alike = similarity(one, gaps_s, window_s)
            share = min(1.0, float((one.end_s - one.start_s).sum()) / max(duration_s, 1e-9))
            depth += share * depths(alike) / max(float(alike.std()), _FLAT)
        return chosen(gaps_s, depth, self.above, least_s)


def moved(borders: Sequence[float], known: Collected, near_s: float) -> list[float]:
    """Return borders moved to the start of the line at which another subject begins.

    What is said in the two pieces on both sides is encoded line by line, and told apart by the
    pieces within `near_s` beside them, which hardly hold both subjects. A border before or after
    all that is said stays, and so does one that would move by more than twice `near_s`.
    """
    said = next((one for one in known.tracks if one.channel == "speech"), None)
    if said is None or len(said.start_s) < 2:
        return list(borders)
    places = [
        min(max(int(np.searchsorted(said.start_s, one)), 1), len(said.start_s) - 1)
        for one in borders
    ]
    spoken = [line for line in known.lines if line.channel == "speech"]
    around = [
        within(spoken, float(said.start_s[one - 1]), float(said.end_s[one])) for one in places
    ]
    texts = list(dict.fromkeys(line.text for lines in around for line in lines))
    vector = dict(zip(texts, known.encode(texts), strict=True)) if texts else {}
    found = []
    for border_s, place, lines in zip(borders, places, around, strict=True):
        end_s = float(said.end_s[place])
        if len(lines) < 2 or not said.start_s[0] < border_s < said.end_s[-1]:
            found.append(border_s)
            continue
        split = parted(
            np.stack([vector[line.text] for line in lines]), *_beside(said, place, near_s)
        )
        other_s = end_s if split == len(lines) else lines[split].start_s
        found.append(other_s if abs(other_s - border_s) <= 2 * near_s else border_s)
    return found


def _beside(said: Track, place: int, near_s: float) -> tuple[Float32, Float32]:
    """Return the mean vectors (d,) before and after the pieces `place - 1` and `place`."""
    starts, end_s = said.start_s, said.end_s[place]
    earlier = starts >= starts[max(place - 2, 0)] - near_s
    earlier &= starts < starts[place - 1]
    later = (starts >= end_s) & (starts < end_s + near_s)
    before = said.vectors[earlier if earlier.any() else slice(0, 1)]
    after = said.vectors[later if later.any() else slice(-1, None)]
    return before.mean(axis=0), after.mean(axis=0)


def similarity(track: Track, at_s: Float64, window_s: float) -> Float64:
    """Return (t,) the cosines of the mean vectors of what lies before and after each time.

    A piece counts by the seconds of it that lie in the window. Where one side is empty it is the
    mean of the others.
    """
    found = np.full(len(at_s), np.nan)
    for first in range(0, len(at_s), _ROWS):
        times = at_s[first : first + _ROWS, None]
        before = _overlap(track, times - window_s, times) @ track.vectors
        after = _overlap(track, times, times + window_s) @ track.vectors
        sizes = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        products = (before * after).sum(axis=1)
        known = sizes > 0
        found[first : first + _ROWS][known] = products[known] / sizes[known]
    told = np.isfinite(found)
    return np.where(told, found, found[told].mean() if told.any() else 0.0)


def _overlap(track: Track, start_s: Float64, end_s: Float64) -> Float64:
    """Return (t, n) the seconds of each piece in each window; a piece without extent counts 1."""
    shared = np.minimum(end_s, track.end_s) - np.maximum(start_s, track.start_s)
    instant = track.end_s - track.start_s <= 0
    inside = (track.start_s >= start_s) & (track.start_s < end_s)
    return np.where(instant, inside.astype(np.float64), np.maximum(shared, 0.0))


def depths(alike: Float64) -> Float64:
    """Return (t,) how far a curve rises from each place to the nearest peaks on both sides."""
    rises = np.zeros(len(alike))
    for turned in (False, True):
        curve = alike[::-1] if turned else alike
        peaks = curve.copy()
        for place in range(1, len(curve)):
            if curve[place - 1] >= curve[place]:
                peaks[place] = peaks[place - 1]
        rises += (peaks - curve)[::-1] if turned else peaks - curve
    return rises


def chosen(gaps_s: Float64, depth: Float64, above: float, least_s: float) -> list[float]:
    """Return the deepest gaps above the mean by `above` standard deviations, in order of time."""
    line = float(depth.mean() + above * depth.std())
    taken: list[float] = []
    for place in np.argsort(-depth, kind="stable").tolist():
        time_s = float(gaps_s[place])
        if depth[place] <= line or depth[place] <= 0:
            break
        if all(abs(time_s - one) >= least_s for one in taken):
            taken.append(time_s)
    return sorted(taken)


def parted(vectors: Float32, before: Float32, after: Float32) -> int:
    """Return the place 0 to n at which lines (n, d) part best between two subjects (d,).

    It is the split of the largest sum of how much more each line is like its own side than like
    the other, (v - (before + after) / 2) · (before - after).
    """
    along = (vectors - (before + after) / 2) @ (before - after)
    sums = np.concatenate([[0.0], np.cumsum(along)])
    return int(np.argmax(2 * sums - sums[-1]))
