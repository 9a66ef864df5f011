"""Answers from a document of the videos that grows until a language model has enough."""

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


class Judged(BaseModel):
    """Whether the document is enough, and what to look for where it is not."""

    model_config = ConfigDict(extra="forbid")

    enough: bool
    look_for: list[_Query] = Field(max_length=4)


@method(
    "answer",
    source="DrVideo: Document Retrieval Based Long Video Understanding, Ma et al. 2024",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Document(Strategy):
    """A language model reads the best lines, says what is missing, and has more looked for.

    DrVideo's loop over what is stored of the videos: is it enough, and if not, what is to be looked
    for; at most `rounds` times. Its second look at frames with a vision model is left out.
    """

    rounds: Annotated[
        int, Field(ge=0, le=10, description="Times that the model may ask for more.")
    ] = 3
    lines: Annotated[int, Field(ge=1, le=50, description="Lines that the model is shown.")] = (
        written.SHOWN
    )
    sentences: Most = 4
    calls: Calls = 10
    tokens: Tokens = 30_000
    seconds: Seconds = 180.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": read,
            "collect": collect,
            "filter": partial(written.keep, most=self.lines),
            "look again": partial(look_again, rounds=self.rounds, most=self.lines),
            "write": partial(written.write, most=self.sentences),
        }


def look_again(work: Work, tools: Tools, rounds: int, most: int) -> Work:
    """Ask whether the lines are enough, and collect what the model asks for, until they are.

    The lines that stood first in a round stay before those that it brought.
    """
    for number in range(rounds):
        try:
            said = tools.ask(
                beside(__file__),
                Judged,
                200,
                question=written.asked(work.question),
                lines=written.numbered(work.kept) if work.kept else "nothing was found yet",
            )
        except ModelError as error:
            return work.noting(f"look again ended after {number} rounds: {error}")
        new = tuple(one for one in said.look_for if one not in work.queries)
        if said.enough or not new:
            break
        more = collect(replace(work, queries=new), tools)
        known = {(line.video.id, line.start_s, line.text) for line in work.lines}
        added = tuple(
            line for line in more.lines if (line.video.id, line.start_s, line.text) not in known
        )
        if not added:
            break
        every = max(1, most // 2)
        kept = (*work.kept[: most - every], *added[:every])
        work = replace(
            work,
            confidence=written.sure(kept),
            queries=(*work.queries, *new),
            lines=(*work.lines, *added),
            kept=kept,
        )
    return work
