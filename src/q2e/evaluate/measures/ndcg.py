"""Discounted gain against its ideal."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.measures.base import Cutoff, Judged, limit
from q2e.registry import method


@method("measure", "nDCG", source="trec_eval ndcg_cut")
def ndcg(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """Sum of gain / log2(rank + 1) over its ideal value, gain = relevance."""
    return _ndcg(judged, limit(cutoff), judged.gains, judged.ideal)


@method("measure", "nDCGexp", source="Burges et al. 2005")
def ndcg_exp(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """As nDCG with gain = 2 ** relevance - 1."""
    return _ndcg(judged, limit(cutoff), np.exp2(judged.gains) - 1, np.exp2(judged.ideal) - 1)


def _ndcg(judged: Judged, k: float, gains: Float64, ideal: Float64) -> float:
    kept = judged.ranks <= k
    found = float((gains[kept] / np.log2(judged.ranks[kept] + 1)).sum())
    places = np.arange(1, len(ideal) + 1, dtype=np.float64)
    best = float((ideal / np.log2(places + 1))[places <= k].sum())
    return found / best if best > 0 else 0.0
