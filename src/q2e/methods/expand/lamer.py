"""Words from the best evidence of a first search."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, create_model

from q2e.methods.expand.base import Count, Expansion, Found, Passage, Prompted
from q2e.registry import method
from q2e.text.prompt import beside
from q2e.text.tokens import tokens
from q2e.types import Decomposition


@method("expand", source="LameR: Shen et al. 2023", reads=True)
@dataclass(frozen=True, kw_only=True)
class Lamer(Prompted):
    """Add words of passages written after reading the best evidence of a first search.

    A language model writes `n` passages after reading `lines` of evidence; their words are
    searched beside the question's. Without one, the `terms` words that the lines have in common.
    """

    n: Count = 5
    lines: Annotated[int, Field(ge=1, le=50, description="Lines of evidence that are read.")] = 10
    terms: Annotated[int, Field(ge=1, le=50, description="Words added without a model.")] = 8
    prompt = beside(__file__)

    def form(self) -> type[BaseModel]:
        return _form(self.n + 3)

    def shown(self, found: Found) -> tuple[str, ...]:
        return found.lines[: self.lines]

    def local(self, asked: Decomposition, found: Found) -> Expansion:
        read = replace(found, lines=self.shown(found))
        words = common_words(asked.query, read, self.terms)
        note = "" if words else "the best evidence has no words in common to add"
        return Expansion("lamer", words=words, backend="evidence", note=note)


@lru_cache(maxsize=16)
def _form(most: int) -> type[BaseModel]:
    """Return the passages a language model writes after reading candidates."""
    return create_model(
        "Lamer",
        __config__=ConfigDict(extra="forbid"),
        passages=(list[Passage], Field(min_length=1, max_length=most)),
    )


def common_words(question: str, found: Found, most: int = 8) -> tuple[str, ...]:
    """Return the words that set the best lines apart: in two of them or more, not asked already.

    Ranked by the lines that hold a word times its rarity in the collection (Robertson's offer
    weight, 1990): the local stand-in for the passages of LameR.
    """
    own = set(tokens(question))
    held = Counter(word for line in found.lines for word in set(tokens(line)) - own)
    often = sorted(held, key=lambda word: (-held[word], word))[: 8 * most]
    shared = [word for word in often if held[word] > 1 and not word.isdigit()]
    worth = {word: held[word] * found.rarity(word) for word in shared}
    best = sorted((word for word in shared if worth[word] > 0), key=lambda w: (-worth[w], w))
    return (" ".join(best[:most]),) if best else ()


def rarity(holding: int, total: int) -> float:
    """Return ln(N / n) of a word that `holding` of `total` pieces of evidence hold."""
    return math.log(total / holding) if holding and total else 0.0
