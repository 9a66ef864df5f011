"""The question in other words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field, create_model

from q2e.methods.expand.base import Count, Expansion, Found, Prompted, Request, Weight, cleaned
from q2e.methods.expand.hyde import headline, no_event
from q2e.registry import method
from q2e.text.prompt import beside
from q2e.types import Decomposition


@method("expand")
@dataclass(frozen=True, kw_only=True)
class Rewrite(Prompted):
    """Ask the same in other words.

    A language model writes `n` requests, which count in all channels. Without one, the knowledge
    of events says how the event would be headed, and the question in English where it is known.
    """

    n: Count = 4
    weight: Weight = 0.5
    prompt = beside(__file__)

    def form(self) -> type[BaseModel]:
        return _form(self.n + 2)

    def local(self, asked: Decomposition, found: Found) -> Expansion:
        if asked.event_type is None:
            return no_event("rewrite")
        requests = cleaned([headline(asked), asked.english or ""])
        return Expansion("rewrite", requests=requests, backend="events")


@lru_cache(maxsize=16)
def _form(most: int) -> type[BaseModel]:
    """Return the same search in other words."""
    return create_model(
        "Rewrite",
        __config__=ConfigDict(extra="forbid"),
        requests=(list[Request], Field(min_length=1, max_length=most)),
    )
