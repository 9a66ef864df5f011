"""The inverted softmax where a query's best video is a hub, and nowhere else."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float64, Int64
from q2e.methods.normalise.base import Heat
from q2e.methods.normalise.inverted_softmax import inverted_softmax
from q2e.registry import method


@method("correction", source="QB-Norm: Bogolin et al. 2022")
def dynamic_inverted_softmax(
    scores: ArrayLike,
    bank: ArrayLike,
    *,
    temperature: Heat = 20.0,
    k: Annotated[int, Field(ge=1, description="Best videos of a bank query that are hubs.")] = 1,
) -> Float64:
    """Inverted softmax for queries whose best video is a hub, others unchanged.

    (Q, V); a hub is a video among the `k` best of some bank query (QB-Norm's activation set). Rows
    end on two scales: fine for ranking each query, so standardise rows before they are fused.
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    hubs = np.unique(_top_k(np.asarray(bank, dtype=np.float64), k))
    best = np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    active = np.isin(best, hubs)
    table[active] = inverted_softmax(table[active], bank, temperature=temperature)
    return table


def _top_k(table: Float64, k: int) -> Int64:
    filled = np.where(np.isnan(table), -np.inf, table)
    return np.argsort(-filled, axis=1, kind="stable")[:, :k].astype(np.int64)
