"""Moments as runs of strong evidence within a shot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float64
from q2e.methods.localise.base import Localiser, Scored, Stretch, widened
from q2e.registry import method


@method("localise")
@dataclass(frozen=True, kw_only=True)
class Runs(Localiser):
    """Runs of strong evidence of one shot, joined where they overlap.

    1. Weak evidence is no moment: kept is what reaches `floor + relative * (best - floor)`, where
       `floor` is the score of evidence that has nothing to do with the question.
    2. Kept evidence of the same segment (shot) whose gap is at most `gap_s` belongs together.
    3. A stretch under `shortest_s` grows to it, inside `[0, duration_s]`.
    4. Stretches that overlap are merged; where the whole would be longer than `longest_s` the
       weaker one is left out, so that strong evidence everywhere does not end as the whole video.

    A moment's score is that of its best evidence; its frame is that evidence's own, else the
    frame of the best member that has one, else the middle of the best evidence.
    """

    relative: Annotated[
        float, Field(ge=0, le=1, description="Share of the best that strong evidence reaches.")
    ] = 0.5
    gap_s: Annotated[
        float, Field(ge=0, le=3_600, description="Seconds between pieces that belong together.")
    ] = 2.0
    shortest_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that a moment has at least.")
    ] = 1.0
    longest_s: Annotated[
        float, Field(gt=0, le=86_400, description="Seconds to which moments are merged.")
    ] = 60.0

    def strong(self, scores: Float64, floor: float = 0.0) -> Bool:
        best = float(np.max(scores, where=np.isfinite(scores), initial=-np.inf))
        base = min(floor, best)
        limit = base + self.relative * (best - base) if np.isfinite(best) else np.inf
        return np.asarray(np.isfinite(scores) & (scores >= limit))

    def moments(self, evidence: Scored, top: int) -> list[Stretch]:
        start, end, score = evidence.start_s, evidence.end_s, evidence.score
        shot, frame = evidence.segment, evidence.frame_s
        kept = np.flatnonzero(self.strong(score, evidence.floor))
        if not len(kept) or top < 1:
            return []
        order = kept[np.lexsort((end[kept], start[kept], shot[kept]))].tolist()
        # Lists: a video has few pieces of evidence, for which arrays take longer than numbers.
        starts, ends, scores, frames, shots = (
            values.tolist() for values in (start, end, score, frame, shot)
        )
        groups: list[list[int]] = []
        until = 0.0
        for index in order:
            if (
                groups
                and shots[groups[-1][0]] == shots[index]
                and starts[index] <= until + self.gap_s
            ):
                groups[-1].append(index)
                until = max(until, ends[index])
            else:
                groups.append([index])
                until = ends[index]

        stretches = [_stretch(group, starts, ends, scores, frames) for group in groups]
        stretches = [_grown(stretch, self.shortest_s, evidence.duration_s) for stretch in stretches]
        return _apart(stretches, scores, self.longest_s)[:top]


def _stretch(
    group: list[int],
    start: list[float],
    end: list[float],
    score: list[float],
    frame: list[float],
) -> Stretch:
    members = sorted(group, key=lambda index: (-score[index], start[index], index))
    low, high = min(start[one] for one in group), max(end[one] for one in group)
    lead = members[0]
    pictured = [index for index in members if low <= frame[index] < max(high, low + 1e-9)]
    shown = frame[pictured[0]] if pictured else (start[lead] + end[lead]) / 2
    return Stretch(low, high, score[lead], shown, tuple(members))


def _grown(stretch: Stretch, shortest_s: float, duration_s: float | None) -> Stretch:
    start_s, end_s = widened(stretch.start_s, stretch.end_s, shortest_s, duration_s)
    return replace(stretch, start_s=start_s, end_s=end_s)


def _apart(stretches: list[Stretch], score: list[float], longest_s: float) -> list[Stretch]:
    """Join stretches that overlap in time, best first, as long as the whole stays short enough."""
    in_time = sorted(stretches, key=lambda one: (one.start_s, one.end_s))
    if all(one.end_s <= other.start_s for one, other in pairwise(in_time)):
        return sorted(stretches, key=_best_first)
    done: list[Stretch] = []
    waiting = sorted(stretches, key=_best_first)
    while waiting:
        whole, waiting = waiting[0], waiting[1:]
        while near := [other for other in waiting if _overlap(whole, other)]:
            waiting = [other for other in waiting if other not in near]
            for other in near:
                joined = _joined(whole, other, score)
                # A whole that would be too long stands without its weaker part.
                whole = joined if joined.end_s - joined.start_s <= longest_s else whole
        if not any(_overlap(whole, other) for other in done):
            done.append(whole)
    return sorted(done, key=_best_first)


def _best_first(stretch: Stretch) -> tuple[float, float]:
    return -stretch.score, stretch.start_s


def _overlap(one: Stretch, other: Stretch) -> bool:
    return max(one.start_s, other.start_s) < min(one.end_s, other.end_s)


def _joined(best: Stretch, other: Stretch, score: list[float]) -> Stretch:
    members = best.members + other.members
    return replace(
        best,
        start_s=min(best.start_s, other.start_s),
        end_s=max(best.end_s, other.end_s),
        members=tuple(sorted(members, key=lambda index: (-score[index], index))),
    )
