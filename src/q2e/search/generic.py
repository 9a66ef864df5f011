"""Asks generic questions of a collection: what they score is what chance scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from q2e.arrays import Float32
from q2e.methods.rows import ScoreRow, Vectors
from q2e.models.remembered import VERSION, remembered
from q2e.search.calibrate import calibrated
from q2e.search.law import Way
from q2e.search.state import State

#: Generic questions asked of a collection, about.
ASKED = 32
#: Generic questions whose scores are held at a time.
_TOGETHER = 12


def generic(state: State) -> tuple[list[str], Float32]:
    """Return generic questions of a state's form and their (n, d) vectors as they are scored."""
    known = state.at.questions
    texts, vectors = known.texts(state.form), known.vectors(state.form)
    if (scale := state.plan.calibration(state.at)) is not None:
        vectors = scale.corrected(vectors, state.form)
    step = max(1, len(texts) // ASKED)
    return texts[::step], vectors[::step]


def rows_of(
    state: State, texts: Sequence[str], vectors: Float32
) -> Iterator[tuple[str, list[ScoreRow]]]:
    """Yield each text with its rows by vectors, on the scale; of all evidence, without filters.

    `vectors` (n, d) are those that are scored; their products with the evidence are taken
    together: one by one they would take as long as n searches.
    """
    at = state.at
    # An order of sub-events is nothing to questions that have none.
    pool = state.plan.pool.without_steps()
    spaces = [(at.models.text.space, "meaning", vectors)]
    for encoder in at.seeing.values():
        seen = remembered(encoder.space, "text", texts, encoder.encode_texts)
        spaces.append((encoder.space, "picture", seen))
    state = state.writing(asked=())
    for first in range(0, len(texts), _TOGETHER):
        some = range(first, min(first + _TOGETHER, len(texts)))
        rows: list[ScoreRow] = []
        for space, how, matrix in spaces:
            parts = [Vectors(str(n), (texts[n],), matrix[n : n + 1]) for n in some]
            rows += calibrated(state, at.scanner.dense(space, how, parts, pool=pool))
        for number in some:
            own = [replace(row, part="query") for row in rows if row.part == str(number)]
            yield texts[number], own


def way_of(state: State) -> Way:
    """Return what tells scores apart that a question is measured by."""
    plan = state.plan
    pools = plan.pool.rules
    methods = (plan.fuse, *pools, *filter(None, [plan.calibrate]))
    spaces = (state.at.models.text.space, *(one.space for one in state.at.seeing.values()))
    only = state.query.filters.channels
    return Way(
        " ".join((str(plan.fuse), str(plan.pool), str(plan.calibrate), *only)),
        " ".join((f"vectors {VERSION}", *(one.method.version for one in methods))),
        " ".join(spaces),
    )
