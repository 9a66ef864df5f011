"""Answers by queries that a language model plans: the thin baseline of answering over a library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import written
from q2e.answer.base import Calls, Most, Seconds, Step, Strategy, Tokens, Tools, Work
from q2e.answer.collect import collect
from q2e.answer.strategies.extractive import read
from q2e.errors import ModelError
from q2e.registry import method
from q2e.text.prompt import beside

_Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Queries(BaseModel):
    """What is to be searched for."""

    model_config = ConfigDict(extra="forbid")

    queries: list[_Query] = Field(max_length=8)


@method(
    "answer",
    source="VLQA: Towards Retrieval Augmented Generation over Large Video Libraries, "
    "Tevissen et al. 2024",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Planned(Strategy):
    """A language model plans the searches and writes from the moments that they find together.

    1. `plan`: the model rewrites the question as some search queries; it sees no text of videos.
    2. `collect`: the question and each query are searched, and the lines put together.
    3. `filter`: the best lines are kept.
    4. `write`: the model answers from them, with the line and the words for each sentence.
    """

    queries: Annotated[
        int, Field(ge=0, le=8, description="Queries asked for, beside the question.")
    ] = 3
    lines: Annotated[int, Field(ge=1, le=50, description="Lines that the model is shown.")] = (
        written.SHOWN
    )
    sentences: Most = 4
    calls: Calls = 8
    tokens: Tokens = 20_000
    seconds: Seconds = 120.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": partial(plan, most=self.queries),
            "collect": collect,
            "filter": partial(written.keep, most=self.lines),
            "write": partial(written.write, most=self.sentences),
        }


def plan(work: Work, tools: Tools, most: int) -> Work:
    """Have the model say what to search for; without it the question alone is."""
    work = read(work, tools)
    if not most:
        return work
    try:
        said = tools.ask(
            beside(__file__), Queries, 200, question=written.asked(work.question), most=most
        )
    except ModelError as error:
        return work.noting(f"plan was left out: {error}")
    return replace(work, queries=tuple(dict.fromkeys((work.question, *said.queries[:most]))))
