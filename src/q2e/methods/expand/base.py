"""Adds to a question what an answer to it might say: what a way is given, and what it returns.

A way is a method of kind `expand`: a class whose instances expand questions. With a language model
these are the published methods. Without one, or where it fails, a local form stands in that invents
nothing. `Expansion.backend` says which it was.

With the fact `reads` a way is given what a first search finds; with a parameter `weight`, that is
the share of what is added in the question's vectors.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, Field, StringConstraints

from q2e.arrays import Float32
from q2e.cache import ResultCache, as_json, fingerprint
from q2e.errors import ConfigError, ModelError
from q2e.models.base import LanguageModel
from q2e.registry import Choice, method_of
from q2e.text.fence import clean, fence
from q2e.text.prompt import MAX_QUESTION_CHARACTERS, ask, prompt_version
from q2e.text.tokens import tokens
from q2e.types import Decomposition

#: Styles of imagined text; a channel's registration says which one its evidence reads like.
STYLES = ("caption", "transcript", "headline")
#: Characters of a line of evidence that is shown.
LINE = 500
#: Seconds that a language model is given, and tokens: so many, or those of each text asked for.
ALLOWED_S, MAX_TOKENS, TOKENS = 30.0, 768, 128

Passage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Request = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=1, le=16, description="Texts that a model is asked for.")]
Weight = Annotated[
    float, Field(ge=0, le=1, description="Share of what is added beside the question itself.")
]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What is added to a question; empty where nothing is.

    `passages` are imagined texts by style, `requests` the question in other words, and `words`
    texts whose words are searched beside the question's. `backend` names what made them: a
    language model, `events` (the knowledge base) or `evidence` (the best of a first search).
    """

    method: str = "none"
    passages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requests: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    backend: str = "none"
    prompt_version: str = ""
    note: str = ""
    weight: float = 0.5
    """Share of the passages and requests beside the question itself."""

    def __bool__(self) -> bool:
        return bool(self.passages or self.requests or self.words)


@dataclass(frozen=True, slots=True)
class Found:
    """What a first search found: the best lines, and how rare a word is among all evidence."""

    lines: tuple[str, ...] = ()
    rarity: Callable[[str], float] = lambda _: 1.0
    videos: tuple[str, ...] = ()
    """Ids of the videos that the lines are from."""


class Expander(ABC):
    """Expands questions; its parameters are those of its constructor."""

    @abstractmethod
    def expand(self, asked: Decomposition, model: LanguageModel | None, found: Found) -> Expansion:
        """Return what is added to a question; a model's failure is told in the `note`."""


def expand(
    way: str | Choice, asked: Decomposition, model: LanguageModel | None, found: Found | None = None
) -> Expansion:
    """Return what a way such as `hyde(n=4)` adds to a question.

    `model` writes it where there is one; where there is none or it fails, the local form does.
    `found` is what a first search found. Raises ConfigError for an unknown way.
    """
    if isinstance(way, str):
        from q2e.plugins import registry

        way = registry().one("expand", way)
    made: Expansion = way.bound.expand(asked, model, found or Found())
    return replace(made, weight=way["weight"]) if "weight" in way.method.parameters else made


def mixed(queries: ArrayLike, added: ArrayLike, weight: float) -> Float32:
    """Return (q, d) unit vectors of (1 - weight) q + weight mean(added).

    `queries` (q, d), `added` (n, d) of which there may be none. HyDE (Gao et al. 2022) takes the
    mean of N imagined texts and the question: weight N / (N + 1). A weight of 0 is the question.
    """
    own = np.atleast_2d(np.asarray(queries, dtype=np.float32))
    more = np.asarray(added, dtype=np.float32).reshape(-1, own.shape[1])
    if not 0 <= weight <= 1:
        raise ConfigError(f"weight must lie in [0, 1], got {weight}")
    if not len(more):
        return own
    blend = (1 - weight) * own + weight * more.mean(axis=0)
    return np.asarray(blend / np.linalg.norm(blend, axis=1, keepdims=True), dtype=np.float32)


def asked_words(question: str, words: Sequence[str]) -> list[str]:
    """Return the tokens q a1 q a2 ... q aN: LameR repeats the question to keep its weight."""
    own = tokens(question)
    return [token for text in words for token in (*own, *tokens(text))] or own


# -- with a language model ------------------------------------------------------------------------
class Prompted(Expander):
    """A way that a language model writes in, with a local form for where there is none.

    What a model wrote is kept on disk, failures never are.
    """

    prompt: Path
    n: int

    @abstractmethod
    def form(self) -> type[BaseModel]:
        """Return the form of the answer: fields named as STYLES, `requests` or `passages`."""

    @abstractmethod
    def local(self, asked: Decomposition, found: Found) -> Expansion:
        """Return what is added where no model writes it."""

    def shown(self, found: Found) -> tuple[str, ...]:
        """Return the lines of evidence that the model is shown."""
        return ()

    def expand(self, asked: Decomposition, model: LanguageModel | None, found: Found) -> Expansion:
        if model is None:
            return self.local(asked, found)
        try:
            return self._written(asked, model, found)
        except ModelError as error:
            local = self.local(asked, found)
            return replace(local, note="; ".join(filter(None, (str(error), local.note))))

    def _written(self, asked: Decomposition, model: LanguageModel, found: Found) -> Expansion:
        own = method_of(type(self))
        # The share of a text is not of the text.
        given = {name: getattr(self, name) for name in own.parameters if name != "weight"}
        lines = self.shown(found)
        which = fingerprint(
            asked.language or "",
            asked.query,
            *lines,
            method=f"expand {own.choice(given)}",
            version=own.version,
            space=model.info.id,
        )
        kept = _EXPANSIONS.get(which)
        if kept is None:
            kept = self._asked(asked.query, own.name, model, lines)
            _EXPANSIONS.put(which, kept, about=found.videos if lines else ())
        return kept

    def _asked(
        self, question: str, name: str, model: LanguageModel, lines: Sequence[str]
    ) -> Expansion:
        wanted = self.n * sum(field in STYLES for field in self.form().model_fields) or self.n
        answer = ask(
            model,
            self.prompt,
            self.form(),
            max_tokens=max(MAX_TOKENS, TOKENS * wanted),
            timeout_s=ALLOWED_S,
            question=json.dumps(clean(question, MAX_QUESTION_CHARACTERS), ensure_ascii=False),
            most=self.n,
            evidence=[fence(line, LINE) for line in lines],
        )
        expansion = Expansion(
            name,
            passages={
                style: texts for style in STYLES if (texts := cleaned(getattr(answer, style, ())))
            },
            requests=cleaned(getattr(answer, "requests", ())),
            words=cleaned(getattr(answer, "passages", ())),
            backend=f"llm:{model.info.id}",
            prompt_version=f"{name}/{prompt_version(self.prompt)}",
        )
        if not expansion:
            raise ModelError(f"llm:{model.info.id}: nothing in the answer can be searched")
        return expansion


def cleaned(texts: Sequence[str]) -> tuple[str, ...]:
    """Return texts as they may be searched, each once, without those that say nothing."""
    return tuple(dict.fromkeys(text for one in texts if (text := clean(one))))


def _from_json(row: Mapping[str, Any]) -> Expansion:
    return Expansion(
        method=row["method"],
        passages={str(style): tuple(texts) for style, texts in row["passages"].items()},
        requests=tuple(row["requests"]),
        words=tuple(row["words"]),
        backend=row["backend"],
        prompt_version=row["prompt_version"],
    )


def _to_json(value: Expansion) -> dict[str, Any]:
    return asdict(replace(value, passages=dict(value.passages)))


_EXPANSIONS = ResultCache("expansions", as_json(_from_json, _to_json))
