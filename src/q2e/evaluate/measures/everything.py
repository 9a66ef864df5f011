"""Whether all relevant items were found."""

from __future__ import annotations

from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "All", source="MeVTR: Zhang et al. 2023", needs_cutoff=True)
def everything(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """1 where all relevant items are among the first k; MeVTR's worst case."""
    return float(0 < len(judged.ranks) == within(judged, cutoff))
