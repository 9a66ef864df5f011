"""Answers without a model: the best lines of speech, screen text and descriptions, quoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from pydantic import Field

from q2e.answer import quotes
from q2e.answer.base import Most, Step, Strategy, Tools, Work
from q2e.answer.collect import collect
from q2e.answer.topic import topic
from q2e.answer.wanted import wanted
from q2e.registry import method
from q2e.text.language import detect


def read(work: Work, tools: Tools) -> Work:
    """Note what kind of answer is asked for, and of "what is said about X" search for X too."""
    del tools
    language = detect(work.question)
    kinds = wanted(work.question, language)
    about = topic(work.question, language)
    queries = (about.about, work.question) if about else (work.question,)
    return replace(work, wanted=kinds, queries=queries, language=language)


@method("answer", source="maximal marginal relevance: Carbonell and Goldstein 1998")
@dataclass(frozen=True, kw_only=True)
class Extractive(Strategy):
    """Quotes of the lines that answer best, each saying something new, with their times.

    1. `plan` notes whether a person, place, time or number is asked for; where a question asks
       what is said about something, that is searched for beside it.
    2. `collect` searches, cuts the best pieces of evidence into lines and weighs each line.
    3. `filter` keeps the lines that support an answer; without any, nothing here answers.
    4. `write` quotes the best of them by worth and novelty.
    """

    sentences: Most = quotes.SENTENCES
    least: Annotated[
        float,
        Field(ge=-10, le=10, description="Log-odds from which a line supports an answer."),
    ] = quotes.SUPPORTS
    behind: Annotated[
        float,
        Field(ge=0, le=10, description="By how much less than the best another may be worth."),
    ] = quotes.BEHIND
    relevance: Annotated[
        float, Field(ge=0, le=1, description="Share of a line's worth beside its novelty.")
    ] = quotes.RELEVANCE

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": read,
            "collect": collect,
            "filter": partial(quotes.keep, least=self.least, behind=self.behind),
            "write": partial(quotes.write, most=self.sentences, relevance=self.relevance),
        }
