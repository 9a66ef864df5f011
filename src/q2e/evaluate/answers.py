"""Reads answers and their references, and measures the first by the second, question by question.

Answers are what `q2e answer --json` prints, one after the other, or articles as WikiVideo
publishes them. References are JSON objects,
one after the other: `question`, `texts` and `windows`, each `[video, start, end]` in seconds.
Without both, nothing answers the question.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from q2e.errors import EvaluationError
from q2e.evaluate.answer_files import articles, is_articles
from q2e.evaluate.answer_measures import (
    Cited,
    Said,
    citation_precision,
    citation_recall,
    rouge_l,
    rouge_su,
    support_words,
)
from q2e.evaluate.compare import Interval, bootstrap, holm, randomisation_test
from q2e.evaluate.moment_measures import VideoMoment
from q2e.evaluate.runs import read_text
from q2e.text.chunk import chunk_text

#: The measures, in the order in which they are told.
MEASURES = (
    *("answered", "refused", "ROUGE-L", "ROUGE-SU4", "support_words", "support"),
    *("first_citation", "citation_precision", "citation_recall"),
)
_SOMETHING = re.compile(r"\S")
_SHOWN = 80
#: Words of a piece of an article, which is cut where sentences end.
_ARTICLE = 30

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Citation(BaseModel):
    video: str
    path: str = ""
    start: _Seconds
    end: _Seconds
    quote: str = ""
    language: str | None = None


class _Sentence(BaseModel):
    text: str
    quoted: bool = False
    citations: tuple[_Citation, ...]


class _Answer(BaseModel):
    question: str = Field(min_length=1)
    language: str | None = None
    sentences: tuple[_Sentence, ...]


class _Reference(BaseModel):
    # A misspelt `windows` would make a question one that nothing answers.
    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1)
    texts: tuple[str, ...] = ()
    windows: tuple[tuple[str, _Seconds, _Seconds], ...] = ()


_Read = TypeVar("_Read", _Answer, _Reference)


@dataclass(frozen=True, slots=True)
class Reference:
    """What answers a question; without texts and windows nothing does."""

    texts: tuple[str, ...]
    windows: tuple[VideoMoment, ...]

    @property
    def answerable(self) -> bool:
        return bool(self.texts or self.windows)


@dataclass(frozen=True, slots=True)
class AnswersMeasured:
    """Values of each measure by question; a measure has only the questions that it is of."""

    per_question: Mapping[str, Mapping[str, float]]
    answerable: int
    unanswerable: int
    missing: tuple[str, ...]
    """Questions of the references without an answer; they count as 0, as no refusal either."""
    unjudged: tuple[str, ...]
    """Questions that were answered and have no reference; left out."""

    @property
    def intervals(self) -> dict[str, Interval]:
        """The means with their bootstrap intervals, of the measures that have a question."""
        return {name: bootstrap(list(of.values())) for name, of in self.per_question.items()}


@dataclass(frozen=True, slots=True)
class AnswersDifference:
    """One measure of two files of answers, over the questions for which both have it."""

    questions: int
    other: float
    difference: Interval
    """What the measured have more than the other."""
    p_value: float
    p_holm: float


def read_answers(path: Path) -> dict[str, tuple[Said, ...]]:
    """Return the sentences by question, of articles without citations.

    Raises EvaluationError naming the line of what is wrong.
    """
    shape = "what  q2e answer --json  prints"
    if is_articles(next(_objects(path, shape), (0, None))[1]):
        return {
            unicodedata.normalize("NFC", event): tuple(
                Said(one, None, ()) for one in chunk_text(text, _ARTICLE)
            )
            for event, text in articles(path).items()
        }
    return {
        question: tuple(_said(one, answer.language) for one in answer.sentences)
        for question, answer in _read(path, _Answer, shape).items()
    }


def read_references(path: Path) -> dict[str, Reference]:
    """Return references by question. Raises EvaluationError naming the line of what is wrong."""
    shape = '{"question": "…", "texts": ["…"], "windows": [["video", start, end]]}'
    found = {}
    for question, one in _read(path, _Reference, shape).items():
        for video, start_s, end_s in one.windows:
            if end_s < start_s:
                raise EvaluationError(
                    f"{path}: question {question[:_SHOWN]!r}: the window of {video!r} ends at "
                    f"{end_s:g} s before it starts at {start_s:g} s; write [video, start, end]"
                )
        texts = tuple(text for text in one.texts if text.strip())
        found[question] = Reference(texts, tuple(VideoMoment(*window) for window in one.windows))
    return found


def measure_answers(
    answers: Mapping[str, Sequence[Said]],
    references: Mapping[str, Reference],
    judged: Mapping[str, float] | None = None,
) -> AnswersMeasured:
    """Return each measure by question.

    Of answerable questions: whether they were answered, ROUGE-L and ROUGE-SU4 where there are
    texts, whether the first citation is right and the citations' precision and recall where there
    are windows; a refusal counts as 0. Of unanswerable ones: whether they were refused. Of all that
    was said: the share of content words that its citations cover, and the share of sentences that
    follow from them as `judged` by a model, by question (`q2e.evaluate.entailment`).
    """
    found: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    for question, right in references.items():
        said = answers.get(question)
        for name, value in _values(said or (), right):
            found[name][question] = value if said is not None else 0.0
        if judged is not None and question in judged:
            found["support"][question] = judged[question]
    answerable = sum(one.answerable for one in references.values())
    return AnswersMeasured(
        {name: values for name, values in found.items() if values},
        answerable,
        len(references) - answerable,
        tuple(question for question in references if question not in answers),
        tuple(question for question in answers if question not in references),
    )


def compare_answers(own: AnswersMeasured, other: AnswersMeasured) -> dict[str, AnswersDifference]:
    """Return {measure: difference}, paired by question: intervals, and p values as of runs."""
    pairs: dict[str, tuple[list[float], list[float]]] = {}
    for name, values in own.per_question.items():
        theirs = other.per_question.get(name, {})
        both = [question for question in values if question in theirs]
        if both:
            pairs[name] = [values[one] for one in both], [theirs[one] for one in both]
    p_values = [randomisation_test(*pair) for pair in pairs.values()]
    return {
        name: AnswersDifference(
            len(one),
            sum(two) / len(two),
            bootstrap([a - b for a, b in zip(one, two, strict=True)]),
            p,
            corrected,
        )
        for (name, (one, two)), p, corrected in zip(
            pairs.items(), p_values, holm(p_values), strict=True
        )
    }


def _values(said: Sequence[Said], right: Reference) -> Iterator[tuple[str, float]]:
    if not right.answerable:
        yield "refused", float(not said)
    else:
        yield "answered", float(bool(said))
    if right.texts:
        text = "\n".join(one.text for one in said)
        yield "ROUGE-L", rouge_l(text, right.texts)
        yield "ROUGE-SU4", rouge_su(text, right.texts)
    if right.windows:
        cited = [one for sentence in said for one in sentence.citations]
        yield "first_citation", citation_precision(cited[:1], right.windows)
        yield "citation_precision", citation_precision(cited, right.windows)
        yield "citation_recall", citation_recall(cited, right.windows)
    # What cites nothing at all, as an article does, cannot be held against its citations.
    share = support_words(said) if any(one.citations for one in said) else None
    if share is not None:
        yield "support_words", share


def _said(sentence: _Sentence, language: str | None) -> Said:
    # A quote stays in the language in which it was said.
    own = next((one.language for one in sentence.citations if one.language), None)
    cited = tuple(
        Cited(
            frozenset(filter(None, (one.video, one.path, PurePath(one.path).name))),
            one.start,
            max(one.start, one.end),
            one.quote,
        )
        for one in sentence.citations
    )
    return Said(sentence.text, own or language if sentence.quoted else language, cited)


def _read(path: Path, kind: type[_Read], shape: str) -> dict[str, _Read]:
    found: dict[str, _Read] = {}
    for line, value in _objects(path, shape):
        try:
            one = kind.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            given = str(first["input"])[:_SHOWN]
            raise EvaluationError(
                f"{path}, line {line}: {place}: {first['msg'].lower()}, got {given!r}; "
                f"expected {shape}"
            ) from None
        question = " ".join(unicodedata.normalize("NFC", one.question).split())
        if question in found:
            raise EvaluationError(
                f"{path}, line {line}: question {question[:_SHOWN]!r} stands twice; keep one"
            )
        found[question] = one
    if not found:
        raise EvaluationError(f"{path}: holds nothing; expected {shape}, one a line")
    return found


def _objects(path: Path, shape: str) -> Iterator[tuple[int, Any]]:
    """Yield (line, value) of JSON values one after the other, each on one line or on several."""
    text, place, line = read_text(path), 0, 1
    decoder = json.JSONDecoder()
    while found := _SOMETHING.search(text, place):
        start = found.start()
        line += text.count("\n", place, start)
        try:
            value, place = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise EvaluationError(
                f"{path}, line {error.lineno}: not valid JSON ({error.msg}); expected {shape}"
            ) from None
        except RecursionError:
            raise EvaluationError(f"{path}, line {line}: JSON nested too deeply") from None
        yield line, value
        line += text.count("\n", start, place)
