"""Puts the rows of all channels on one scale, so that they can be added."""

from __future__ import annotations

from collections.abc import Iterable

from q2e.methods.calibrate.among_bank import AmongBankScale
from q2e.methods.rows import ScoreRow, on_scale
from q2e.query.elsewhere import sought
from q2e.search.debris import weighed
from q2e.search.stage import stage
from q2e.search.state import State


@stage(reads=("query", "asked", "terms", "named", "form", "rows"), writes=("rows",))
def calibrate(state: State) -> State:
    """Calibrate each row by how its scores came about."""
    return state.writing(rows=tuple(calibrated(state, state.rows)))


def calibrated(state: State, rows: Iterable[ScoreRow]) -> list[ScoreRow]:
    """Return rows on the scale of the state's plan, in their order."""
    scale = state.plan.calibration(state.at)
    if isinstance(scale, AmongBankScale):
        return state.at.among.rows(state, scale, rows)
    known = {one.space: one.scale for one in state.asked}
    seeing = {one.space: one for one in state.at.seeing.values()}
    found = []
    for row in rows:
        own = known.get(row.space)
        if own is not None:
            row = on_scale(row, own)
        elif scale is not None and row.how == "meaning":
            row = _less(state, scale.meaning(row, row.space, state.form))
        elif scale is not None and row.how == "picture":
            row = scale.picture(row, seeing[row.space], state.form)
        elif scale is not None:
            speaks = state.query.language if row.how == "words" else None
            terms = state.terms[row.how]
            if row.how == "elsewhere":
                terms = sought(state.named)[1]
            row = scale.words(row, terms, speaks)
        found.append(row)
    return found


def _less(state: State, row: ScoreRow) -> ScoreRow:
    """Return a row in which debris counts for less, where the best piece is what counts."""
    chosen = state.plan.calibrate
    if chosen is None or not {"tokens", "repeats"} <= set(chosen.method.parameters):
        return row
    tokens, repeats = float(chosen["tokens"]), float(chosen["repeats"])
    if state.plan.pool.for_channel(row.channel).name != "max" or not (tokens or repeats):
        return row
    weights = state.at.debris.weights(row.space, tokens, repeats)
    return weighed(row, weights, state.at.table)
