"""Says how likely a question without an answer here would find as good a hit."""

from __future__ import annotations

from collections.abc import Sequence

from q2e.arrays import Float32, Float64
from q2e.methods.rows import ScoreRow
from q2e.search.calibrate import calibrated
from q2e.search.collection import Collection
from q2e.search.encode import with_terms
from q2e.search.fuse import fused
from q2e.search.generic import generic, rows_of, way_of
from q2e.search.score import by_words
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.types import Query


@stage(reads=("query", "shown", "form", "rows", "fusion"), writes=("alarm",))
def chance(state: State) -> State:
    """Say for each video what share of questions without an answer find one as good.

    It is known where scores are on a scale of generic questions, and of what was asked in words
    alone.
    """
    asked = state.query
    if state.shown or asked.like or asked.dislike or not state.rows:
        return state

    def best(at: Collection) -> list[float]:
        return best_of(state.writing(at=at), *generic(state))

    whole = state.at.whole
    law = whole.laws.law(whole.table, state.form, way_of(state), lambda: whole.reached(best))
    if law is None:
        return state
    # Without sub-events the rows are those that were fused already.
    plain = all(row.part == "query" for row in state.rows)
    score = state.fusion.score if plain else _plainly(state, state.rows)
    return state.writing(alarm=law.false_alarm(score))


def best_of(state: State, texts: Sequence[str], vectors: Float32) -> list[float]:
    """Return the best score that each of several generic questions finds in the collection.

    They are asked like the state's question, of all evidence in its channels. `vectors` (n, d) are
    those that are scored.
    """
    form, only = state.form, state.query.filters.channels
    found = []
    for text, own in rows_of(state, texts, vectors):
        alone = state.alone(Query(text, form.language), text)
        alone = with_terms(alone.writing(asked=()))
        own += calibrated(alone, by_words(alone))
        kept = [row for row in own if not only or row.channel in only]
        found.append(float(_plainly(state, kept).max(initial=0.0)))
    return found


def _plainly(state: State, rows: Sequence[ScoreRow]) -> Float64:
    """Return the scores (V,) of a question without its sub-events."""
    own = [row for row in rows if row.part == "query"]
    return fused(state, own).score
