"""Adds to a question what an answer to it might say: HyDE, LameR and rewriting.

With a language model these are the published methods. Without one, or where it fails, a local
form stands in that invents nothing: the event knowledge base for HyDE and rewriting, the words
that the best evidence has in common for LameR. `Expansion.backend` says which it was.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.arrays import Float32
from q2e.cache import cache_dir, content_key, write_whole
from q2e.errors import ConfigError, ModelError
from q2e.models.base import LanguageModel
from q2e.query.knowledge import load
from q2e.query.llm import MAX_QUESTION_CHARACTERS
from q2e.query.refine import fold
from q2e.text.fence import clean, fence
from q2e.text.prompt import ask, beside, prompt_version
from q2e.text.tokens import tokens
from q2e.types import Decomposition

Method = Literal["hyde", "lamer", "rewrite"]
METHODS: tuple[Method, ...] = get_args(Method)

#: Styles of imagined text; a channel's registration says which one its evidence reads like.
STYLES = ("caption", "transcript", "headline")
#: Texts that a model is asked for, of each style in HyDE.
MOST = {"hyde": 2, "lamer": 5, "rewrite": 4}
#: Lines of evidence that LameR shows, and the characters of one.
LINES, LINE = 10, 500
#: Words that local LameR adds.
TERMS = 8
#: Seconds and tokens a language model is given.
ALLOWED_S, MAX_TOKENS = 30.0, 768

_Passage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
_Request = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Hyde(BaseModel):
    """What a language model may imagine of a video that answers."""

    model_config = ConfigDict(extra="forbid")

    caption: list[_Passage] = Field(min_length=1, max_length=4)
    transcript: list[_Passage] = Field(max_length=4)
    headline: list[_Passage] = Field(max_length=4)


class Lamer(BaseModel):
    """The passages a language model writes after reading candidates."""

    model_config = ConfigDict(extra="forbid")

    passages: list[_Passage] = Field(min_length=1, max_length=8)


class Rewrite(BaseModel):
    """The same search in other words."""

    model_config = ConfigDict(extra="forbid")

    requests: list[_Request] = Field(min_length=1, max_length=6)


#: The form of a model's answer to each method's prompt.
FORMS: Mapping[str, type[BaseModel]] = {"hyde": Hyde, "lamer": Lamer, "rewrite": Rewrite}


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

    def __bool__(self) -> bool:
        return bool(self.passages or self.requests or self.words)


@dataclass(frozen=True, slots=True)
class Found:
    """What a first search found: the best lines, and how rare a word is among all evidence."""

    lines: tuple[str, ...] = ()
    rarity: Callable[[str], float] = lambda _: 1.0


def expand(
    asked: Decomposition, method: Method, model: LanguageModel | None, found: Found | None = None
) -> Expansion:
    """Return what `method` adds to a question.

    `model` writes it where there is one; where there is none or it fails, the local form does.
    `found` is what LameR reads. What a model wrote is kept on disk, failures never are.
    """
    if method not in METHODS:
        raise ConfigError(f"unknown way of expanding {method!r}; known: {', '.join(METHODS)}")
    found = found or Found()
    if model is None:
        return _local(asked, method, found)
    try:
        return _written(asked, method, model, found)
    except ModelError as error:
        local = _local(asked, method, found)
        return replace(local, note="; ".join(filter(None, (str(error), local.note))))


def mixed(queries: ArrayLike, added: ArrayLike, weight: float) -> Float32:
    """Return (q, d) unit vectors of (1 - weight) q + weight mean(added).

    `queries` (q, d), `added` (n, d) of which there may be none. HyDE (Gao et al. 2022) takes the
    mean of N imagined texts and the question: weight N / (N + 1). A weight of 0 is the question.
    """
    own = np.atleast_2d(np.asarray(queries, dtype=np.float32))
    more = np.asarray(added, dtype=np.float32).reshape(-1, own.shape[1])
    if not 0 <= weight <= 1:
        raise ConfigError(f"expand_weight must lie in [0, 1], got {weight}")
    if not len(more):
        return own
    blend = (1 - weight) * own + weight * more.mean(axis=0)
    return np.asarray(blend / np.linalg.norm(blend, axis=1, keepdims=True), dtype=np.float32)


def asked_words(question: str, words: Sequence[str]) -> list[str]:
    """Return the tokens q a1 q a2 ... q aN: LameR repeats the question to keep its weight."""
    own = tokens(question)
    return [token for text in words for token in (*own, *tokens(text))] or own


# -- with a language model ------------------------------------------------------------------------
def _written(asked: Decomposition, method: Method, model: LanguageModel, found: Found) -> Expansion:
    version = f"{method}/{prompt_version(_prompt(method))}"
    lines = found.lines[:LINES] if method == "lamer" else ()
    key = content_key(model.info.id, version, asked.language or "", asked.query, *lines)
    file = cache_dir() / "expansions" / key[:2] / f"{key[2:]}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        return _from_json(json.loads(file.read_text(encoding="utf-8")))
    answer = _ask(asked.query, method, model, lines)
    expansion = Expansion(
        method,
        passages={
            style: texts for style in STYLES if (texts := _cleaned(getattr(answer, style, ())))
        },
        requests=_cleaned(getattr(answer, "requests", ())),
        words=_cleaned(getattr(answer, "passages", ())),
        backend=f"llm:{model.info.id}",
        prompt_version=version,
    )
    if not expansion:
        raise ModelError(f"llm:{model.info.id}: nothing in the answer can be searched")
    content = json.dumps(
        asdict(replace(expansion, passages=dict(expansion.passages))), ensure_ascii=False
    )
    with suppress(OSError):  # A cache that cannot be written only costs time.
        write_whole(file, lambda out: out.write(content.encode("utf-8")))
    return expansion


def _ask(question: str, method: Method, model: LanguageModel, lines: Sequence[str]) -> BaseModel:
    read: dict[str, Any] = {}
    if method == "lamer":
        read["evidence"] = [fence(line, LINE) for line in lines]
    return ask(
        model,
        _prompt(method),
        FORMS[method],
        max_tokens=MAX_TOKENS,
        timeout_s=ALLOWED_S,
        question=json.dumps(clean(question, MAX_QUESTION_CHARACTERS), ensure_ascii=False),
        most=MOST[method],
        **read,
    )


def _prompt(method: Method) -> Path:
    return beside(__file__, f"prompts/{method}")


def _cleaned(texts: Sequence[str]) -> tuple[str, ...]:
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


# -- without one ----------------------------------------------------------------------------------
def _local(asked: Decomposition, method: Method, found: Found) -> Expansion:
    if method == "lamer":
        words = common_words(asked.query, found)
        note = "" if words else "the best evidence has no words in common to add"
        return Expansion("lamer", words=words, backend="evidence", note=note)
    if asked.event_type is None:
        return Expansion(
            method, backend="events", note="the question names no event; nothing is added to it"
        )
    event = load()[asked.event_type]
    own = asked.language or "en"
    name, definition = (words.get(own, words["en"]) for words in (event.name, event.definition))
    headline = fold(name, *asked.subject, *asked.place, *asked.time)
    if method == "rewrite":
        requests = _cleaned([headline, asked.english or ""])
        return Expansion("rewrite", requests=requests, backend="events")
    passages = {
        "caption": _cleaned([event.text for event in asked.of_kind("current")][:5]),
        "transcript": _cleaned([fold(definition, asked.query)]),
        "headline": _cleaned([headline]),
    }
    return Expansion("hyde", passages=passages, backend="events")


def common_words(question: str, found: Found, most: int = TERMS) -> tuple[str, ...]:
    """Return the words that set the best lines apart: in two of them or more, not asked already.

    Ranked by the lines that hold a word times its rarity in the collection (Robertson's offer
    weight, 1990): the local stand-in for the passages of LameR.
    """
    own = set(tokens(question))
    held = Counter(word for line in found.lines[:LINES] for word in set(tokens(line)) - own)
    often = sorted(held, key=lambda word: (-held[word], word))[: 8 * most]
    shared = [word for word in often if held[word] > 1 and not word.isdigit()]
    worth = {word: held[word] * found.rarity(word) for word in shared}
    best = sorted((word for word in shared if worth[word] > 0), key=lambda w: (-worth[w], w))
    return (" ".join(best[:most]),) if best else ()


def rarity(holding: int, total: int) -> float:
    """Return ln(N / n) of a word that `holding` of `total` pieces of evidence hold."""
    return math.log(total / holding) if holding and total else 0.0
