"""Discounted gain against its ideal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "nDCG", source="trec_eval ndcg_cut")
def ndcg(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """Sum of gain / log2(rank + 1) over its ideal value, gain = relevance."""
    return _ndcg(judged, cutoff, judged.gains, judged.ideal)


@method("measure", "nDCGexp", source="Burges et al. 2005")
def ndcg_exp(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """As nDCG with gain = 2 ** relevance - 1."""
    return _ndcg(judged, cutoff, np.exp2(judged.gains) - 1, np.exp2(judged.ideal) - 1)


def _ndcg(judged: Judged, cutoff: int | None, gains: Float64, ideal: Float64) -> float:
    kept = within(judged, cutoff)
    ideal = ideal[:cutoff]
    best = float((ideal / _discounts(len(ideal))).sum())
    return (
        float((gains[:kept] / np.log2(judged.ranks[:kept] + 1)).sum()) / best if best > 0 else 0.0
    )


@lru_cache(maxsize=64)
def _discounts(places: int) -> Float64:
    """Return log2(rank + 1) of the first places; not to be written to."""
    return np.log2(np.arange(2, places + 2, dtype=np.float64))
