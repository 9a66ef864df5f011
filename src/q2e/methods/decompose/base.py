"""Unfolds a question into events: asks its backends in turn and keeps their answers.

A way is a method of kind `decompose`: a class whose instances name the backends that are asked, in
the order in which they are tried.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import Field

from q2e.cache import Fingerprint, ResultCache, as_json, fingerprint
from q2e.errors import ModelError
from q2e.registry import Choice
from q2e.types import EVENT_KINDS, Decomposition, Query, SubEvent

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


class Backend(Protocol):
    """Unfolds questions; `name` and `version` together name how, and enter every result."""

    name: str
    version: str

    def decompose(self, text: str, language: str | None = None) -> Decomposition:
        """Return the decomposition of `text`, or raise ModelError."""
        ...


#: What a sub-event weighs, unless a way says otherwise.
WEIGHT = 0.05
EventWeight = Annotated[
    float, Field(ge=0, le=1, description="Weight of a sub-event beside the question itself.")
]


class Unfolder(ABC):
    """A way of unfolding questions; its parameters are those of its constructor.

    With a parameter `weight`, that is the weight of sub-events when scores are fused.
    """

    @abstractmethod
    def backends(self, settings: Settings, models: Models) -> tuple[Backend, ...]:
        """Return the backends that are asked, in their order.

        Raises ConfigError where the settings and the profile name no model for them.
        """


def decompose(
    query: Query, backends: Sequence[Backend], way: Choice | None = None
) -> Decomposition:
    """Return the answer of the first backend that has one, else the plain question.

    Where a backend before it failed, the answer's `note` says which and why. With `way`, answers
    of backends that are not `events`, which is faster than a disk, are kept under it; failures
    never are.
    """
    failures: list[str] = []
    for backend in backends:
        which = None
        if way is not None and backend.name != "events":
            which = _fingerprint(query, backend, way)
        found = None if which is None else _DECOMPOSITIONS.get(which)
        if found is None:
            try:
                found = backend.decompose(query.text, query.language)
            except ModelError as error:
                failures.append(f"{backend.name} failed: {error}")
                continue
            if which is not None:
                _DECOMPOSITIONS.put(which, found)
        return replace(found, note="; ".join(filter(None, (*failures, found.note))))
    return Decomposition(query=query.text, language=query.language, note="; ".join(failures))


class Decomposer:
    """The backends of a way, in the order in which they are tried."""

    def __init__(self, backends: Sequence[Backend], way: Choice | None = None) -> None:
        self.backends = tuple(backends)
        self.way = way

    @classmethod
    def of(cls, way: str | Choice | None, settings: Settings, models: Models) -> Decomposer:
        """Return the decomposer of a way such as `llm(refine=llm)`; None and `none` ask nobody.

        Raises ConfigError for an unknown way, and where it has no model.
        """
        if isinstance(way, str):
            from q2e.plugins import registry

            way = registry().choose("decompose", way)
        if way is None:
            return cls(())
        # What events weigh later is nothing to what they are.
        given = {name: value for name, value in way.arguments.items() if name != "weight"}
        return cls(way.bound.backends(settings, models), way.method.choice(given))

    def decompose(self, query: Query) -> Decomposition:
        """Return the decomposition of one question; never raises for a backend's failure."""
        return decompose(query, self.backends, self.way)

    def decompose_many(self, queries: Sequence[Query], workers: int = 4) -> list[Decomposition]:
        """Return the decompositions of many questions in their order, `workers` at a time.

        Servers batch what arrives together; an in-process model takes one at a time anyway.
        """
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return list(pool.map(self.decompose, queries))


def _fingerprint(query: Query, backend: Backend, way: Choice) -> Fingerprint:
    return fingerprint(
        query.language or "",
        query.text,
        method=f"decompose {way}",
        version=f"{way.method.version} {backend.version}",
        space=backend.name,
    )


def _from_json(row: dict[str, Any]) -> Decomposition:
    known = {field.name for field in fields(Decomposition)}
    if set(row) != known:
        raise ValueError(f"fields {sorted(row)}")
    row["events"] = tuple(SubEvent(**event) for event in row["events"])
    if any(event.kind not in EVENT_KINDS for event in row["events"]):
        raise ValueError("unknown kind of event")
    for name in ("time", "place", "subject"):
        row[name] = tuple(row[name])
    return Decomposition(**row)


_DECOMPOSITIONS = ResultCache("decompositions", as_json(_from_json, asdict))
