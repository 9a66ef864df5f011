"""Hands the best videos of a ranking to a strategy of reranking and puts its answer back in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.methods.rerank.base import Candidate, depth_of, rerank
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.search.explain import Explainer, shown_text
from q2e.settings import Settings

#: Texts of a candidate that a strategy reads, at most.
TEXTS = 4


def ranked_again(
    question: str, explainer: Explainer, order: Int64, settings: Settings, models: Models
) -> tuple[Float64, Int64, Mapping[str, Any]]:
    """Return what reranking adds to the scores (V,), the new order, and what is said about it.

    Only as many of the first of `order` as the strategy is shown change places.
    """
    table, store = explainer.table, explainer.store
    added = np.zeros(len(table.video_ids))
    strategy = registry().one("rerank", settings.rerank).filled(depth=settings.rerank_depth)
    best = order[: depth_of(strategy)]
    candidates = []
    explainer.locate(best.tolist())
    for number in best.tolist():
        video = store.video(table.video_ids[number])
        if video is None:
            raise LookupError(f"the store's table names a video it lacks: row {number}")
        lines = map(shown_text, explainer.answers(number, TEXTS))
        texts = tuple(line for line in lines if line)
        candidates.append(Candidate(video, float(explainer.score[number]), texts))
    found = rerank(strategy, question, candidates, settings, models, store)
    added[best] = found.lent
    score = explainer.score[best] + found.lent
    again = order.copy()
    again[: len(best)] = best[np.argsort(-score, kind="stable")]
    return added, again, found.info
