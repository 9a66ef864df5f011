"""Lets a language model unfold a question: it fills typed objects, and nothing else counts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.errors import ModelError
from q2e.methods.decompose.base import WEIGHT, Backend, EventWeight, Unfolder
from q2e.methods.decompose.events import EventsBackend
from q2e.methods.decompose.refine import MAX_REFINED, refine
from q2e.models.base import LanguageModel
from q2e.models.language import language_model
from q2e.registry import method
from q2e.text.answer import content
from q2e.text.fence import clean
from q2e.text.language import detect
from q2e.text.prompt import MAX_QUESTION_CHARACTERS, ask, beside, prompt_version
from q2e.types import EVENT_KINDS, Decomposition, SubEvent

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

#: Sub-events of one kind that the model is asked for, as in the paper.
MOST = 5
#: Seconds left under which an optional step is not begun.
_TOO_LATE_S = 1.0

_PROMPTS: Mapping[str, Path] = MappingProxyType(
    {
        "decompose": beside(__file__),
        "english": beside(__file__, "llm_english"),
        "refine": beside(__file__, "llm_refine"),
        "slot": beside(__file__, "llm_slot"),
    }
)

_Slot = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
_Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
_Request = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Answer(BaseModel):
    """What a language model may say about a question."""

    model_config = ConfigDict(extra="forbid")

    time: list[_Slot] = Field(max_length=2)
    place: list[_Slot] = Field(max_length=2)
    subject: list[_Slot] = Field(max_length=2)
    prequel: list[_Phrase] = Field(max_length=MOST)
    current: list[_Phrase] = Field(max_length=MOST)
    sequel: list[_Phrase] = Field(max_length=MOST)


#: What the paper's six prompts ask for, each by itself; what the events are named stands where the
#: subject does.
SLOTS = ("time", "place", "event", "prequel", "current", "sequel")


class Lines(BaseModel):
    """What a language model may say of one slot."""

    model_config = ConfigDict(extra="forbid")

    lines: list[_Phrase] = Field(max_length=MOST)


class English(BaseModel):
    """A question in English."""

    model_config = ConfigDict(extra="forbid")

    english: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Requests(BaseModel):
    """Sub-events as search requests, in the order in which they were given."""

    model_config = ConfigDict(extra="forbid")

    requests: list[_Request] = Field(max_length=MAX_REFINED)


@method("decompose", source="Q2E: Dipta and Ferraro 2025", needs=("language",))
@dataclass(frozen=True, kw_only=True)
class Llm(Unfolder):
    """Events that a language model fills typed objects with; `events` stands behind it.

    It never sees text from videos.
    """

    refine: Annotated[
        Literal["fold", "llm"],
        Field(
            description="What puts time, place and subject into sub-events: they are appended, or "
            "the language model words them."
        ),
    ] = "fold"
    slots: Annotated[
        Literal["one", "six"],
        Field(
            description="Whether one prompt fills time, place, subject and events, or six, as in "
            "the paper, which ask for the events that are named instead of the subject."
        ),
    ] = "one"
    timeout_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that one question may take.")
    ] = 30.0
    weight: EventWeight = WEIGHT

    def backends(self, settings: Settings, models: Models) -> tuple[Backend, ...]:
        asked = LanguageModelBackend(
            language_model(settings, models),
            timeout_s=self.timeout_s,
            by_model=self.refine == "llm",
            six=self.slots == "six",
        )
        return asked, EventsBackend(models.text)


class LanguageModelBackend:
    """The decomposition backend that asks a language model; it never sees text from videos.

    Two short prompts: the English form, unless the question is English, and the events. With
    `by_model`, as in the paper, one more for each kind puts time, place and subject into the
    sub-events; otherwise they are appended (see `refine`). With `six` each slot has a prompt of its
    own and no English form is made; one without a usable answer is empty. `max_tokens` bounds each
    answer, `timeout_s` all of them together. Raises ModelError where no events came that are the
    model's own; the caller falls back.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        max_tokens: int = 768,
        timeout_s: float = 30.0,
        by_model: bool = False,
        six: bool = False,
    ) -> None:
        self._model = model
        self._max_tokens = max_tokens
        self._timeout_s = timeout_s
        self._by_model = by_model
        self._six = six
        self.name = f"llm:{model.info.id}"
        prompts = (*(("slot",) if six else ("decompose", "english")), *(["refine"] * by_model))
        self.version = " ".join(f"{name}/{prompt_version(_PROMPTS[name])}" for name in prompts)

    def decompose(self, text: str, language: str | None = None) -> Decomposition:
        """Return the model's decomposition of `text`; `language` is found where it is None."""
        deadline = time.monotonic() + self._timeout_s
        language = language or detect(text)
        notes: list[str] = []
        english = None
        if language != "en" and not self._six:
            english = self._english(text, deadline, notes)
        if self._six:
            answer = self._slots(text, deadline, notes)
        else:
            given = {"english": english or "", "most": MOST}
            answer = self._ask("decompose", Answer, deadline, text, **given)
        when, where, who = map(_distinct, (answer.time, answer.place, answer.subject))
        said = {
            "prequel": _own(answer.prequel, text, english),
            "current": _own(answer.current, text, english),
            "sequel": _own(answer.sequel, text, english),
        }
        if not any(said.values()) and (answer.prequel or answer.current or answer.sequel):
            raise ModelError(f"{self.name}: only repeated the question")
        events = [
            event
            for kind in EVENT_KINDS
            for event in refine(kind, said[kind], time=when, place=where, subject=who)
        ]
        if self._by_model:
            events = list(self._refined(events, deadline, notes))
        return Decomposition(
            query=text,
            language=language,
            english=english,
            time=when,
            place=where,
            subject=who,
            events=tuple(events),
            backend=self.name,
            prompt_version=self.version,
            note="; ".join(notes),
        )

    def _ask(self, name: str, form: Any, deadline: float, text: str = "", **values: Any) -> Any:
        if text:
            quoted = clean(text, MAX_QUESTION_CHARACTERS)
            values["question"] = json.dumps(quoted, ensure_ascii=False)
        return ask(
            self._model,
            _PROMPTS[name],
            form,
            max_tokens=self._max_tokens,
            timeout_s=deadline - time.monotonic(),
            **values,
        )

    def _slots(self, text: str, deadline: float, notes: list[str]) -> Answer:
        """Return what each slot's own prompt is answered by. Raises ModelError for none."""
        said: dict[str, list[str]] = {}
        empty: dict[str, list[str]] = {slot: [] for slot in SLOTS}
        for slot in SLOTS:
            try:
                said[slot] = self._ask("slot", Lines, deadline, text, slot=slot, most=MOST).lines
            except ModelError as error:
                notes.append(f"{slot} not told: {error}")
        if not said:
            raise ModelError(f"{self.name}: no slot has a usable answer")
        named = {"subject": said.get("event", [])}
        filled: Any = empty | said | named
        return Answer.model_construct(**filled)

    def _english(self, text: str, deadline: float, notes: list[str]) -> str | None:
        """Return the English form, or None where there is none or it is the question itself."""
        try:
            said = content(self._ask("english", English, deadline, text).english, 500)
        except ModelError as error:
            if deadline - time.monotonic() < _TOO_LATE_S:
                raise
            notes.append(f"no English form: {error}")
            return None
        return said if said and said.casefold() != text.casefold() else None

    def _refined(
        self, events: Sequence[SubEvent], deadline: float, notes: list[str]
    ) -> Iterator[SubEvent]:
        """Yield the sub-events as the model words them; as they are where it does not."""
        for kind in EVENT_KINDS:
            own = [event for event in events if event.kind == kind]
            try:
                worded = self._worded(own, deadline) if own else []
            except ModelError as error:
                notes.append(f"{kind} not reworded: {error}")
                worded = own
            yield from {event.text.casefold(): event for event in worded}.values()

    def _worded(self, events: Sequence[SubEvent], deadline: float) -> list[SubEvent]:
        lines = [json.dumps(event.text, ensure_ascii=False) for event in events]
        answer = self._ask("refine", Requests, deadline, lines=lines, count=len(lines))
        if len(answer.requests) != len(events):
            raise ModelError(f"{len(answer.requests)} requests for {len(events)} events")
        return [
            replace(event, text=clean(said) or event.text)
            for event, said in zip(events, answer.requests, strict=True)
        ]


def _distinct(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said for value in values if (said := content(value, 80))))


def _own(phrases: Sequence[str], *asked: str | None) -> tuple[str, ...]:
    """Return the phrases that say something, each once and none that is the question again."""
    known = {_letters(text) for text in asked if text}
    found: dict[str, str] = {}
    for phrase in phrases:
        said = content(phrase, 200)
        if said and _letters(said) not in known:
            found.setdefault(_letters(said), said)
    return tuple(found.values())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
