"""Average precision."""

from __future__ import annotations

import numpy as np

from q2e.evaluate.measures.base import Cutoff, Judged, within
from q2e.registry import method


@method("measure", "MAP", source="trec_eval map_cut")
def average_precision(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """Mean, over all relevant items, of precision at their ranks up to k."""
    found = judged.ranks[: within(judged, cutoff)]
    total = float((np.arange(1, len(found) + 1) / found).sum())
    return total / len(judged.ranks) if len(judged.ranks) else 0.0
