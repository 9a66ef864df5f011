"""Sinkhorn's scaling to uniform marginals, of a batch or of a query among a bank."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.normalise.base import Heat
from q2e.registry import method

_SOURCE = "Yakovlev et al., Sinkhorn Transformations for Single-Query Postprocessing"
Steps = Annotated[int, Field(ge=1, le=10_000, description="Rounds of scaling rows and columns.")]


@method("normalise", source=_SOURCE, over="batch", logarithm=True)
def sinkhorn(scores: ArrayLike, *, temperature: Heat = 100.0, steps: Steps = 20) -> Float64:
    """The batch scaled to uniform marginals: transductive.

    (Q, V) the logarithm of exp(t * s) scaled to marginals 1/Q and 1/V. Missing entries stay
    missing.
    """
    return _scaled(temperature * np.array(scores, dtype=np.float64, ndmin=2), steps)


@method("correction", "sinkhorn", source=_SOURCE)
def among_bank(
    scores: ArrayLike, bank: ArrayLike, *, temperature: Heat = 100.0, steps: Steps = 20
) -> Float64:
    """Each query stacked alone under the bank, scaled to uniform marginals.

    (Q, V) the query's row of the logarithm of the scaled matrix; `bank` is (B, V).
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    rows = np.asarray(bank, dtype=np.float64)
    return np.stack(
        [_scaled(temperature * np.vstack([rows, query]), steps)[-1] for query in table]
    ).reshape(table.shape)


def _scaled(log_kernel: Float64, steps: int) -> Float64:
    known = ~np.isnan(log_kernel)
    kernel = np.where(known, log_kernel, -np.inf)
    rows, columns = kernel.shape
    for _ in range(steps):
        for axis, size in ((0, columns), (1, rows)):
            total = np.logaddexp.reduce(kernel, axis=axis, keepdims=True)
            kernel = kernel - np.where(np.isfinite(total), total + np.log(size), 0.0)
    return np.where(known, kernel, np.nan)
