"""Hit rate."""

from __future__ import annotations

from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "Success", needs_cutoff=True)
def success(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """1 where any relevant item is among the first k: hit rate, R@k of video papers."""
    return float(within(judged, cutoff) > 0)
