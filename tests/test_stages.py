"""Stages of a search: each finds what it reads, and reads and writes what it says."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest

import q2e
from q2e.errors import ConfigError
from q2e.search import search
from q2e.search.collection import Collection
from q2e.search.decompose import decompose
from q2e.search.encode import encode
from q2e.search.fuse import fuse
from q2e.search.near import Near
from q2e.search.plan import Plan
from q2e.search.score import score
from q2e.search.stage import Pipeline, Stage, assemble
from q2e.search.state import State, start_values
from q2e.search.understand import understand
from q2e.store.exact import ExactEngine
from q2e.types import Query

#: What every stage may look at: where it is asked, and how.
_ALWAYS = {"at", "plan", "timings_s"}
#: Settings under which every stage has something to do.
_EVERYTHING: dict[str, Any] = {
    "expand": "lamer", "candidates": 5, "fuse": "witnesses", "feedback": "likeness",
    "rerank": "late_interaction",
}  # fmt: skip
QUESTIONS = (
    Query("earthquake in Mexico"),
    Query("एक विशाल पांडा"),
    Query("snow at the Summer Palace"),
)


@pytest.mark.parametrize(
    ("stages", "wrong"),
    [
        ((understand, decompose, score), "'score' reads asked, terms"),
        ((decompose, understand), "'decompose' reads question"),
        ((understand, decompose, encode, fuse), "'fuse' reads rows"),
    ],
)
def test_a_stage_that_reads_what_nothing_wrote_is_refused(
    stages: tuple[Stage, ...], wrong: str
) -> None:
    with pytest.raises(ConfigError, match=wrong):
        assemble(*stages)


def test_what_has_no_method_is_left_out(sample_index: q2e.Index) -> None:
    plan = Plan.of(sample_index.settings)
    names = [one.name for one in search.line(plan).stages]
    assert names == ["understand", "decompose", "clauses", "rank", "certain", "localise", "explain"]
    brief = search.line(replace(plan, details=False))
    assert [one.name for one in brief.stages] == [*names[:5], "explain"]


class _Watched:
    """A state that notes which of its fields are read, but those that were written on the way."""

    def __init__(self, state: State, read: set[str], written: frozenset[str] = frozenset()) -> None:
        self._own = state, read, written

    def __getattr__(self, name: str) -> Any:
        state, read, written = self._own
        ours = getattr(State, name, None)
        if isinstance(ours, property):
            return ours.fget(self)  # type: ignore[misc]
        if name == "alone":
            return ours.__get__(self)  # type: ignore[union-attr]
        if name not in written:
            read.add(name)
        return getattr(state, name)

    def writing(self, **changes: Any) -> _Watched:
        state, read, written = self._own
        return _Watched(state.writing(**changes), read, written | changes.keys())


def test_stages_read_and_write_what_they_say(sample_index: q2e.Index) -> None:
    index = sample_index
    settings = q2e.settings.changed(index.settings, _EVERYTHING)
    read: dict[str, set[str]] = {one.name: set() for one in search.STAGES}
    written: dict[str, set[str]] = {one.name: set() for one in search.STAGES}

    def watched(one: Stage) -> Stage:
        def run(state: State) -> State:
            done = one.run(_Watched(state, read[one.name]))  # type: ignore[arg-type]
            after: State = done._own[0] if isinstance(done, _Watched) else done
            for name in (field.name for field in fields(State)):
                if getattr(after, name) is not getattr(state, name):
                    written[one.name].add(name)
            return after

        return replace(one, run=run)

    line = Pipeline(tuple(map(watched, search.STAGES)))
    near = Near(ExactEngine(index.store), index.models)

    def asked(query: Query, at: Collection) -> State:
        return line(State(at, Plan.of(settings), query))

    with index.store.snapshot():
        for query in QUESTIONS:
            near.ask(partial(asked, query), query.filters, 5)
    for one in search.STAGES:
        assert read[one.name] - _ALWAYS == one.reads, one.name
    assert written == {one.name: set(one.writes) for one in search.STAGES}
    assert start_values() < {one.name for one in fields(State)}
