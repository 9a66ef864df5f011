"""Answers many questions at once, where a method compares the questions with each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.errors import ConfigError, QueryError
from q2e.methods.fuse.base import fuse_batch
from q2e.methods.normalise.base import normalise_each
from q2e.methods.rows import ScoreRow
from q2e.models.base import TokenEncoder
from q2e.plugins import registry
from q2e.search.decompose import decompose
from q2e.search.encode import encode
from q2e.search.expand import expand
from q2e.search.late import Tokens, token_encoder
from q2e.search.plan import Plan
from q2e.search.score import score
from q2e.search.search import Searcher
from q2e.search.stage import assemble
from q2e.search.state import State
from q2e.search.understand import understand
from q2e.settings import Settings
from q2e.types import EVENT_KINDS, Query

Watch = Callable[[int, int], None]


def raw_matrices(
    searcher: Searcher,
    queries: Sequence[Query],
    settings: Settings,
    folder: Path,
    watch: Watch | None = None,
) -> dict[str, Float64]:
    """Return {score: (Q, V)} of questions on no common scale; NaN where nothing was scored.

    `video` is the question against pictures, `query`, `prequel`, `current` and `sequel` the
    question and its events against all texts of a video: the best of many to many, or what the rule
    of pooling makes of them. They are cosines, or of texts the MaxSim of tokens where the settings'
    `calibrate` says so; tokens lie in `folder`. Raises QueryError for a question with clauses.
    """
    given = Plan.of(settings)
    plan = replace(given, calibrate=None, feedback=None, details=False)
    line = assemble(understand, decompose, *([expand] if plan.expand else []), encode, score)
    videos = len(searcher.store.table().video_ids)
    late = _late(searcher, given, folder)
    found: dict[str, Float64] = {}

    def put(name: str, number: int, values: Float64) -> None:
        table = found.setdefault(name, np.full((len(queries), videos), np.nan))
        table[number] = np.fmax(table[number], values)

    with searcher.store.snapshot():
        for number, query in enumerate(queries):
            if query.clause is not None:
                raise QueryError(f"{query.text!r}: a batch asks plain questions, without operators")
            state = line(State(searcher.at, plan, query))
            for row in state.rows:
                name = _score_of(row)
                if name is not None and (late is None or name == "video"):
                    put(name, number, row.video)
            if late is not None:
                for name, texts in _asked(state).items():
                    put(name, number, late(texts, state))
            if watch is not None:
                watch(number + 1, len(queries))
    return found


def answer_together(
    searcher: Searcher,
    queries: Sequence[Query],
    settings: Settings,
    folder: Path,
    watch: Watch | None = None,
) -> list[list[tuple[str, float]]]:
    """Return for each question the videos found with their scores, best first.

    Each score of Q2E is a softmax over the questions; the rule of fusion makes one of all, events
    having the weight of `decompose`. Raises QueryError for fewer than two questions.
    """
    plan = Plan.of(settings)
    if plan.calibrate is None or not plan.batch:
        raise ConfigError(f"calibrate = {plan.calibrate} answers one question at a time")
    if len(queries) < 2:
        plan.calibration(searcher.at)  # refuses
    if plan.feedback is not None or plan.rerank:
        raise ConfigError(
            "a batch is ranked by its scores alone: set  feedback = none  and  rerank = none"
        )
    found = raw_matrices(searcher, queries, settings, folder, watch)
    names = searcher.store.table().video_ids
    if not found:
        return [[] for _ in queries]
    late = plan.calibrate["texts"] == "late"
    heats = [
        plan.calibrate["late_temperature" if late and name != "video" else "temperature"]
        for name in found
    ]
    batch = registry().get("normalise", "batch")
    rows = normalise_each(
        np.stack(list(found.values())), [batch.choice({"temperature": heat}) for heat in heats]
    )
    weights = [plan.event_weight if name in EVENT_KINDS else 1.0 for name in found]
    fused = fuse_batch(rows, plan.fuse, weights)
    answers = []
    for number, line in enumerate(fused):
        known = set(np.flatnonzero(rows.present[:, number].any(axis=0)).tolist())
        order = [one for one in np.argsort(-line, kind="stable").tolist() if one in known]
        answers.append([(names[one], float(line[one])) for one in order[: settings.top]])
    return answers


def _score_of(row: ScoreRow) -> str | None:
    """Return the score of the paper that a row is of; None for those of words."""
    if row.how not in ("meaning", "picture"):
        return None
    return "video" if row.how == "picture" else row.part


def _asked(state: State) -> Mapping[str, list[str]]:
    """Return the texts that each score asks."""
    said = {kind: [one.text for one in state.decomposition.of_kind(kind)] for kind in EVENT_KINDS}
    return {"query": [state.question], **{kind: texts for kind, texts in said.items() if texts}}


def _late(
    searcher: Searcher, plan: Plan, folder: Path
) -> Callable[[Sequence[str], State], Float64] | None:
    """Return what scores texts by the MaxSim of tokens, None where cosines do."""
    if plan.calibrate is None or not plan.batch or plan.calibrate["texts"] != "late":
        return None
    encoder: TokenEncoder = token_encoder(searcher.models)
    tokens = Tokens.of(searcher.store, searcher.models.text.space, encoder, folder)
    table = searcher.store.table()

    def scored(texts: Sequence[str], state: State) -> Float64:
        asked: list[Float32] = encoder.encode_query_tokens(list(texts))
        owner = table.video.astype(np.int64)
        return tokens.scores(asked, owner, len(table.video_ids), state.mask)

    return scored
