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


@method("measure", "MAPfound", source="torchmetrics RetrievalMAP; Q2E: Dipta and Ferraro 2025")
def precision_of_found(judged: Judged, *, cutoff: Cutoff = None) -> float:
    """Mean, over the relevant items among the first k, of precision at their ranks.

    torchmetrics' MAP with top_k: what is not found costs nothing, so that it stands above R@k where
    queries have many relevant items. trec_eval's is `MAP`.
    """
    found = judged.ranks[: within(judged, cutoff)]
    found = found[np.isfinite(found)]
    return float((np.arange(1, len(found) + 1) / found).mean()) if len(found) else 0.0
