"""A reranker for q2e from a package of its own: copy this, and put your rating in place.

It puts newer videos first. That makes a poor reranker and a complete example: parameters with their
range, candidates without an opinion, and what is said of the rating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Weight
from q2e.registry import Registry, method


@method("rerank", "newest", source="an example")
@dataclass(frozen=True, kw_only=True)
class Newest(Reranker):
    """Rate by date: the newer, the better; a video without a date keeps its place."""

    depth: Depth = 20
    weight: Weight = 0.5

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        """Return the day of each candidate as a number, NaN where none is known."""
        days = [one.video.date for one in candidates]
        scores = [date.fromisoformat(day).toordinal() if day else np.nan for day in days]
        unknown = sum(day is None for day in days)
        return Rating(np.array(scores), "", f"{unknown} without a date" if unknown else "")


def register(registry: Registry) -> None:
    """Offer the reranker."""
    registry.add(Newest)
