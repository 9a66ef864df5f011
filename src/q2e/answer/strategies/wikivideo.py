"""Articles by a language model that reads each video with the event and asks further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import looking, written
from q2e.answer.base import Calls, Most, Seconds, Step, Strategy, Tokens, Tools, Work
from q2e.answer.collect import collect
from q2e.answer.lines import Line, seen
from q2e.answer.strategies.article import SENTENCES, in_order
from q2e.answer.strategies.extractive import read
from q2e.answer.written import Told, Written
from q2e.errors import ModelError
from q2e.registry import method
from q2e.text.prompt import beside

_Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
#: Tokens of an article, and seconds around a line whose frames are shown, and how many.
MAX_TOKENS = 2_000
AROUND_S, FRAMES = 5.0, 8


class FollowUp(BaseModel):
    """What is to be asked of a video next."""

    model_config = ConfigDict(extra="forbid")

    questions: list[_Question] = Field(max_length=5)


class Placed(Told):
    """A sentence of an article, and where it stands in what happened."""

    place: Literal["before", "during", "after"]


class Composed(BaseModel):
    """An article; without sentences, that no line tells of the event."""

    model_config = ConfigDict(extra="forbid")

    sentences: list[Placed] = Field(max_length=50)


@method(
    "answer",
    source="WikiVideo: Article Generation from Multiple Videos, Martin et al. 2025",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Wikivideo(Strategy):
    """A model reads what each video says of an event, asks on, and writes one article of it all.

    1. `plan`, `collect` and `filter` find the videos and their best lines.
    2. `look again`: of each video the model asks follow-up questions, which are searched in it; a
       vision model, where there is one, answers each from frames around the best line of it there.
    3. `write`: the model writes the article from all lines, one source or more a sentence.

    The descriptions and transcripts of the index stand in for the paper's first summary of each
    video by a video model, and frames around a line for its second look at the whole of it.
    """

    videos: Annotated[
        int, Field(ge=1, le=20, description="Videos that are asked further, the best first.")
    ] = 5
    questions: Annotated[
        int, Field(ge=0, le=5, description="Follow-up questions of each video.")
    ] = 2
    lines: Annotated[int, Field(ge=1, le=50, description="Lines that the model is shown.")] = 24
    sentences: Most = SENTENCES
    calls: Calls = 25
    tokens: Tokens = 100_000
    seconds: Seconds = 300.0

    def steps(self) -> Mapping[str, Step]:
        ask_on = partial(look_again, videos=self.videos, questions=self.questions, most=self.lines)
        return {
            "plan": read,
            "collect": collect,
            "filter": partial(written.keep, most=self.lines),
            "look again": ask_on,
            "write": partial(write, most=self.sentences),
        }


def look_again(work: Work, tools: Tools, videos: int, questions: int, most: int) -> Work:
    """Have the model ask further of each video, and add the lines that its questions find there."""
    if not questions:
        return work
    for video in list(dict.fromkeys(line.video.id for line in work.kept))[:videos]:
        own = [line for line in work.kept if line.video.id == video]
        try:
            said = tools.ask(
                beside(__file__, "wikivideo_follow"),
                FollowUp,
                200,
                event=written.asked(work.question),
                lines=written.numbered(own),
                most=questions,
            )
        except ModelError as error:
            return work.noting(f"look again ended early: {error}")
        asked = tuple(said.questions[:questions])
        if not asked:
            continue
        more = collect(replace(work, queries=asked), tools)
        known = {(line.video.id, line.start_s, line.text) for line in work.lines}
        added = [
            line
            for line in more.lines
            if line.video.id == video and (line.video.id, line.start_s, line.text) not in known
        ]
        room = max(1, most // videos)
        work = replace(
            work,
            queries=(*work.queries, *asked),
            lines=(*work.lines, *added),
            kept=(*work.kept, *added[:room]),
        )
        if tools.sees:
            work = _looked(work, (added or own)[0], asked, tools)
    return work


def _looked(work: Work, line: Line, questions: tuple[str, ...], tools: Tools) -> Work:
    """Have the vision model answer questions from frames around a line; an answer is a line."""
    start_s = max(0.0, line.start_s - AROUND_S)
    end_s = min(max(line.video.duration_s, line.end_s), line.end_s + AROUND_S)
    times_s = looking.times_in(start_s, end_s, FRAMES)
    images = [frame.image for frame in looking.frames(line.video, times_s)]
    for question in questions if images else ():
        try:
            said = looking.look(
                tools,
                images,
                beside(__file__, "document_look"),
                200,
                question=written.asked(question),
                describe=False,
            )
        except ModelError as error:
            return work.noting(f"a moment was not looked at: {error}")
        if said and said.strip(" .").casefold() != "none":
            added = seen(line.video, start_s, end_s, said)
            work = replace(work, lines=(*work.lines, added), kept=(*work.kept, added))
    return work


def write(work: Work, tools: Tools, most: int) -> Work:
    """Have the model write the article. Raises ModelError where it does not."""
    if not work.kept:
        return work
    said = tools.ask(
        beside(__file__),
        Composed,
        MAX_TOKENS,
        event=written.asked(work.question),
        lines=written.numbered(work.kept),
        most=most,
    )
    places = {one.text: one.place for one in said.sentences}
    told = Written.model_construct(sentences=list(said.sentences))
    work = written.drafted(work, told, most)
    draft = tuple(replace(one, place=places.get(one.text)) for one in work.draft)
    return replace(work, draft=in_order(draft))
