"""Says how likely a question without an answer here would find as good a hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from q2e.arrays import Float32, Float64
from q2e.methods.rows import ScoreRow, Vectors
from q2e.models.remembered import remembered
from q2e.search.calibrate import calibrated
from q2e.search.encode import terms
from q2e.search.fuse import fused
from q2e.search.law import Way
from q2e.search.score import by_words
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.types import Query

#: Generic questions asked of a collection, about.
ASKED = 32
#: Generic questions whose scores are held at a time.
_TOGETHER = 12


@stage(reads=("query", "shown", "form", "everything"), writes=("alarm",))
def chance(state: State) -> State:
    """Say for each video what share of questions without an answer find one as good.

    It is known where scores are on a scale of generic questions, and of what was asked in words
    alone.
    """
    asked = state.query
    if state.shown or asked.like or asked.dislike or not state.everything:
        return state
    law = state.at.laws.law(state.form, _way(state), lambda: best_of(state, *_generic(state)))
    if law is None:
        return state
    return state.writing(alarm=law.false_alarm(_plainly(state, state.everything)))


def _way(state: State) -> Way:
    """Return what tells scores apart that this question is measured by."""
    plan = state.plan
    pools = (plan.pool.default, *dict(plan.pool.channels).values())
    methods = (plan.fuse, *pools, *filter(None, [plan.calibrate]))
    spaces = (state.at.models.text.space, *(one.space for one in state.at.seeing.values()))
    only = state.query.filters.channels
    return Way(
        " ".join((str(plan.fuse), str(plan.pool), str(plan.calibrate), *only)),
        " ".join(one.method.version for one in methods),
        " ".join(spaces),
    )


def _generic(state: State) -> tuple[list[str], Float32]:
    """Return generic questions of a form and their (n, d) vectors as they are scored."""
    known = state.at.questions
    texts, vectors = known.texts(state.form), known.vectors(state.form)
    if (scale := state.plan.calibration(state.at)) is not None:
        vectors = scale.corrected(vectors, state.form)
    step = max(1, len(texts) // ASKED)
    return texts[::step], vectors[::step]


def best_of(state: State, texts: Sequence[str], vectors: Float32) -> list[float]:
    """Return the best score that each of several generic questions finds in the collection.

    They are asked like the state's question, of all evidence in its channels. `vectors` (n, d) are
    those that are scored; their products with the evidence are taken together: one by one they
    would take as long as n searches.
    """
    at, form = state.at, state.form
    only = state.query.filters.channels
    # An order of sub-events is nothing to questions that have none.
    pool = state.plan.pool.without_steps()
    spaces = [(at.models.text.space, "meaning", vectors)]
    for encoder in at.seeing.values():
        seen = remembered(encoder.space, "text", texts, encoder.encode_texts)
        spaces.append((encoder.space, "picture", seen))
    state = state.writing(asked=())
    found = []
    for first in range(0, len(texts), _TOGETHER):
        some = range(first, min(first + _TOGETHER, len(texts)))
        rows: list[ScoreRow] = []
        for space, how, matrix in spaces:
            parts = [Vectors(str(n), (texts[n],), matrix[n : n + 1]) for n in some]
            rows += calibrated(state, at.scanner.dense(space, how, parts, pool=pool))
        for number in some:
            alone = state.alone(Query(texts[number], form.language), texts[number])
            alone = alone.writing(asked=(), terms=terms(alone))
            own = [replace(row, part="query") for row in rows if row.part == str(number)]
            own += calibrated(alone, by_words(alone))
            kept = [row for row in own if not only or row.channel in only]
            found.append(float(_plainly(state, kept).max(initial=0.0)))
    return found


def _plainly(state: State, rows: Sequence[ScoreRow]) -> Float64:
    """Return the scores (V,) of a question without its sub-events."""
    own = [row for row in rows if row.part == "query"]
    return fused(own, state.plan, len(state.at.table.video_ids)).score
