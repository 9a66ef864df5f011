"""Rank of the first relevant item."""

from __future__ import annotations

from q2e.evaluate.measures.base import Judged
from q2e.registry import method


@method("measure", "MdR", over="median", lower_is_better=True)
def median_rank(judged: Judged) -> float:
    """Median over queries of the rank of the first relevant item, inf where none was retrieved."""
    return first_rank(judged)


@method("measure", "MnR", lower_is_better=True)
def mean_rank(judged: Judged) -> float:
    """Mean over queries of the rank of the first relevant item, inf where none was retrieved."""
    return first_rank(judged)


def first_rank(judged: Judged) -> float:
    """Return the rank of the first relevant item, inf where none was retrieved."""
    return float(judged.ranks[0]) if len(judged.ranks) else float("inf")
