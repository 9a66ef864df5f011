"""Makes one score of many, and says which videos a question may be answered with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from q2e.arrays import Bool, Float64
from q2e.methods.fuse.base import Fusion
from q2e.methods.fuse.base import fuse as fuse_rows
from q2e.methods.fuse.witnesses import Grounds
from q2e.methods.normalise.base import normalise
from q2e.methods.rows import ScoreRow
from q2e.search.generic import way_of
from q2e.search.nulls import Laws, measured, native
from q2e.search.plan import Plan
from q2e.search.stage import stage
from q2e.search.state import State


@stage(
    reads=("query", "shown", "form", "rows"),
    writes=("fusion", "score", "found"),
)
def fuse(state: State) -> State:
    """Fuse the rows."""
    fusion = fused(state, state.rows)
    # Videos that are disliked as a whole are no answer.
    gone = [one.video for one in state.query.dislike if one.start_s is None]
    found = found_in(state.rows, fusion, state.plan) & ~np.isin(state.at.table.video_ids, gone)
    return state.writing(fusion=fusion, score=fusion.score, found=found)


def fused(state: State, rows: Sequence[ScoreRow], many: Float64 | None = None) -> Fusion:
    """Fuse rows on one scale, where 0 says that nothing answers: the value of the missing.

    Each video stands for as many as `many` (V,) says, or as the table does.
    """
    plan = state.plan
    many = state.at.table.stands_for if many is None else many
    if not rows:
        return Fusion(np.zeros(0), np.zeros(0), np.zeros((0, len(state.at.table.video_ids))))
    scores = np.stack([row.video for row in rows])
    level = replace(normalise(scores, "none", floor=np.zeros(len(rows))), stands_for=many)
    if plan.calibrate is not None and plan.calibrate.method.facts.get("probability"):
        level = replace(level, outcome=level.value)
    if plan.fuse.method.facts.get("grounds"):
        level = replace(level, grounds=grounds_of(state, rows, scores, many))
    return fuse_rows(level, plan.fuse, given_of(state, rows))


def given_of(state: State, rows: Sequence[ScoreRow]) -> Float64:
    """Return (S,) what each row weighs by the part of the question that it answers."""
    own = state.plan.event_weight
    return np.array([1.0 if row.part == "query" else own for row in rows])


def grounds_of(
    state: State, rows: Sequence[ScoreRow], scores: Float64, many: Float64 | None = None
) -> Grounds:
    """Return what rows rest on; scores whose scale is not that of the bank have no laws."""
    leads = tuple(row.part == "query" and row.how in ("meaning", "picture") for row in rows)
    channels = tuple(row.channel for row in rows)
    if not state.plan.knows_chance or state.shown:
        return Grounds(scores, channels, leads, {}, many)
    whole, asked = state.at.whole, (state.form, state.query.language, way_of(state))
    laws: Laws = whole.nulls.of(whole.table, *asked, lambda: measured(state))
    return Grounds(scores, channels, leads, laws, many, native(state))


def found_in(rows: Sequence[ScoreRow], fusion: Fusion, plan: Plan) -> Bool:
    """Return (V,) the videos that any row knows and one of the question's own makes stand out.

    What stands out is known of rules whose values are deviations alone.
    """
    if not rows:
        return np.zeros(fusion.normalised.shape[1], dtype=bool)
    found: Bool = np.asarray(~np.isnan(np.stack([row.video for row in rows])).all(axis=0))
    least, scale = plan.settings.confidence, plan.fuse.method.facts.get("scale")
    own = [number for number, row in enumerate(rows) if row.part == "query"]
    if least > 0 and scale == "deviations":
        found &= fusion.normalised[own].max(axis=0, initial=0.0) >= least
    elif least > 0 and scale == "nats":
        # As rare as a score that lies so many deviations above the mean of a normal law.
        rare = -math.log(max(0.5 * math.erfc(least / math.sqrt(2)), 1e-300))
        found &= fusion.contribution[own].sum(axis=0) >= plan.fuse["share"] * rare
    return found
