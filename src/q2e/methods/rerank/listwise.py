"""Reranking by the list that a language model puts candidates in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from q2e.errors import ModelError
from q2e.methods.rerank.base import (
    Candidate,
    Depth,
    Rating,
    Reranker,
    Tools,
    by_place,
    ranked_list,
)
from q2e.methods.rerank.reading import READ, fenced, quoted
from q2e.models.language import language_model
from q2e.registry import method
from q2e.text.fence import clean
from q2e.text.prompt import beside, render


@method("rerank", source="Vote-in-Context, text alone", needs=("language",), alone=True)
@dataclass(frozen=True, kw_only=True)
class Listwise(Reranker):
    """Rate by the order in which a language model lists the candidates, from their texts."""

    depth: Depth = 20

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        model = language_model(tools.settings, tools.models)
        unrated = np.full(len(candidates), np.nan)
        try:
            answer = model.complete(
                listwise_prompt(question, candidates),
                max_tokens=8 * len(candidates) + 16,
                timeout_s=tools.left_s,
            )
        except ModelError as error:
            return Rating(unrated, model.info.id, str(error))
        order = ranked_list(answer, len(candidates))
        if order is None:
            return Rating(unrated, model.info.id, f"no list in the answer {clean(answer, 80)!r}")
        return Rating(by_place(order), model.info.id)


def listwise_prompt(
    question: str, candidates: Sequence[Candidate], *, pictures: bool = False
) -> str:
    """Return the prompt that asks for an order of candidates."""
    each = max(80, READ * 4 // max(1, len(candidates)))
    return render(
        beside(__file__),
        question=quoted(question),
        count=len(candidates),
        pictures=pictures,
        evidence=[fenced(" / ".join(one.texts), each) for one in candidates],
    )
