"""The softmax over the queries of a batch, as Q2E's reference code has it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.methods.normalise.base import Heat, one_query, softmax
from q2e.registry import method


@method("normalise", source="Q2E's reference code (Dipta and Ferraro 2025)", over="batch")
def batch(scores: ArrayLike, *, temperature: Heat = 100.0) -> Float64:
    """Softmax over the queries of the batch: transductive.

    softmax(t * s) of (Q, V) along Q, so that rows do not sum to 1. Q2E's reference code scores
    (cos + 1) / 2 * 100, which is a temperature of 50 for cosines; 100 did better on the matrices
    that were measured. Raises FusionError for fewer than two queries: every entry would be 1.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim < 2 or table.shape[-2] < 2:
        raise one_query("batch")
    return softmax(temperature * table, axis=-2)
