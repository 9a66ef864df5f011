"""How good a score matrix is, as training looks at it: the mean reciprocal rank, both ways."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64


def reciprocal_rank(scores: Float64, relevance: Float64) -> float:
    """Return the mean of MRR over texts and MRR over videos; ties count against.

    Both are (T, V); videos that no text asks for are left out of the second.
    """
    asked = relevance.sum(axis=0) > 0
    back = one_way(scores.T[asked], relevance.T[asked])
    return (one_way(scores, relevance) + back) / 2


def one_way(scores: Float64, relevance: Float64) -> float:
    """Return the mean reciprocal rank over rows."""
    best = np.where(relevance > 0, scores, -np.inf).max(axis=1)
    ahead = ((scores >= best[:, None]) & (relevance == 0)).sum(axis=1)
    return float((1.0 / (1.0 + ahead)).mean())
