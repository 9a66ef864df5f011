"""Reciprocal rank."""

from __future__ import annotations

from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "MRR", source="trec_eval recip_rank")
def reciprocal_rank(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """1 / rank of the first relevant item, 0 beyond k."""
    return float(1.0 / judged.ranks[0]) if within(judged, cutoff) else 0.0
