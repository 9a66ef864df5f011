"""How hits that answer, and that do not, move a question."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float32, Float64
from q2e.registry import method


@method("likes", source="Rocchio 1971, held back")
def rocchio(
    liked: ArrayLike,
    disliked: ArrayLike,
    centre: ArrayLike,
    *,
    towards: Annotated[
        float, Field(ge=0, description="How far liked hits move a question.")
    ] = 0.75,
    away: Annotated[float, Field(ge=0, description="How far disliked hits move it.")] = 0.25,
    limit: Annotated[
        float, Field(ge=0, lt=1, description="Most that is added to a question of length 1.")
    ] = 0.8,
) -> Float32:
    """A question moved towards what is liked and away from what is not, within limits.

    What is added (d,) to a question of unit length is `towards` times the mean of the liked
    (n, d) less `away` times that of the disliked (m, d), each vector apart from the `centre` (d,)
    of its space and of unit length. At most `limit` long: below 1, the question turns by less
    than arcsin(limit), so it stays.
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


def _unit(vectors: Float64) -> Float64:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0))
