"""Answers by a pipeline that a file declares: services by name, in the order of the steps."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from q2e.answer.base import STEPS, Calls, Seconds, Step, Strategy, Tokens, Tools, Work
from q2e.answer.services import AnyService, Service, missing, services
from q2e.answer.strategies.extractive import read
from q2e.errors import ConfigError, unknown
from q2e.models import profiles
from q2e.registry import method
from q2e.text.prompt import mistake_in

#: Folder of the pipelines that come with the package.
_OURS = "q2e.answer.pipelines"


class Declared(BaseModel):
    """What a file declares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: Annotated[str, Field(min_length=1, max_length=200)]
    step: Annotated[tuple[AnyService, ...], Field(min_length=1, max_length=20)]


@method(
    "answer",
    source="i-Code Studio: A Configurable and Composable Framework for Integrative AI, Fang et al. "
    "2023, section 2",
)
@dataclass(frozen=True, kw_only=True)
class Pipeline(Strategy):
    """Services put together by a declaration: search, describe, translate, answer and others.

    A file of TOML names the services of a pipeline in order, each with its parameters; they are
    checked when it is assembled, and a model that any of them needs must be there before the first
    one runs. `visual_answer`, `speech_answer` and `speech_translation` come with the package, one's
    own lie in `~/.config/q2e/pipelines`. The last of ours has what is said translated by the
    translator, or else the language model, and cites the original. Nothing is spoken: the paper's
    speech synthesis has no service here.
    """

    one_of: ClassVar[tuple[str, ...]] = ("language",)
    name: Annotated[
        str,
        Field(
            pattern="^[a-z][a-z0-9_]{0,39}$",
            description="Pipeline: visual_answer, speech_answer, speech_translation or one's own.",
        ),
    ] = "visual_answer"
    calls: Calls = 20
    tokens: Tokens = 60_000
    seconds: Seconds = 240.0

    def steps(self) -> Mapping[str, Step]:
        return assembled(declared(self.name))


def own_folder() -> Path:
    """Return the folder of one's own pipelines."""
    return profiles.own_folder().parent / "pipelines"


def names() -> tuple[str, ...]:
    """Return the pipelines that there are, those of the package first."""
    ours = sorted(one.name for one in resources.files(_OURS).iterdir())
    own = sorted(one.name for one in own_folder().glob("*.toml"))
    found = dict.fromkeys(one for one in (*ours, *own) if one.endswith(".toml"))
    return tuple(one.removesuffix(".toml") for one in found)


def declared(name: str) -> Declared:
    """Return a pipeline by name: of the package, or one's own.

    Raises ConfigError for an unknown one, and for a file that declares none.
    """
    if name not in names():
        raise ConfigError(unknown("pipeline", name, names()))
    ours = resources.files(_OURS) / f"{name}.toml"
    file = ours if ours.is_file() else own_folder() / f"{name}.toml"
    try:
        return parsed(name, file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"pipeline {name}: cannot be read ({error})") from None


def parsed(name: str, text: str) -> Declared:
    """Return what a text declares. Raises ConfigError saying what is wrong, and what is allowed."""
    try:
        return Declared.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"pipeline {name}: not valid TOML ({error})") from None
    except ValidationError as error:
        known = ", ".join(services())
        raise ConfigError(f"pipeline {name}: {mistake_in(error)}; services are {known}") from None


def assembled(pipeline: Declared) -> Mapping[str, Step]:
    """Return the steps of a pipeline; services of one step follow one another.

    Raises ConfigError where services stand in another order than the steps, or nothing is written.
    """
    by_step: dict[str, list[Service]] = {}
    for one in pipeline.step:
        after = [name for name in by_step if STEPS.index(name) > STEPS.index(one.step)]
        if after:
            raise ConfigError(
                f"pipeline: {one.use!r} belongs to {one.step!r} and stands behind {after[0]!r}; "
                f"the order is {', '.join(STEPS)}"
            )
        by_step.setdefault(one.step, []).append(one)
    lacks = [name for name in ("collect", "write") if name not in by_step]
    if lacks:
        raise ConfigError(f"pipeline: no service for {' and '.join(lacks)}")
    needs = tuple(dict.fromkeys(need for one in pipeline.step for need in one.needs))
    first = by_step.pop("plan", [])

    def plan(work: Work, tools: Tools) -> Work:
        missing(needs, tools)
        return _all(first)(read(work, tools), tools)

    return {"plan": plan} | {name: _all(some) for name, some in by_step.items()}


def _all(some: list[Service]) -> Step:
    def run(work: Work, tools: Tools) -> Work:
        for one in some:
            work = one.run(work, tools)
        return work

    return run
