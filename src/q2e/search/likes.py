"""Moves a question towards the hits a user likes and away from those disliked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Bool, Float32
from q2e.search.state import State
from q2e.store.base import Searched, Table
from q2e.types import Example

#: Pieces of evidence of a judged video that speak for it: those nearest to the question.
PIECES = 3
#: Vectors of a space from which its centre is taken.
_SAMPLED = 2000


def moved(state: State) -> dict[str, Float32]:
    """Return what likes and dislikes add (d,) to the question's vector of each space."""
    asked = state.query
    if not asked.like and not asked.dislike:
        return {}
    text, store = state.at.models.text, state.at.store
    vectors = {text.space: text.encode_queries([state.question])[0]}
    for one in state.at.seeing.values():
        vectors[one.space] = one.encode_texts([state.question])[0]
    return {
        space: state.plan.likes.bound(
            judged(store, space, asked.like, vector),
            judged(store, space, asked.dislike, vector),
            centre_of(state.at.whole.store, space),
        )
        for space, vector in vectors.items()
    }


def judged(store: Searched, space: str, examples: Sequence[Example], query: Float32) -> Float32:
    """Return (n, d) vectors of the evidence of judged videos, or of moments of them."""
    table = store.table()
    rows, matrix = store.vectors(space)
    found = [matrix[:0].reshape(0, len(query))]
    for one in examples:
        own = _of(one, table)[rows]
        vectors = matrix[own]
        if len(vectors):
            found.append(vectors[np.argsort(-(vectors @ query), kind="stable")[:PIECES]])
    return np.concatenate(found)


def centre_of(store: Searched, space: str) -> Float32:
    """Return (d,) the mean vector of a space."""
    _, matrix = store.vectors(space)
    step = max(1, len(matrix) // _SAMPLED)
    return np.asarray(matrix[::step].mean(axis=0)) if len(matrix) else matrix.sum(axis=0)


def _of(one: Example, table: Table) -> Bool:
    if one.video not in table.video_ids:
        return np.zeros(len(table), dtype=bool)
    own: Bool = table.video == table.video_ids.index(one.video)
    if one.start_s is not None:
        last = one.start_s if one.end_s is None else one.end_s
        own = own & (table.start_s <= last) & (table.end_s >= one.start_s)
    return own
