"""Reranking by asking a language model of each candidate whether it is what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from q2e.errors import ModelError
from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Weight
from q2e.methods.rerank.reading import READ, fenced, quoted, rated_one_by_one
from q2e.models.base import LanguageModel
from q2e.models.language import language_model
from q2e.registry import method, method_of
from q2e.text.fence import clean
from q2e.text.prompt import beside, render


@method("rerank", source="LamRA's pointwise protocol: Liu et al. 2025", needs=("language",))
@dataclass(frozen=True, kw_only=True)
class YesNo(Reranker):
    """Ask a language model of each candidate whether its texts are what is asked for.

    p(yes) / (p(yes) + p(no)). Of a model that gives no probabilities, the word it answers counts
    as 1 or 0.
    """

    depth: Depth = 20
    weight: Weight = 0.5

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        model = language_model(tools.settings, tools.models)

        def rate(candidate: Candidate, left_s: float) -> float:
            evidence = fenced(" / ".join(candidate.texts), READ)
            prompt = render(beside(__file__), question=quoted(question), evidence=evidence)
            return yes_share(model, prompt, left_s)

        way = method_of(YesNo).choice({})
        return rated_one_by_one(way, question, candidates, tools, model, rate)


def yes_share(model: LanguageModel, prompt: str, timeout_s: float) -> float:
    """Return how probable it is that the answer is Yes rather than No, in [0, 1].

    Raises ModelError where the model says neither.
    """
    weigh = getattr(model, "probability", None)
    if weigh is not None:
        try:
            return float(weigh(prompt, ("Yes", "No"), timeout_s=timeout_s)[0])
        except ModelError:
            pass  # It may still answer in words.
    said = model.complete(prompt, max_tokens=16, timeout_s=timeout_s).strip().casefold()
    words = [word for word in ("yes", "no") if said.lstrip("*\"' ").startswith(word)]
    if not words:
        raise ModelError(f"{model.info.id}: neither Yes nor No: {clean(said, 60)!r}")
    return float(words[0] == "yes")
