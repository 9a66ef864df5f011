"""Lets the best hits have a say in a second ranking."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.feedback.base import First
from q2e.methods.rows import Vectors
from q2e.search.calibrate import calibrated
from q2e.search.stage import stage
from q2e.search.state import State


@stage(
    reads=("query", "question", "asked", "decomposition", "form", "mask", "rows", "fusion"),
    writes=("score",),
)
def feedback(state: State) -> State:
    """Ask again with what the best hits have in common, by the meaning of texts alone.

    Videos that filters leave out lend nothing and are not counted: they were not scored.
    """
    rows, fusion = state.rows, state.fusion
    own = {
        row.channel: number
        for number, row in enumerate(rows)
        if row.how == "meaning" and row.part == "query"
    }
    if state.plan.feedback is None or not own:
        return state
    asked = next(one for one in state.asked if one.how == "meaning")

    def score(vector: Float64) -> Float64:
        texts = asked.parts[0].texts[:1]
        again = Vectors("query", texts, vector[None].astype(np.float32))
        total = np.zeros(len(fusion.score))
        pool = state.plan.pool
        found = state.at.scanner.dense(asked.space, asked.how, [again], mask=state.mask, pool=pool)
        for row in calibrated(state, found):
            worth = np.nan_to_num(row.video)
            total += fusion.weight[own[row.channel]] * np.maximum(worth, 0.0)
        return total[left]

    def unit() -> Float32:
        whole = state.at.kept.centred_means(asked.space)
        return whole if state.mask is None else whole[left]

    table = state.at.table
    left = np.arange(len(table.video_ids))
    if state.mask is not None:
        left = np.unique(table.video[state.mask])
        if not len(left):
            return state

    first = fusion.contribution[list(own.values())].sum(axis=0)[left]
    query = asked.parts[0].matrix[0]
    rest = fusion.score[left] - first
    often = None if table.stands_for is None else table.stands_for[left]
    said = state.plan.feedback.bound(First(query, first, rest, unit, score, state.many, often))
    if said is None:
        return state
    whole = fusion.score.copy()
    whole[left] = said
    return state.writing(score=whole)
