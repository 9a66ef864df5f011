"""Finds what happens in an order inside one video: exact, and for all videos in one pass.

Shapes: n pieces of evidence of all videos together, k steps in order of time, g videos. `values`
(k, n) is what a piece is worth as a step, -inf where it is none. Times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """The best chain of each video: `score` (g,), -inf where it has none, `members` (k, g).

    A member is the position of the evidence that stands for a step, -1 where there is no chain.
    """

    score: Float64
    members: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One chain of one video: `rows` of the store's table, and the place of the one asked for."""

    rows: list[int]
    score: float
    place: int


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The evidence that may stand for the steps of an order, and what it is worth for each.

    `rows` (n,) of the store's table, `values` (k, n) by step in order of time.
    """

    rows: Int64
    start_s: Float64
    end_s: Float64
    video: Int64
    values: Float64
    shot_s: Float64
    """(2, n) beginning and end of the shot or stretch that each piece is shown as."""
    within_s: tuple[float | None, ...] = ()
    same_time: bool = False
    asked: int | None = None
    """The place of the step that is asked for, or None where all of them are."""

    def best(self, videos: int) -> Chains:
        """Return the best chain of each of the table's videos."""
        if self.same_time:
            return together(self.start_s, self.end_s, self.video, self.values, videos)
        return in_order(self.start_s, self.end_s, self.video, self.values, videos, self.within_s)

    def chains(self, video: int, top: int) -> list[Chain]:
        """Return the best chains of one video, none of which overlaps another, best first."""
        own = np.flatnonzero(self.video == video)
        left = replace(
            self,
            rows=self.rows[own],
            start_s=self.start_s[own],
            end_s=self.end_s[own],
            video=np.zeros(len(own), dtype=np.int64),
            values=self.values[:, own].copy(),
            shot_s=self.shot_s[:, own],
        )
        found: list[Chain] = []
        while len(found) < top:
            best = left.best(1)
            if np.isneginf(best.score[0]):
                break
            members = best.members[:, 0]
            rows = left.rows[members].tolist()
            found.append(Chain(rows, float(best.score[0]), self.asked or 0))
            shown = members if self.asked is None else members[[self.asked]]
            begin, end = left.shot_s[0, shown].min(), left.shot_s[1, shown].max()
            steps = slice(None) if self.asked is None else self.asked
            left.values[steps, (left.shot_s[1] > begin) & (left.shot_s[0] < end)] = -np.inf
        return found


def in_order(
    start_s: ArrayLike,
    end_s: ArrayLike,
    video: ArrayLike,
    values: ArrayLike,
    videos: int,
    within_s: tuple[float | None, ...] = (),
) -> Chains:
    """Return the chains of largest sum in which each step begins when the one before has ended.

    `within_s` holds, between neighbouring steps, how long after the end of one the next may
    begin; None means any time later. Dynamic programming over the pieces in order of time, whose
    range maxima come from a sparse table: O(k n log n).
    """
    start, end = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    owner, worth = np.asarray(video, dtype=np.int64), np.asarray(values, dtype=np.float64)
    kept = _of_whole(owner, worth, videos)
    if not len(kept):
        return _nothing(len(worth), videos)
    if len(kept) < len(owner):
        own = start[kept], end[kept], owner[kept], worth[:, kept]
        found = in_order(*own, videos, within_s)
        return Chains(found.score, np.where(found.members >= 0, kept[found.members], -1))
    limits = within_s or (None,) * (len(worth) - 1)
    longest = max((limit for limit in limits if limit is not None), default=0.0)
    # Each video is given a stretch of time of its own, too far from the next one to reach it.
    offset = owner * (float(end.max()) + longest + 1.0)
    ends = offset + end
    by_end = np.argsort(ends, kind="stable")
    best = worth[0]
    back = []
    for step, limit in zip(worth[1:], limits, strict=True):
        earliest = offset if limit is None else np.maximum(offset, offset + start - limit)
        low = np.searchsorted(ends[by_end], earliest, side="left")
        high = np.searchsorted(ends[by_end], offset + start, side="right")
        place = _range_argmax(best[by_end], low, high)
        before = np.where(place >= 0, by_end[place], -1)
        gained = np.where(place >= 0, best[before], -np.inf)
        back.append(before)
        best = step + gained
    score, last = _best_of(best, owner, videos)
    members = np.full((len(worth), videos), -1, dtype=np.int64)
    members[-1] = last
    for number in range(len(back) - 1, -1, -1):
        following = members[number + 1]
        members[number] = np.where(following >= 0, back[number][following], -1)
    return Chains(score, members)


def together(
    start_s: ArrayLike, end_s: ArrayLike, video: ArrayLike, values: ArrayLike, videos: int
) -> Chains:
    """Return the pairs of largest sum that overlap in time; both may be the same piece.

    The partner of a piece either begins inside it, a range maximum, or holds its beginning: the
    best of the intervals open then. O(n log n).
    """
    owner, worth = np.asarray(video, dtype=np.int64), np.asarray(values, dtype=np.float64)
    kept = _of_whole(owner, worth, videos)
    if not len(kept):
        return _nothing(2, videos)
    if len(kept) < len(owner):
        start, end = (np.asarray(times, dtype=np.float64)[kept] for times in (start_s, end_s))
        found = together(start, end, owner[kept], worth[:, kept], videos)
        return Chains(found.score, np.where(found.members >= 0, kept[found.members], -1))
    partner, value = _partners(start_s, end_s, owner, worth[0], worth[1])
    score, first = _best_of(worth[0] + value, owner, videos)
    second = np.where(first >= 0, partner[first], -1)
    return Chains(score, np.stack([first, second]))


def _of_whole(owner: Int64, worth: Float64, videos: int) -> Int64:
    """Return the pieces that are worth something, of videos that have one for every step."""
    some = np.isfinite(worth)
    whole = np.ones(videos, dtype=bool)
    for step in some:
        has = np.zeros(videos, dtype=bool)
        has[owner[step]] = True
        whole &= has
    return np.flatnonzero(some.any(axis=0) & whole[owner]).astype(np.int64)


def _nothing(steps: int, videos: int) -> Chains:
    return Chains(np.full(videos, -np.inf), np.full((steps, videos), -1, dtype=np.int64))


def alongside(
    start_s: ArrayLike, end_s: ArrayLike, video: ArrayLike, asked: ArrayLike, values: ArrayLike
) -> Float64:
    """Return (n,) the largest of `values` among pieces that overlap each piece asked, or -inf.

    `asked` (n,) tells which pieces are asked about; a piece overlaps itself.
    """
    owner, held = np.asarray(video, dtype=np.int64), np.asarray(values, dtype=np.float64)
    found = np.full(len(owner), -np.inf)
    worth = np.where(np.asarray(asked, dtype=bool), 0.0, -np.inf)
    kept = _of_whole(owner, np.stack([worth, held]), int(owner.max(initial=-1)) + 1)
    if len(kept):
        start, end = (np.asarray(times, dtype=np.float64)[kept] for times in (start_s, end_s))
        found[kept] = _partners(start, end, owner[kept], worth[kept], held[kept])[1]
    return found


def _partners(
    start_s: ArrayLike, end_s: ArrayLike, owner: Int64, asked: Float64, values: Float64
) -> tuple[Int64, Float64]:
    """Return (n,) the best piece that overlaps each one asked, -1 where none, and its value."""
    start, end = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    offset = owner * (float(end.max()) + 1.0)
    begins, ends = offset + start, offset + end
    by_start = np.argsort(begins, kind="stable")
    low = np.searchsorted(begins[by_start], begins, side="left")
    high = np.searchsorted(begins[by_start], ends, side="left")
    place = _range_argmax(values[by_start], low, high)
    inside = np.where(place >= 0, by_start[place], -1)
    around = _holding(begins, ends, values, np.flatnonzero(np.isfinite(asked)))
    one = np.where(inside >= 0, values[inside], -np.inf)
    two = np.where(around >= 0, values[around], -np.inf)
    return np.where(one >= two, inside, around), np.maximum(one, two)


def _range_argmax(values: Float64, low: Int64, high: Int64) -> Int64:
    """Return for each `[low, high)` the place of its largest value, -1 where that is -inf."""
    found = np.full(len(low), -1, dtype=np.int64)
    some = np.flatnonzero(high > low)
    level = np.log2(high[some] - low[some]).astype(np.int64)
    table = [np.arange(len(values))]
    # Only as far as the longest range goes: that of the pieces of one video.
    while len(table) <= level.max(initial=0):
        half, reach = table[-1], 2 ** (len(table) - 1)
        left, right = half[:-reach], half[reach:]
        table.append(np.where(values[left] >= values[right], left, right))
    for number in np.unique(level):
        chosen = some[level == number]
        left = table[number][low[chosen]]
        right = table[number][high[chosen] - 2**number]
        found[chosen] = np.where(values[left] >= values[right], left, right)
    found[some] = np.where(np.isneginf(values[found[some]]), -1, found[some])
    return found


def _holding(begins: Float64, ends: Float64, values: Float64, asked: Int64) -> Int64:
    """Return for each asked piece the best other that is open when it begins, or -1.

    Each interval covers a range of the moments asked about, in order of time. It is written at the
    two powers of two that cover its range, and each power hands what it has to the two halves: the
    sparse table of range maxima read backwards. O((n + q) log q).
    """
    found = np.full(len(begins), -1, dtype=np.int64)
    best = np.flatnonzero(np.isfinite(values))
    best = best[np.argsort(-values[best], kind="stable")]  # by rank; the first of equal ones
    moments = np.unique(begins[asked])
    low = np.searchsorted(moments, begins[best], side="left")
    high = np.searchsorted(moments, ends[best], side="left")
    some = np.flatnonzero(high > low)
    if not len(some):
        return found
    low, high = low[some], high[some]
    level = np.log2(high - low).astype(np.int64)
    none = len(best)
    above = np.full(len(moments), none, dtype=np.int64)
    for number in range(int(level.max()), -1, -1):
        own, reach = level == number, 2**number
        here = np.full(len(moments), none, dtype=np.int64)
        np.minimum.at(here, low[own], some[own])
        np.minimum.at(here, high[own] - reach, some[own])
        # What the level above has at a place holds there and `reach` further on as well.
        here = np.minimum(here, above)
        here[reach:] = np.minimum(here[reach:], above[:-reach]) if reach < len(here) else none
        above = here
    rank = above[np.searchsorted(moments, begins[asked])]
    held = rank < none
    found[asked[held]] = best[rank[held]]
    return found


def _best_of(values: Float64, owner: Int64, videos: int) -> tuple[Float64, Int64]:
    """Return each video's largest value and its place, the first one where several are equal."""
    score = np.full(videos, -np.inf)
    place = np.full(videos, -1, dtype=np.int64)
    np.maximum.at(score, owner, values)
    first = np.flatnonzero(np.isfinite(values) & (values == score[owner]))[::-1]
    place[owner[first]] = first  # the last to be written is the first in order
    return score, place
