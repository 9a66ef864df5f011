"""Precision."""

from __future__ import annotations

from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "P", source="trec_eval P", needs_cutoff=True)
def precision(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """Relevant items among the first k, over k even where fewer were retrieved."""
    return within(judged, cutoff) / cutoff if cutoff else 0.0
