"""Imagined answers to a question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field, create_model

from q2e.methods.decompose.refine import fold
from q2e.methods.expand.base import Count, Expansion, Found, Passage, Prompted, Weight, cleaned
from q2e.query.knowledge import load
from q2e.registry import method
from q2e.text.prompt import beside
from q2e.types import Decomposition


@method("expand", source="HyDE: Gao et al. 2022")
@dataclass(frozen=True, kw_only=True)
class Hyde(Prompted):
    """Imagine what a video that answers shows, says and is called.

    A language model writes `n` captions, lines of speech and headlines, each of which counts in
    the channels that read like it. Without one, the knowledge of events says what is seen, what
    the event is, and how it would be headed.
    """

    n: Count = 2
    weight: Weight = 0.5
    prompt = beside(__file__)

    def form(self) -> type[BaseModel]:
        return _form(self.n + 2)

    def local(self, asked: Decomposition, found: Found) -> Expansion:
        if asked.event_type is None:
            return no_event("hyde")
        own = asked.language or "en"
        definition = load()[asked.event_type].definition
        passages = {
            "caption": cleaned([event.text for event in asked.of_kind("current")][:5]),
            "transcript": cleaned([fold(definition.get(own, definition["en"]), asked.query)]),
            "headline": cleaned([headline(asked)]),
        }
        return Expansion("hyde", passages=passages, backend="events")


@lru_cache(maxsize=16)
def _form(most: int) -> type[BaseModel]:
    """Return what a language model may imagine of a video that answers."""
    return create_model(
        "Hyde",
        __config__=ConfigDict(extra="forbid"),
        caption=(list[Passage], Field(min_length=1, max_length=most)),
        transcript=(list[Passage], Field(max_length=most)),
        headline=(list[Passage], Field(max_length=most)),
    )


def headline(asked: Decomposition) -> str:
    """Return the kind of event that is asked for, with what is particular about it."""
    name = load()[asked.event_type or ""].name
    own = asked.language or "en"
    return fold(name.get(own, name["en"]), *asked.subject, *asked.place, *asked.time)


def no_event(way: str) -> Expansion:
    """Return what knowledge of events adds to a question about none."""
    note = "the question names no event; nothing is added to it"
    return Expansion(way, backend="events", note=note)
