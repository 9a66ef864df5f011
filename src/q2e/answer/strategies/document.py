"""Answers from a document of the videos that grows until a language model has enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import looking, written
from q2e.answer.base import Calls, Most, Seconds, Step, Strategy, Tokens, Tools, Work
from q2e.answer.collect import collect
from q2e.answer.lines import seen
from q2e.answer.strategies.extractive import read
from q2e.errors import ModelError
from q2e.registry import method
from q2e.text.prompt import beside

#: Seconds before and behind a line that are looked at, and frames of them.
AROUND_S, FRAMES = 2.0, 4

_Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Look(BaseModel):
    """A moment to be looked at, by the number of a line; without a question it is described."""

    model_config = ConfigDict(extra="forbid")

    line: int = Field(ge=1, le=300)
    question: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class Judged(BaseModel):
    """Whether the document is enough, and what to look for where it is not."""

    model_config = ConfigDict(extra="forbid")

    enough: bool
    look_for: list[_Query] = Field(max_length=4)
    look_at: list[Look] = Field(default_factory=list, max_length=4)


@method(
    "answer",
    source="DrVideo: Document Retrieval Based Long Video Understanding, Ma et al. 2024",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Document(Strategy):
    """A language model reads the best lines, says what is missing, and has more looked for.

    DrVideo's loop over what is stored of the videos: is it enough, and if not, what is to be looked
    for; at most `rounds` times. Where there is a vision model, it first describes the moments of
    the first `looks` lines with the question in view (the document is augmented, section 3.3), and
    in each round those that the model names: described once more, or asked a question of their own
    (section 3.4). What it says is added to the document.
    """

    rounds: Annotated[
        int, Field(ge=0, le=10, description="Times that the model may ask for more.")
    ] = 3
    lines: Annotated[int, Field(ge=1, le=50, description="Lines that the model is shown.")] = (
        written.SHOWN
    )
    looks: Annotated[
        int, Field(ge=0, le=20, description="Moments that a vision model describes at first.")
    ] = 5
    sentences: Most = 4
    calls: Calls = 25
    tokens: Tokens = 80_000
    seconds: Seconds = 180.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": read,
            "collect": collect,
            "filter": partial(written.keep, most=self.lines),
            "look again": partial(
                look_again, rounds=self.rounds, most=self.lines, looks=self.looks
            ),
            "write": partial(written.write, most=self.sentences),
        }


def look_again(work: Work, tools: Tools, rounds: int, most: int, looks: int) -> Work:
    """Ask whether the lines are enough, and collect what the model asks for, until they are.

    The lines that stood first in a round stay before those that it brought.
    """
    if tools.sees and looks:
        first = [Look(line=number) for number in range(1, min(looks, len(work.kept)) + 1)]
        work = _looked(work, tools, first)
    for number in range(rounds):
        try:
            said = tools.ask(
                beside(__file__),
                Judged,
                200,
                question=written.asked(work.question),
                lines=written.numbered(work.kept) if work.kept else "nothing was found yet",
                sees=tools.sees,
            )
        except ModelError as error:
            return work.noting(f"look again ended after {number} rounds: {error}")
        if said.enough:
            break
        looked = _looked(work, tools, said.look_at) if tools.sees else work
        new = tuple(one for one in said.look_for if one not in work.queries)
        if not new and looked.lines == work.lines:
            break
        work = looked
        if not new:
            continue
        more = collect(replace(work, queries=new), tools)
        known = {(line.video.id, line.start_s, line.text) for line in work.lines}
        added = tuple(
            line for line in more.lines if (line.video.id, line.start_s, line.text) not in known
        )
        if not added:
            continue
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


def _looked(work: Work, tools: Tools, looks: Sequence[Look]) -> Work:
    """Add what a vision model says of the moments of some lines to the document."""
    for one in looks:
        if one.line > len(work.kept):
            continue
        line = work.kept[one.line - 1]
        start_s = max(0.0, line.start_s - AROUND_S)
        end_s = min(max(line.video.duration_s, line.end_s), line.end_s + AROUND_S)
        times_s = looking.times_in(start_s, end_s, FRAMES)
        images = [frame.image for frame in looking.frames(line.video, times_s)]
        if not images:
            continue
        question = written.asked(one.question or work.question)
        try:
            prompt = beside(__file__, "document_look")
            said = looking.look(
                tools, images, prompt, 200, question=question, describe=not one.question
            )
        except ModelError as error:
            return work.noting(f"a moment was not looked at: {error}")
        added = seen(line.video, start_s, end_s, said)
        if said and added not in work.lines:
            work = replace(work, lines=(*work.lines, added), kept=(*work.kept, added))
    return work
