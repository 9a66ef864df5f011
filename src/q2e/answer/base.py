"""Answers in named steps: what a strategy is given, what passes from step to step, what is spent.

A strategy is a method of kind `answer`: a class whose instances name the steps `plan -> collect ->
filter -> look again -> write -> check` that they take. Each step is a function from `Work` to
`Work`. Where a model fails or a budget is spent the step is left out and said in the notes; what
was collected by then is answered with, in quotes.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, Field

from q2e import stopping
from q2e.answer.lines import Line
from q2e.answer.wanted import Kind
from q2e.errors import ModelError
from q2e.registry import Choice
from q2e.types import Answer, Decomposition, Results, Sentence, Video

if TYPE_CHECKING:
    from q2e.answer.clips import Clip
    from q2e.models.base import LanguageModel
    from q2e.models.registry import Models
    from q2e.settings import Settings
    from q2e.store.base import Searched

#: The steps by name, in the order in which a strategy may take them.
STEPS = ("plan", "collect", "filter", "look again", "write", "check")
#: Characters that count for a token where a server does not say how many there were.
_PER_TOKEN = 4

Most = Annotated[int, Field(ge=1, le=50, description="Sentences of an answer, at most.")]
Calls = Annotated[int, Field(ge=0, le=1_000, description="Times that a model is asked, at most.")]
Tokens = Annotated[
    int, Field(ge=0, le=10_000_000, description="Tokens asked and answered, at most, estimated.")
]
Seconds = Annotated[
    float, Field(gt=0, le=3_600, description="Seconds that the models may take in all.")
]
Options = Annotated[
    str,
    Field(
        max_length=400,
        pattern=r"^$|^[^|]*[^| ][^|]*(\|[^|]*[^| ][^|]*)+$",
        description="Answers to choose from, with a bar between them.",
    ),
]
_Typed = TypeVar("_Typed", bound=BaseModel)


class Spent(ModelError):
    """A budget of calls, tokens or seconds is used up."""


@dataclass(slots=True)
class Budget:
    """What may be spent on models, and what was."""

    calls: int
    tokens: int
    seconds: float
    began: float = field(default_factory=time.monotonic)
    asked: int = 0
    used: int = 0
    refused: bool = False
    """Whether a call was refused because one of them is spent."""

    @property
    def left_s(self) -> float:
        return max(0.0, self.seconds - (time.monotonic() - self.began))

    def take(self, prompt: int, answer: int) -> None:
        """Count a call of so many characters and tokens. Raises Spent where it is too much."""
        need = prompt // _PER_TOKEN + answer
        self.refused = True
        if self.asked >= self.calls:
            raise Spent(f"the budget of {self.calls} calls of a model is spent")
        if self.used + need > self.tokens:
            raise Spent(f"the budget of {self.tokens} tokens is spent")
        if self.left_s <= 0:
            raise Spent(f"the budget of {self.seconds:g} seconds is spent")
        self.refused = False
        self.asked += 1
        self.used += need

    @property
    def told(self) -> dict[str, float]:
        seconds = round(time.monotonic() - self.began, 3)
        return {"seconds": seconds, "calls": self.asked, "tokens": self.used}


@dataclass(frozen=True, slots=True)
class Tools:
    """What a step may use."""

    find: Callable[[str], Results]
    """Searches the collection as whoever asks does, with the same filters."""
    store: Searched
    models: Models
    settings: Settings
    budget: Budget

    @property
    def model(self) -> LanguageModel:
        """The language model that is meant. Raises ConfigError where there is none."""
        from q2e.models.language import language_model

        return language_model(self.settings, self.models)

    @property
    def sees(self) -> bool:
        """Whether there is a vision model."""
        from q2e.models.language import has_vision

        return has_vision(self.settings, self.models)

    def refuse(self, needs: Sequence[str]) -> None:
        """Raise ConfigError where a model is missing that a strategy needs."""
        from q2e.models.language import vision_model

        if "language" in needs:
            _ = self.model
        if "vision" in needs:
            vision_model(self.settings, self.models)

    def ask(self, prompt: Path, form: type[_Typed], max_tokens: int, **values: Any) -> _Typed:
        """Return a model's typed answer within the budget; one given before costs none of it.

        Raises ModelError, Spent among them.
        """
        from q2e.answer import replies
        from q2e.text.prompt import ask

        own = f"{self.model.info.id} {self.model.info.source} {self.settings.language_model}"
        reply = replies.which(prompt, form, max_tokens, own, values)
        if (known := replies.kept(reply)) is not None:
            return form.model_validate(known)
        self.budget.take(sum(len(str(one)) for one in values.values()), max_tokens)
        left_s = self.budget.left_s
        said = ask(self.model, prompt, form, max_tokens=max_tokens, timeout_s=left_s, **values)
        replies.keep(reply, said)
        return said


@dataclass(frozen=True, slots=True)
class Work:
    """An answer on its way."""

    question: str
    language: str | None = None
    wanted: frozenset[Kind] = frozenset()
    queries: tuple[str, ...] = ()
    """What is searched for."""
    event: bool = False
    """Whether it is an event, of which whole videos tell, and not a question a line answers."""
    unfolded: Decomposition | None = None
    lines: tuple[Line, ...] = ()
    """What was collected, best first; what is cited must be among it."""
    kept: tuple[Line, ...] = ()
    """The lines that support an answer, best first."""
    pictures: tuple[tuple[Video, float], ...] = ()
    """Frames that a model is to be shown: of which video, and when."""
    clips: tuple[Clip, ...] = ()
    """Stretches of videos that are looked into."""
    likeliest: tuple[Video, float] | None = None
    """The video that the search is sure of, and when in it, whether or not words tell of it."""
    draft: tuple[Sentence, ...] = ()
    confidence: float = 0.0
    notes: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()

    def noting(self, note: str) -> Work:
        """Return it with a note more, each said once."""
        return replace(self, notes=tuple(dict.fromkeys((*self.notes, note))))


Step = Callable[[Work, Tools], Work]


def listed(options: str) -> tuple[str, ...]:
    """Return the answers to choose from, as they are written with bars between them."""
    return tuple(one.strip() for one in options.split("|") if one.strip())


class Strategy(ABC):
    """A recipe of steps; its parameters are those of its constructor."""

    one_of: ClassVar[tuple[str, ...]] = ()
    """Tasks of models of which any one does, where it cannot do without all of them."""
    calls: int = 0
    tokens: int = 0
    seconds: float = 60.0

    @abstractmethod
    def steps(self) -> Mapping[str, Step]:
        """Return what it does, by names of `STEPS`, in their order."""


def answered(
    choice: Choice, question: str, watch: Callable[[str], None] | None = None, **tools: Any
) -> Answer:
    """Return what a strategy answers; `tools` are the fields of `Tools` but the budget.

    `watch` is told the name of each step that is done.

    Raises ConfigError for a strategy whose model nobody names, and like the search. What is
    written is checked whatever the strategy does.
    """
    from q2e.answer.check import check
    from q2e.answer.quotes import NOTHING, write
    from q2e.answer.translated import translate

    strategy: Strategy = choice.bound
    budget = Budget(strategy.calls, strategy.tokens, strategy.seconds)
    given = Tools(budget=budget, **tools)
    given.refuse(choice.method.needs)
    work = Work(question)
    for name, step in strategy.steps().items():
        stopping.check()
        try:
            work = step(work, given)
        except ModelError as error:
            work = work.noting(f"{name} was left out: {error}")
            if name == "write":
                # A quote is what a video says: what a model said of its pictures is none.
                own = replace(work, kept=tuple(one for one in work.kept if not one.seen))
                work = write(own if own.kept else _supporting(own, given), given)
        if watch is not None:
            watch(name)
    if budget.refused and not work.draft:
        # What was not looked for to the end cannot be said to be nowhere.
        notes = tuple(one for one in work.notes if not one.startswith(NOTHING))
        work = write(_supporting(replace(work, notes=notes), given), given)
    work = translate(check(work), given)
    return Answer(
        question,
        work.language,
        work.draft,
        work.confidence if work.draft else 0.0,
        str(choice),
        work.notes,
        work.not_found,
        budget.told,
    )


def _supporting(work: Work, tools: Tools) -> Work:
    """Keep the lines that support an answer, where no step has kept any."""
    from q2e.answer.quotes import keep

    told = sorted((one for one in work.lines if not one.seen), key=lambda one: -one.worth)
    return replace(keep(replace(work, lines=tuple(told)), tools), lines=work.lines)
