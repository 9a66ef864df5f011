"""True recall."""

from __future__ import annotations

from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "R", needs_cutoff=True)
def recall(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """Share of the relevant items among the first k: true recall; MeVTR's hit ratio."""
    return within(judged, cutoff) / len(judged.ranks) if len(judged.ranks) else 0.0
