"""Lets a language model unfold a question: it fills one typed object, and nothing else counts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from q2e.errors import ModelError
from q2e.models.base import LanguageModel
from q2e.query.fence import clean, fence
from q2e.query.refine import MAX_REFINED, refine
from q2e.types import EVENT_KINDS, Decomposition, EventKind, SubEvent

#: Sub-events of one kind that the model is asked for, as in the paper.
MOST = 5
MAX_QUESTION_CHARACTERS = 2_000

_Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]
_Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Event(BaseModel):
    """One sub-event as the model gives it."""

    model_config = ConfigDict(extra="forbid")

    event: _Phrase
    refined: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]


class Answer(BaseModel):
    """What a language model may say about a question."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, StringConstraints(strip_whitespace=True, max_length=8)]
    english: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
    time: list[_Short] = Field(max_length=3)
    place: list[_Short] = Field(max_length=3)
    subject: list[_Short] = Field(max_length=3)
    prequel: list[Event] = Field(max_length=MOST)
    current: list[Event] = Field(max_length=MOST)
    sequel: list[Event] = Field(max_length=MOST)


class LanguageModelBackend:
    """The decomposition backend that asks a language model once, and once more if it must.

    `max_tokens` bounds each answer, `timeout_s` both tries together. Raises ModelError where no
    valid answer came; the caller falls back.
    """

    def __init__(
        self, model: LanguageModel, *, max_tokens: int = 1_024, timeout_s: float = 30.0
    ) -> None:
        self._model = model
        self._max_tokens = max_tokens
        self._timeout_s = timeout_s
        self.name = f"llm:{model.info.id}"
        self.version = f"decompose/{prompt_version('decompose')}"

    def decompose(
        self, text: str, language: str | None = None, evidence: Sequence[str] = ()
    ) -> Decomposition:
        """Return the model's decomposition; `evidence` are lines read from videos, shown fenced."""
        deadline = time.monotonic() + self._timeout_s
        mistake = ""
        for _ in range(2):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            prompt = render(
                "decompose",
                question=json.dumps(clean(text, MAX_QUESTION_CHARACTERS), ensure_ascii=False),
                evidence=fence(" / ".join(evidence)) if evidence else "",
                mistake=mistake,
                most=MOST,
            )
            said = self._model.complete(
                prompt, schema=answer_schema(), max_tokens=self._max_tokens, timeout_s=left
            )
            try:
                return self._typed(text, language, Answer.model_validate_json(said))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "the whole"
                mistake = clean(f"{where}: {first['msg']}", 200)
        raise ModelError(f"{self.name}: no valid answer: {mistake or 'out of time'}")

    def _typed(self, text: str, language: str | None, answer: Answer) -> Decomposition:
        slots = {
            name: tuple(dict.fromkeys(clean(value) for value in values if clean(value)))
            for name, values in (
                ("time", answer.time),
                ("place", answer.place),
                ("subject", answer.subject),
            )
        }
        said: Mapping[EventKind, list[Event]] = {
            "prequel": answer.prequel,
            "current": answer.current,
            "sequel": answer.sequel,
        }
        english = clean(answer.english)
        return Decomposition(
            query=text,
            language=language or clean(answer.language)[:2].lower() or None,
            english=english if english and english.casefold() != text.casefold() else None,
            time=slots["time"],
            place=slots["place"],
            subject=slots["subject"],
            events=tuple(
                event for kind in EVENT_KINDS for event in _refined(kind, said[kind], slots)
            ),
            backend=self.name,
            prompt_version=self.version,
        )


def _refined(
    kind: EventKind, said: Sequence[Event], slots: Mapping[str, Sequence[str]]
) -> tuple[SubEvent, ...]:
    """Return the model's refined sub-events, folding the slots into those it left bare."""
    events: dict[str, SubEvent] = {}
    for one in said:
        phrase, refined = clean(one.event), clean(one.refined)
        if refined:
            events.setdefault(refined.casefold(), SubEvent(kind, refined, phrase))
            continue
        for event in refine(
            kind, [phrase], time=slots["time"], place=slots["place"], subject=slots["subject"]
        ):
            events.setdefault(event.text.casefold(), event)
    return tuple(events.values())[:MAX_REFINED]


@lru_cache(maxsize=1)
def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of `Answer`, with its definitions written out in place."""
    schema = Answer.model_json_schema()
    definitions = schema.pop("$defs")
    event = {key: value for key, value in definitions["Event"].items() if key != "description"}
    for kind in EVENT_KINDS:
        schema["properties"][kind]["items"] = event
    schema.pop("description")
    return schema


def render(name: str, **values: Any) -> str:
    """Return the prompt `name` filled with `values`; a value left out is an error."""
    return str(_template(name).render(**values)).strip()


@lru_cache(maxsize=8)
def prompt_version(name: str) -> str:
    """Return the version that the first line of a prompt states."""
    match = re.match(r"\{# version: (\S+?);", _source(name))
    if not match:
        raise ModelError(f"prompt {name!r} does not state its version in its first line")
    return match.group(1)


@lru_cache(maxsize=8)
def _template(name: str) -> Any:
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True
    )
    return environment.from_string(_source(name))


def _source(name: str) -> str:
    file = resources.files("q2e") / "query" / "prompts" / f"{name}.j2"
    return file.read_text(encoding="utf-8")
