"""Support by entailment: which sentences follow from what they cite, as a language model judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from q2e.evaluate.answer_measures import Said
from q2e.text.fence import fence
from q2e.text.prompt import ask, beside

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel

#: Tokens of an answer, seconds of a call, and characters of a sentence and of all its quotes.
MAX_TOKENS, TIMEOUT_S, SENTENCE, QUOTES = 60, 120.0, 1_000, 4_000


class Verdict(BaseModel):
    """Whether a sentence follows."""

    model_config = ConfigDict(extra="forbid")

    follows: bool


def support(sentences: Iterable[Said], model: LanguageModel) -> float | None:
    """Return the share of sentences that follow from the quotes they cite; None without any.

    A sentence that cites nothing follows from nothing, and one that stands to the letter in a
    quote follows: the model is asked about neither. Raises ModelError where the model cannot tell.
    """
    told = list(sentences)
    if not told:
        return None
    return sum(_follows(one, model) for one in told) / len(told)


def supports(answers: Mapping[str, Sequence[Said]], model: LanguageModel) -> dict[str, float]:
    """Return `support` by question, of the questions that were answered. Raises ModelError."""
    found = {question: support(said, model) for question, said in answers.items()}
    return {question: share for question, share in found.items() if share is not None}


def _follows(sentence: Said, model: LanguageModel) -> bool:
    quotes = [one.quote for one in sentence.citations if one.quote.strip()]
    if not quotes:
        return False
    if any(sentence.text.strip() in quote for quote in quotes):
        return True
    verdict = ask(
        model,
        beside(__file__),
        Verdict,
        max_tokens=MAX_TOKENS,
        timeout_s=TIMEOUT_S,
        sentence=fence(sentence.text, SENTENCE),
        quotes=fence("\n".join(quotes), QUOTES),
    )
    return verdict.follows
