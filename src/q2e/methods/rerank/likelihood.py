"""Reranking by how likely question and text are, given each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from q2e.errors import ModelError
from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Weight
from q2e.methods.rerank.reading import fenced, quoted, rated_one_by_one
from q2e.models.language import language_model
from q2e.registry import method, method_of
from q2e.text.fence import clean
from q2e.text.prompt import beside, render

#: Characters of a text that are weighed.
WEIGHED = 240
_ASK, _TELL = beside(__file__, "likelihood_ask"), beside(__file__, "likelihood_tell")

Prior = Annotated[
    float, Field(ge=0, le=2, description="Share of a text's own likelihood that is taken off.")
]


@method("rerank", source="BLiM: Ko et al. 2025", needs=("language",))
@dataclass(frozen=True, kw_only=True)
class Likelihood(Reranker):
    """Weigh how likely the question is after the text, and the text after the question.

    Of a language model that gives likelihoods: a `file:` model, or a server that echoes prompts.

    log P(q | d) + log P(d | q) - prior log P(d), means over tokens: BLiM's query likelihood plus
    candidate likelihood, whose prior (CPN, reported best at 0.8 to 0.9) is measured with the
    question left out. Here d is the best text that was read from the video, where the paper's is
    its frames in a trained model.
    """

    depth: Depth = 20
    weight: Weight = 0.5
    prior: Prior = 0.8

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        model = language_model(tools.settings, tools.models)
        weigh = getattr(model, "likelihood", None)
        if weigh is None:
            raise ModelError(
                f"{model.info.id} gives no likelihoods; rerank by yes_no, or use a `file:` model"
            )

        def rate(candidate: Candidate, left_s: float) -> float:
            text = clean(candidate.texts[0], WEIGHED)
            evidence = fenced(text, WEIGHED)
            asked = weigh(render(_ASK, evidence=evidence), question, timeout_s=left_s)
            told = weigh(render(_TELL, question=quoted(question)), text, timeout_s=left_s)
            alone = weigh(render(_TELL, question=""), text, timeout_s=left_s)
            return float(asked + told - self.prior * alone)

        way = method_of(Likelihood).choice({"prior": self.prior})
        return rated_one_by_one(way, question, candidates, tools, model, rate)
