"""Moves a question towards the hits a user likes and away from those disliked, within limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float32, Float64
from q2e.store.base import Store, Table
from q2e.types import Example

#: Pieces of evidence of a judged video that speak for it: those nearest to the question.
PIECES = 3
#: Vectors of a space from which its centre is taken.
_SAMPLED = 2000


def drift(
    liked: ArrayLike,
    disliked: ArrayLike,
    centre: ArrayLike,
    *,
    towards: float,
    away: float,
    limit: float,
) -> Float32:
    """Return the vector (d,) that Rocchio's rule adds to a question of unit length.

    `towards` times the mean of the liked (n, d) less `away` times that of the disliked (m, d),
    each vector apart from the `centre` (d,) of its space and of unit length (Rocchio 1971). At
    most `limit` long: below 1, the question turns by less than arcsin(limit), so it stays.
    """
    middle = np.asarray(centre, dtype=np.float64)
    if not middle.size:  # no evidence lies in this space: pictures, where there are texts alone
        return np.zeros(np.shape(liked)[-1], dtype=np.float32)
    added = np.zeros(len(middle))
    for share, vectors in ((towards, liked), (-away, disliked)):
        given = np.asarray(vectors, dtype=np.float64).reshape(-1, len(middle))
        if len(given):
            added += share * _unit(given - middle).mean(axis=0)
    length = float(np.linalg.norm(added))
    return np.asarray(added * min(1.0, limit / length) if length else added, dtype=np.float32)


def judged(store: Store, space: str, examples: Sequence[Example], query: Float32) -> Float32:
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


def centre_of(store: Store, space: str) -> Float32:
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


def _unit(vectors: Float64) -> Float64:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0))
