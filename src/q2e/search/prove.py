"""Says whether a video that was not looked at could be among the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from q2e.methods.rows import DOCUMENTS, ScoreRow
from q2e.query.texts import is_plain
from q2e.search.calibrate import calibrated
from q2e.search.fuse import fused
from q2e.search.near import Floors, Nearest
from q2e.search.stage import stage
from q2e.search.state import State

#: Scales of rules by which no score of a row lowers the whole.
RISING = ("deviations", "nats", "probability")


@dataclass(frozen=True, slots=True)
class Proof:
    """What videos that were not looked at can score."""

    nearest: Nearest
    bound: float | None
    """No such video scores more; None where that cannot be said."""
    last: float
    """The score of the last hit that is shown."""

    @property
    def told(self) -> dict[str, Any]:
        """What is said of it beside the hits."""
        proved = None if self.bound is None else self.bound <= self.last
        return {
            "each": self.nearest.k,
            "videos": self.nearest.candidates,
            "panel": self.nearest.panel,
            "expected": self.nearest.expected,
            "recalled": self.nearest.recalled,
            "exact": self.nearest.exact,
            "complete": proved,
        }


@stage(
    reads=("query", "shown", "asked", "terms", "form", "rows", "fusion", "score", "found"),
    writes=("proof",),
)
def prove(state: State) -> State:
    """Bound the score of all videos outside the small collection that a question was asked of.

    In every row they score at most what its last candidate does. A video that had all of that in
    one would have the `bound`, by rules in which a higher score in a row never lowers the whole.
    An engine that may miss videos proves it as far as it missed none (`exact`). It is told of plain
    questions and first rankings alone: feedback ranks by another question.
    """
    nearest = state.at.nearest
    if nearest is None:
        return state
    best = np.sort(state.score[state.found])[::-1][: state.plan.settings.top]
    last = float(best[-1]) if len(best) == state.plan.settings.top else 0.0
    return state.writing(proof=Proof(nearest, _bound(state, nearest), last))


def _bound(state: State, nearest: Nearest) -> float | None:
    plan, clause = state.plan, state.query.clause
    if any(np.isposinf(one) for one in nearest.floors.values()):
        return None  # the engine lacks videos
    rising = plan.fuse.method.facts.get("scale") in RISING
    best = all(rule.method.facts.get("scanned") for rule in plan.pool.rules)
    best = best and all(row.channel != DOCUMENTS for row in state.rows)
    plain = (clause is None or is_plain(clause)) and not state.shown
    same = np.array_equal(state.score, state.fusion.score)
    if not (rising and best and plain and same and plan.knows_chance):
        return None
    if not state.rows:
        return 0.0
    known = ghosts(state.rows, nearest.floors)
    outside = calibrated(state, known)
    if any(
        np.isnan(b.video[0]) > np.isnan(a.video[0]) for a, b in zip(known, outside, strict=True)
    ):
        return None  # calibrated by its pieces, of which it has none
    rows = [
        replace(row, video=np.append(row.video, ghost.video))
        for row, ghost in zip(state.rows, outside, strict=True)
    ]
    # It stands for no video, so that it changes nothing that is counted or averaged.
    many = state.at.table.stands_for
    often = np.ones(len(state.fusion.score)) if many is None else many
    return float(fused(state, rows, np.append(often, 0.0)).score[-1])


def ghosts(rows: Sequence[ScoreRow], floors: Floors) -> list[ScoreRow]:
    """Return for each row that of one video which scores as high as any outside can."""
    none, nothing = np.zeros(0, np.int64), np.zeros(0, np.float32)
    found = []
    for row in rows:
        floor = floors.get((row.how, row.part, row.channel), -np.inf)
        video = np.array([floor if np.isfinite(floor) else np.nan])
        found.append(replace(row, video=video, rows=none, scores=nothing, which=none))
    return found
