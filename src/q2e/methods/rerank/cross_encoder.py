"""Reranking by a model that reads question and text as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from q2e.arrays import Float64
from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Weight
from q2e.methods.rerank.reading import by_best_text
from q2e.registry import method


@method("rerank", source="Nogueira and Cho 2019", needs=("reranker",))
@dataclass(frozen=True, kw_only=True)
class CrossEncoder(Reranker):
    """Rate by a model that reads question and text as one.

    A video counts by its best text.
    """

    depth: Depth = 20
    weight: Weight = 0.5

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        model = tools.models.reranker

        def score(texts: list[str]) -> Float64:
            return np.asarray(model.score(question, texts), dtype=np.float64)

        return Rating(by_best_text(candidates, score), model.info.id)
