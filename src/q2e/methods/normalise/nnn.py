"""Nearest Neighbour Normalisation: each item less what it gets from any question."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.normalise.base import mean_for_unknown, mean_of_known
from q2e.registry import method


@method("correction", source="NNN: Chowdhury et al. 2024")
def nnn(
    scores: ArrayLike,
    bank: ArrayLike,
    *,
    k: Annotated[
        int | None, Field(ge=1, description="Largest scores averaged; a hundredth of the bank.")
    ] = None,
    alpha: Annotated[float, Field(ge=0, le=10, description="Share of the hubness.")] = 0.5,
) -> Float64:
    """Scores less a share of each item's hubness.

    (Q, V) minus `alpha` times `hubness`. An item near to every question loses what it would have
    got from any. Items no bank query scores keep their score less the mean hubness; `alpha` 0
    changes nothing. Few neighbours and a mild `alpha` cost least where the bank holds nothing like
    the query (docs/research/fusion.md).
    """
    table = np.asarray(scores, dtype=np.float64)
    return np.asarray(table - alpha * mean_for_unknown(hubness(bank, k)))


def hubness(bank: ArrayLike, k: int | None = None) -> Float64:
    """Return (V,) the mean of the `k` largest scores that bank queries (B, V) give each video.

    One number per item, made once for a collection; `k` is a hundredth of the bank where not
    given, at least 1. NaN where no bank query scores the item.
    """
    table = np.asarray(bank, dtype=np.float64)
    count = max(1, len(table) // 100) if k is None else k
    if count < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    ordered = -np.sort(-table, axis=0)[:count]  # NaN sorts last
    return mean_of_known(ordered.T)[:, 0]
