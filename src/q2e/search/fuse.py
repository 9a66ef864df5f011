"""Makes one score of many, and says which videos a question may be answered with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Bool
from q2e.methods.fuse.base import Fusion
from q2e.methods.fuse.base import fuse as fuse_rows
from q2e.methods.normalise.base import normalise
from q2e.methods.rows import ScoreRow
from q2e.search.candidates import restricted, union
from q2e.search.plan import Plan
from q2e.search.stage import stage
from q2e.search.state import State


@stage(
    reads=("query", "rows", "mask"),
    writes=("everything", "rows", "mask", "fusion", "score", "found"),
)
def fuse(state: State) -> State:
    """Fuse the rows of what any of them ranks high."""
    everything, table = state.rows, state.at.table
    rows, mask = everything, state.mask
    if state.plan.settings.candidates and rows:
        kept = union(rows, state.plan.settings.candidates)
        rows = tuple(restricted(rows, kept, table))
        mask = kept[table.video] if mask is None else kept[table.video] & mask
    fusion = fused(rows, state.plan, len(table.video_ids))
    # Videos that are disliked as a whole are no answer.
    gone = [one.video for one in state.query.dislike if one.start_s is None]
    found = found_in(rows, fusion, state.plan) & ~np.isin(table.video_ids, gone)
    return state.writing(
        everything=everything, rows=rows, mask=mask, fusion=fusion, score=fusion.score, found=found
    )


def fused(rows: Sequence[ScoreRow], plan: Plan, videos: int) -> Fusion:
    """Fuse rows on one scale, where 0 says that nothing answers: the value of the missing."""
    if not rows:
        return Fusion(np.zeros(0), np.zeros(0), np.zeros((0, videos)))
    scores = np.stack([row.video for row in rows])
    level = normalise(scores, "none", floor=np.zeros(len(rows)))
    weights = [1.0 if row.part == "query" else plan.event_weight for row in rows]
    return fuse_rows(level, plan.fuse, weights)


def found_in(rows: Sequence[ScoreRow], fusion: Fusion, plan: Plan) -> Bool:
    """Return (V,) the videos that any row knows and one of the question's own makes stand out.

    What stands out is known of rules whose values are deviations alone.
    """
    if not rows:
        return np.zeros(fusion.normalised.shape[1], dtype=bool)
    found: Bool = np.asarray(~np.isnan(np.stack([row.video for row in rows])).all(axis=0))
    least = plan.settings.confidence
    if least > 0 and plan.fuse.method.facts.get("scale") == "deviations":
        own = [number for number, row in enumerate(rows) if row.part == "query"]
        best = fusion.normalised[own].max(axis=0, initial=0.0)
        found = np.logical_and(found, best >= least)
    return found
