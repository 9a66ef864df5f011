"""Moments as stretches in which the score stands out from what is before and after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float64, Int64
from q2e.methods.localise.base import Localiser, Scored, Stretch, widened
from q2e.registry import method

#: Thresholds between the floor and the peak of the curve, whose runs are proposed.
LEVELS = (0.5, 0.6, 0.7)
#: Power of its length that a stretch is worth more by.
POWER = 0.25
#: Seconds that two stretches may share by rounding.
_TOUCH_S = 1e-6
#: Pictures that are averaged at once.
_AT_ONCE = 128
#: Seconds that evidence of a single point in time stands for.
_BRIEF_S = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The score of one video over time: `value` (m,) between neighbouring `edge` (m + 1,)."""

    edge: Float64
    value: Float64

    def until(self, when_s: Float64) -> Float64:
        """Return the integrals (...,) of the curve up to some times; outside of it, it is 0."""
        total = np.append(0.0, np.cumsum(self.value * np.diff(self.edge)))
        return np.asarray(np.interp(when_s, self.edge, total), np.float64)


@method(
    "localise",
    source="proposals: temporal actionness grouping, Zhao et al. 2017; inside less outside: "
    "AutoLoc, Shou et al. 2018; the longer, the more: scan statistic, Arias-Castro et al. 2005",
)
@dataclass(frozen=True, kw_only=True)
class Contrast(Localiser):
    """Stretches whose score stands out from their margins, by the score's own curve over time.

    1. The curve: a picture stands for the time until half way to its neighbours, or to the cut
       between them, with the mean of the pictures within `smooth_s` in its shot; any other
       evidence stands for its own time. Of one channel the best counts, channels are added, and
       `floor` is 0.
    2. Runs above 0.5, 0.6 and 0.7 of the peak are proposed; they end at cuts, but for those that
       a sentence goes on across. Runs under `shortest_s` grow to it, those over `longest_s` are
       cut around their best evidence.
    3. A run of length L is worth (mean inside - mean of its margins) * L^(1/4). Margins are
       `margin` * L long on both sides, at least `least_s`; outside the video the curve is 0.
    4. Non-maximum suppression: the best is kept, what overlaps it goes, and so on.

    A moment's score is what its run is worth; its frame is that of its best evidence, else of the
    best that has one inside, else the middle of the best.
    """

    smooth_s: Annotated[
        float, Field(ge=0, le=60, description="Seconds over which pictures are averaged.")
    ] = 4.0
    margin: Annotated[
        float, Field(gt=0, le=10, description="Length of a margin, in lengths of the moment.")
    ] = 0.5
    least_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that a margin has at least.")
    ] = 2.0
    shortest_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that a moment has at least.")
    ] = 1.0
    longest_s: Annotated[
        float, Field(gt=0, le=86_400, description="Seconds that a moment has at most.")
    ] = 60.0

    def strong(self, scores: Float64, floor: float = 0.0) -> Bool:
        known = np.isfinite(scores)
        above: Bool = known & (np.where(known, scores, floor) > floor)
        return above if above.any() else known

    def moments(self, evidence: Scored, top: int) -> list[Stretch]:
        known = np.flatnonzero(np.isfinite(evidence.score))
        if not len(known) or top < 1:
            return []
        given = evidence if len(known) == len(evidence.score) else evidence.of_rows(known)
        times = own_times(given)
        curve = curve_of(given, *times, self.smooth_s)
        proposed = self._proposed(given, curve, times)
        worth = self._worth(curve, proposed)
        may = self.strong(given.score, given.floor)
        return [
            told(given, known, may, times, proposed[number], float(worth[number]))
            for number in apart(proposed, worth)[:top]
        ]

    def _proposed(
        self, given: Scored, curve: Curve, times: tuple[Float64, Float64]
    ) -> list[tuple[float, float]]:
        """Return runs above shares of the peak, none shorter or longer than a moment may be."""
        peak = float(curve.value.max())
        ends = _ends(given, curve, times, LEVELS[0] * peak)
        found = [
            (float(curve.edge[a]), float(curve.edge[z]))
            for level in LEVELS
            for a, z in _runs(curve.value >= level * peak, ends)
        ]
        return list(dict.fromkeys(self._fitted(given, times, one) for one in found))

    def _fitted(
        self, given: Scored, times: tuple[Float64, Float64], one: tuple[float, float]
    ) -> tuple[float, float]:
        low, high = one
        most = max(self.longest_s, self.shortest_s)
        if high - low <= most:
            return widened(low, high, self.shortest_s, given.duration_s)
        near = np.flatnonzero(meeting(times, low, high))
        lead = near[int(np.argmax(given.score[near]))]
        middle = float(np.clip((times[0][lead] + times[1][lead]) / 2, low, high))
        begin = min(max(low, middle - most / 2), high - most)
        return begin, begin + most

    def _worth(self, curve: Curve, stretches: list[tuple[float, float]]) -> Float64:
        """Return (k,) how far each stretch stands out from its margins."""
        low, high = np.array(stretches, np.float64).reshape(-1, 2).T
        length = high - low
        wide = np.maximum(self.least_s, self.margin * length)
        sums = np.diff(curve.until(np.stack([low - wide, low, high, high + wide])), axis=0)
        worth = (sums[1] / length - (sums[0] + sums[2]) / (2 * wide)) * length**POWER
        return np.asarray(worth, np.float64)


def told(
    given: Scored,
    known: Int64,
    may: Bool,
    times: tuple[Float64, Float64],
    one: tuple[float, float],
    worth: float,
) -> Stretch:
    """Return a stretch with the strong evidence in it; of `known`, the places among all."""
    low, high = one
    near = meeting(times, low, high)
    # A weak picture between strong ones may be all that a stretch holds.
    inside = np.flatnonzero(near & may if (near & may).any() else near)
    members = inside[np.lexsort((times[0][inside], -given.score[inside]))]
    lead, frame = members[0], given.frame_s[members]
    pictured = frame[(frame >= low) & (frame < high)]
    middle = (max(times[0][lead], low) + min(times[1][lead], high)) / 2
    shown = float(pictured[0]) if len(pictured) else float(middle)
    # What has no time at all was given some, so as to stand anywhere.
    last_s = given.length_s
    low, high, shown = min(low, last_s), min(high, last_s), min(shown, last_s)
    return Stretch(low, high, worth, shown, tuple(known[members].tolist()))


def meeting(times: tuple[Float64, Float64], low: float, high: float) -> Bool:
    """Return (n,) which evidence stands for any of a stretch."""
    return np.asarray(np.minimum(times[1], high) - np.maximum(times[0], low) > _TOUCH_S)


def own_times(given: Scored) -> tuple[Float64, Float64]:
    """Return (n,) from when to when each piece of evidence stands, never for no time at all.

    A picture stands until half way to the next one of its channel; where shots begin between
    them, it ends with the first of these, and the next one begins with the last.
    """
    start_s, end_s = given.start_s.copy(), given.end_s.copy()
    last_s = given.length_s
    for channel in sorted(set(given.channel[given.instant].tolist())):
        own = np.flatnonzero(given.instant & (given.channel == channel))
        own = own[np.argsort(given.frame_s[own], kind="stable")]
        at = given.frame_s[own]
        between = (at[1:] + at[:-1]) / 2
        low, high = np.append(0.0, between), np.append(between, last_s)
        if len(given.cuts_s):
            before = np.searchsorted(given.cuts_s, at[:-1], side="right")
            after = np.searchsorted(given.cuts_s, at[1:], side="right")
            cut = np.flatnonzero(after > before)
            high[cut], low[cut + 1] = given.cuts_s[before[cut]], given.cuts_s[after[cut] - 1]
        start_s[own], end_s[own] = low, np.maximum(high, low)
    return start_s, np.maximum(end_s, start_s + _BRIEF_S)


def curve_of(given: Scored, start_s: Float64, end_s: Float64, smooth_s: float) -> Curve:
    """Return the curve of evidence that stands for `[start_s, end_s)` (n,): see `Contrast`."""
    value = _above(given)
    edge = np.sort(np.concatenate([[0.0], start_s, end_s]))
    edge = edge[np.append(True, edge[1:] - edge[:-1] > 1e-9)]
    low, high = np.searchsorted(edge, start_s - 1e-9), np.searchsorted(edge, end_s - 1e-9)
    total = np.zeros(len(edge) - 1)
    for channel in sorted(set(given.channel.tolist())):
        own = np.flatnonzero(given.channel == channel)
        heights = _smoothed(given, own, value, start_s, end_s, smooth_s)
        line, wide = np.zeros(len(total)), high[own] - low[own]
        before = np.repeat(low[own] - np.cumsum(wide) + wide, wide)
        np.maximum.at(line, before + np.arange(len(before)), np.repeat(heights, wide))
        total += line
    if smooth_s > 0 and not (total > 0).any():
        # What answers alone among pictures that speak against it would be averaged away.
        return curve_of(given, start_s, end_s, 0.0)
    return Curve(edge, total)


def _above(given: Scored) -> Float64:
    """Return (n,) scores above the floor; where none is, above the weakest."""
    value = given.score - given.floor
    if value.max() <= 0:
        value = given.score - given.score.min()
    return value if value.max() > 0 else np.ones(len(value))


def _smoothed(
    given: Scored, own: Int64, value: Float64, start_s: Float64, end_s: Float64, smooth_s: float
) -> Float64:
    """Return values of one channel, those of pictures averaged over time within their shot."""
    found = value[own]
    seen = np.flatnonzero(given.instant[own])
    if smooth_s <= 0 or len(seen) < 2:
        return found
    seen = seen[np.argsort(given.frame_s[own[seen]], kind="stable")]
    at = given.frame_s[own[seen]]
    low, high, raw = start_s[own[seen]], end_s[own[seen]], value[own[seen]]
    shot = np.searchsorted(given.cuts_s, at, side="right")
    least, most = at - smooth_s / 2, at + smooth_s / 2
    for first in range(0, len(seen), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        # A picture stands until the next one, so those that lie near follow one another.
        near = np.flatnonzero((high > least[some][0]) & (low < most[some][-1]))
        shared = np.minimum(high[near], most[some, None]) - np.maximum(low[near], least[some, None])
        shared = np.where(shot[near] == shot[some, None], np.maximum(shared, 0.0), 0.0)
        weight = shared.sum(axis=1)
        some_seen = seen[some][weight > 0]
        found[some_seen] = (shared @ raw[near])[weight > 0] / weight[weight > 0]
    return found


def _ends(given: Scored, curve: Curve, times: tuple[Float64, Float64], least: float) -> Bool:
    """Return (m + 1,) the edges at which a run ends: cuts that no sentence goes on across."""
    cuts = given.cuts_s
    strong = np.flatnonzero(~given.instant & (_above(given) >= least))
    for low, high in zip(times[0][strong].tolist(), times[1][strong].tolist(), strict=True):
        cuts = cuts[(cuts <= low + _TOUCH_S) | (cuts >= high - _TOUCH_S)]
    near = np.minimum(np.searchsorted(curve.edge, cuts - _TOUCH_S), len(curve.edge) - 1)
    found = np.zeros(len(curve.edge), bool)
    found[near[np.abs(curve.edge[near] - cuts) <= _TOUCH_S]] = True
    return found


def _runs(on: Bool, ends: Bool) -> list[tuple[int, int]]:
    """Return from where to where a mask (m,) holds, again and again; `ends` (m + 1,) divide."""
    # Without `append` and `flatnonzero`, which take longer than what they do.
    before, after = np.zeros((2, len(ends)), bool)
    before[1:], after[:-1] = on, on
    first = (after & (~before | ends)).nonzero()[0]
    last = (before & (~after | ends)).nonzero()[0]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def apart(stretches: list[tuple[float, float]], worth: Float64) -> list[int]:
    """Return the numbers of the stretches that overlap no better one, best first."""
    taken: list[int] = []
    for number in np.argsort(-worth, kind="stable").tolist():
        low, high = stretches[number]
        if all(low >= stretches[n][1] or high <= stretches[n][0] for n in taken):
            taken.append(number)
    return taken
