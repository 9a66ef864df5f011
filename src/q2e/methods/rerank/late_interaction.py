"""Reranking by vectors of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Weight
from q2e.methods.rerank.reading import by_best_text
from q2e.registry import method


@method("rerank", source="ColBERT: Khattab and Zaharia 2020; Video-ColBERT: Reddy et al. 2025")
@dataclass(frozen=True, kw_only=True)
class LateInteraction(Reranker):
    """Rate by the best match of each token of the question among those of a text.

    mean_j max_i q_j.d_i over token vectors: ColBERT's MaxSim with Video-ColBERT's mean. A video
    counts by its best text. Where the profile names no model of tokens (`late`), windows of words,
    each encoded by the text model, stand for them.
    """

    depth: Depth = 20
    weight: Weight = 0.5

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        if tools.models.has("late"):
            encoder = tools.models.late
        else:
            from q2e.models.windows import Windows

            encoder = Windows(tools.models.text)
        (asked,) = encoder.encode_query_tokens([question])

        def score(texts: list[str]) -> Float64:
            return np.array(
                [max_sim(asked, passage) for passage in encoder.encode_passage_tokens(texts)]
            )

        return Rating(by_best_text(candidates, score), encoder.info.id)


def max_sim(query: Float32, passage: Float32) -> float:
    """Return mean_j max_i q_j.d_i for tokens (m, d) and (n, d); NaN where either has none."""
    if not len(query) or not len(passage):
        return float("nan")
    return float((query @ passage.T).max(axis=1).mean())
