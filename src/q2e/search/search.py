"""Answers questions of one store: puts the stages of a search in line and sends questions down."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from q2e.errors import QueryError
from q2e.methods.expand.base import Expansion
from q2e.models.registry import Models
from q2e.query.texts import words_of
from q2e.registry import NONE
from q2e.search.blocks import BLAS
from q2e.search.calibrate import calibrate
from q2e.search.certain import certain
from q2e.search.chance import chance
from q2e.search.clarify import Clarification, clarify
from q2e.search.clauses import each_clause
from q2e.search.collection import Collection
from q2e.search.curve import Heights, heights
from q2e.search.decompose import decompose, stand_alone
from q2e.search.encode import encode
from q2e.search.expand import expand
from q2e.search.explain import explain
from q2e.search.facets import Facets, counted, facets
from q2e.search.feedback import feedback
from q2e.search.fuse import fuse
from q2e.search.localise import localise
from q2e.search.near import BEST, Near
from q2e.search.plan import Plan
from q2e.search.prove import prove
from q2e.search.rank import rank
from q2e.search.rerank import rerank
from q2e.search.score import score
from q2e.search.stage import Pipeline, Stage, assemble
from q2e.search.state import State
from q2e.search.understand import checked, understand
from q2e.settings import Settings, changed
from q2e.store.base import Searched, Table
from q2e.store.engine import Engine, Finding
from q2e.store.exact import ExactEngine
from q2e.types import Decomposition, Filters, Query, Results

_READ = (understand, decompose)
#: What asks one text; a question of several clauses goes through it for each.
_ASK = (expand, encode, score, calibrate, fuse, feedback, chance)
_TELL = (prove, rank, certain, rerank, localise, explain)
#: The stages of a plain question, in their order.
STAGES = (*_READ, *_ASK, *_TELL)


def line(plan: Plan) -> Pipeline:
    """Return the stages that answer a question by a plan; what it has no method for is left out.

    What asks one text stands in a stage of its own, which asks the clauses of a question so.
    """
    without = set(_idle(plan))
    ask, tell = (tuple(one for one in part if one not in without) for part in (_ASK, _TELL))
    calm = (one for one in ask if one not in (expand, feedback))
    clauses = each_clause(Pipeline(ask), Pipeline((decompose, stand_alone, *calm)))
    return assemble(*_READ, clauses, *tell)


def _idle(plan: Plan) -> Iterator[Stage]:
    """Yield the stages that have nothing to do."""
    if not plan.expand:
        yield expand
    if plan.feedback is None:
        yield feedback
    if not (plan.details and plan.knows_chance):
        yield chance
    if not plan.rerank:
        yield rerank
    if not plan.details:
        yield localise
    if not (plan.details and plan.settings.candidates):
        yield prove


class Searcher:
    """Searches one store with one set of models; safe to share between threads.

    `finding` says what finds in the store; without it, what the store itself has.
    """

    def __init__(self, store: Searched, models: Models, finding: Finding | None = None) -> None:
        self.store = store
        self.models = models
        self.at = Collection(store, models)
        if finding is None and isinstance(store, Finding):
            finding = store
        self._by = finding
        engine = self._engine()
        self._finds = engine is not None, Near(engine or ExactEngine(store), models)

    def _engine(self) -> Engine | None:
        return None if self._by is None else self._by.engine()

    def _finding(self) -> tuple[int, Near]:
        """Return how many videos each row brings where nobody says, 0 where all are searched.

        With it comes who finds them. An engine that was made or is gone since counts at once.
        """
        engine = self._engine()
        made, near = self._finds
        if (engine is not None) != made:
            near = Near(engine or ExactEngine(self.store), self.models)
            self._finds = engine is not None, near
        return (0 if engine is None else BEST), near

    @property
    def table(self) -> Table:
        """The columns of the store, or of a sample where an engine finds what is not held."""
        with self.store.snapshot():
            each, near = self._finding()
            return near.panel().table if each else self.store.table()

    def search(
        self,
        query: Query,
        settings: Settings,
        moments: bool = True,
        offset: int = 0,
        decomposition: Decomposition | None = None,
    ) -> Results:
        """Return the best videos with reasons, and with their moments where asked for.

        The first `offset` are left out; `decomposition` replaces what the settings would make.
        Raises QueryError for an empty or overlong question, IndexMismatch where the index was
        made by another text model.
        """
        plan = self._planned(settings, moments, offset)
        # Row numbers must mean the same from the first look at the store to the last.
        with self.store.snapshot(), BLAS.one_thread():
            return _told(self._asked(plan, query, decomposition))

    def search_page(
        self,
        query: Query,
        settings: Settings,
        moments: bool = True,
        offset: int = 0,
        decomposition: Decomposition | None = None,
    ) -> Page:
        """Return what `search` does, the facets of all that was found, and the question back."""
        plan = self._planned(settings, moments, offset)
        with self.store.snapshot(), BLAS.one_thread():
            state = self._asked(plan, query, decomposition)
            results, began = _told(state), time.perf_counter()
            counts, counted_s = self._counted(state, query.filters), _since(began)
            back, whole_s = clarify(self.store, results), _since(began)
            spent = {"facets": counted_s, "clarify": whole_s - counted_s}
            results = replace(results, timings_s={**results.timings_s, **spent})
            return Page(results, counts, back, heights(state) if moments else None)

    def _counted(self, state: State, filters: Filters) -> Facets:
        """Return the facets of all that a search found."""
        table = state.at.table
        if state.at is not self.at:  # a part: where all is not held, the store counts
            names = [table.video_ids[number] for number in state.ranking.tolist()]
            return facets(self.store, filters, names)
        found = np.zeros(len(table.video_ids), dtype=bool)
        found[state.ranking] = True
        return counted(self.store, self.store.rows(filters), found)

    def _planned(self, settings: Settings, details: bool, offset: int) -> Plan:
        """Return the plan of one page. Raises QueryError for an offset below 0."""
        if offset < 0:
            raise QueryError(f"offset is {offset}; pages begin at 0")
        plan = replace(Plan.of(settings), offset=offset, details=details)
        if plan.batch:
            plan.calibration(self.at)  # refuses
        return plan

    def _asked(self, plan: Plan, query: Query, given: Decomposition | None = None) -> State:
        """Return how a question stands that was asked of all videos, or of those near to it."""

        def ask(plan: Plan, at: Collection) -> State:
            return line(plan)(State(at, plan, query, given))

        each, near = self._finding()
        k = plan.settings.candidates or each
        if not k:
            return ask(plan, self.at)
        plan = replace(plan, settings=changed(plan.settings, {"candidates": k}))
        shown = (*query.examples, *query.like, *query.dislike)
        quick = replace(plan, feedback=None, rerank=(), details=False)
        return near.ask(
            partial(ask, plan),
            query.filters,
            k,
            [one.video for one in shown if one.video],
            first=partial(ask, quick),
        )

    def rows(self, query: Query, settings: Settings) -> State:
        """Return how a plain question stands once its rows are fused, and nothing lent to them."""
        plan = replace(Plan.of(settings), feedback=None, details=False)
        stages = (understand, decompose, expand, encode, score, calibrate, fuse)
        with self.store.snapshot(), BLAS.one_thread():
            return assemble(*stages)(State(self.at, plan, query))

    def unfold(self, queries: Sequence[Query], settings: Settings) -> None:
        """Have a language model unfold many questions at once, for the searches that follow.

        A server batches what arrives together. Other ways of unfolding need no preparation.
        """
        plan = Plan.of(settings)
        if plan.decompose is not None and plan.decompose.method.needs:
            asked = [checked(query) for query in queries]
            words = [replace(query, text=words_of(query)) for query in asked]
            self.at.decomposer(plan).decompose_many(words)

    def found(self, query: Query, settings: Settings) -> tuple[str, ...]:
        """Return the ids of all videos that a search finds, best first."""
        plan = replace(Plan.of(settings), rerank=(), details=False)
        with self.store.snapshot(), BLAS.one_thread():
            state = self._asked(plan, query)
            names = state.at.table.video_ids
            return tuple(names[number] for number in state.ranking.tolist())


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows of one question."""

    results: Results
    facets: Facets
    """{facet: {value: videos}} of all that was found."""
    back: Clarification | None
    """The question back that tells the first hits apart, if any."""
    curve: Heights | None
    """The score over time of the video that is shown, where it is one."""


def _since(began: float) -> float:
    return time.perf_counter() - began


def _told(state: State) -> Results:
    """Return what a search found."""
    return Results(state.query, state.hits, state.decomposition, _info(state), state.timings_s)


def _info(state: State) -> dict[str, Any]:
    """Return what is told about a search beside its hits."""
    table, plan, settings = state.at.table, state.plan, state.plan.settings
    more = state.expansions[0] if state.expansions else Expansion()
    sure = None
    if state.alarm is not None:
        sure = bool((state.alarm[state.ranking] <= settings.false_alarms).any())
    return {
        "videos": table.videos,
        "evidence": table.pieces,
        "version": table.version,
        "profile": settings.profile,
        "recipe": settings.recipe,
        "fuse": str(plan.fuse),
        "normalise": str(plan.calibrate or NONE),
        "calibrate": str(plan.calibrate or NONE),
        "pool": str(plan.pool),
        "expand": {"method": more.method, "backend": more.backend, "note": more.note},
        "rerank": dict(state.looks[-1]) if state.looks else {"strategy": "none"},
        "confident": sure,
        "found": len(state.ranking),
        "hint": state.hint,
        "candidates": None if state.proof is None else state.proof.told,
        "models": {
            "text": state.at.models.text.space,
            **{kind: one.space for kind, one in state.at.seeing.items()},
        },
    }
