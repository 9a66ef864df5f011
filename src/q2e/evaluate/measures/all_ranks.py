"""Ranks of all relevant items, as Q2E's released code counts them."""

from __future__ import annotations

import numpy as np

from q2e.evaluate.measures.base import Judged
from q2e.registry import method

_SOURCE = "Q2E's reference code (Dipta and Ferraro 2025)"


@method("measure", "MnRall", source=_SOURCE, pooled=True, lower_is_better=True)
def mean_of_all(judged: Judged) -> float:
    """Mean rank of all relevant items of all queries together; of one query, of its own.

    A query with many relevant items weighs as much as their number. inf where one was not
    retrieved.
    """
    return float(judged.ranks.mean()) if len(judged.ranks) else float("inf")


@method("measure", "MdRall", source=_SOURCE, pooled=True, over="median", lower_is_better=True)
def median_of_all(judged: Judged) -> float:
    """Median rank of all relevant items of all queries together; of one query, of its own."""
    return float(np.median(judged.ranks)) if len(judged.ranks) else float("inf")
