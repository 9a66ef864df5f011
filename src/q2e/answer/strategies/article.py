"""Articles about an event without a model: what videos say before, during and after it, quoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from pydantic import Field

from q2e.answer import quotes
from q2e.answer.base import Most, Step, Strategy, Tools, Work
from q2e.answer.collect import collect, weigh
from q2e.answer.lines import Line
from q2e.answer.strategies.extractive import read
from q2e.registry import method
from q2e.types import EVENT_KINDS, Place, Sentence, SubEvent

#: Sentences of an article, and by how much less than its best a line may be worth.
SENTENCES, BEHIND = 12, 4.0
#: By how much less a line may be worth to the event where it supports one of its sub-events.
ASIDE = 1.5
#: Log-odds from which a line tells of the event: a chance of .6, as what is near to one is many.
LEAST = 0.4
#: Sub-events that are searched for.
_EVENTS = 9
_ORDER: tuple[Place, ...] = ("before", "during", "after")
PLACES: dict[str, Place] = dict(zip(EVENT_KINDS, _ORDER, strict=True))


@method("answer", source="the task of WikiVideo: Video-Based Articles, Martin et al. 2025")
@dataclass(frozen=True, kw_only=True)
class Article(Strategy):
    """Quotes on an event in order: what came before it, what happened, what came after.

    1. `plan` and `collect` search for the event.
    2. `filter` keeps what supports that it is told of at all; else nothing here answers.
    3. `look again` searches for each of its sub-events, and keeps the lines that support one
       and have to do with the event.
    4. `write` quotes the best of each, by worth and novelty, in order of the videos' dates.
    """

    sentences: Most = SENTENCES
    least: Annotated[
        float,
        Field(ge=-10, le=10, description="Log-odds from which a line tells of the event."),
    ] = LEAST
    behind: Annotated[
        float,
        Field(ge=0, le=20, description="By how much less than the best another may be worth."),
    ] = BEHIND

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": plan,
            "collect": collect,
            "filter": partial(quotes.keep, least=self.least, behind=self.behind),
            "look again": partial(look_again, least=self.least),
            "write": partial(write, most=self.sentences),
        }


def plan(work: Work, tools: Tools) -> Work:
    """Note that an event is asked for, of which whole videos tell."""
    return replace(read(work, tools), event=True)


def look_again(work: Work, tools: Tools, least: float = quotes.SUPPORTS) -> Work:
    """Search for each sub-event, and keep the lines that support one and touch on the event."""
    unfolded = work.unfolded
    if not work.kept or unfolded is None:
        return work
    known, kept = set(map(_key, work.lines)), set(map(_key, work.kept))
    events = [one for one in unfolded.events if one.kind in PLACES]
    found: dict[tuple[str, float, str], Line] = {}
    for text in dict.fromkeys(one.text for one in events[:_EVENTS]):
        for line in collect(replace(work, queries=(text,)), tools).lines:
            if line.worth >= least and _key(line) not in kept:
                found.setdefault(_key(line), line)
    if found:
        again = tools.find(work.question)
        lines = weigh(work, work.question, again, list(found.values()), tools)
        near = tuple(line for line in lines if line.worth >= least - ASIDE)
        work = replace(
            work,
            lines=(*work.lines, *(line for line in near if _key(line) not in known)),
            kept=(*work.kept, *near),
        )
    # What is nearer to the event than to anything before and after it happened during it.
    itself = SubEvent("current", work.question)
    return replace(work, unfolded=replace(unfolded, events=(*events, itself)))


def write(work: Work, tools: Tools, most: int) -> Work:
    """Quote the lines that are relevant and new, by sub-event, then by date and time."""
    work = quotes.write(work, tools, most)
    return replace(work, draft=in_order(work.draft))


def in_order(sentences: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
    """Return sentences as a story has them: by sub-event, then by the videos' dates and times."""

    def place(sentence: Sentence) -> tuple[int, bool, str, str, float]:
        first = sentence.citations[0]
        date = first.video.date
        at = _ORDER.index(sentence.place or "during")
        return at, date is None, date or "", first.video.id, first.start_s

    return tuple(sorted(sentences, key=place))


def _key(line: Line) -> tuple[str, float, str]:
    return line.video.id, line.start_s, line.text
