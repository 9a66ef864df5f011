"""Adds to a question what an answer to it might say."""

from __future__ import annotations

import numpy as np

from q2e.methods.expand.base import Found
from q2e.methods.expand.base import expand as added
from q2e.methods.expand.lamer import rarity
from q2e.registry import Choice
from q2e.search.calibrate import calibrate
from q2e.search.encode import encode
from q2e.search.score import score
from q2e.search.stage import stage
from q2e.search.state import State

#: Lines of evidence that a first search finds, unless the way says how many it reads.
LINES = 10


@stage(
    reads=("query", "question", "shown", "mask", "decomposition", "form", "expansions"),
    writes=("expansions",),
)
def expand(state: State) -> State:
    """Expand a question in each way of the plan; some look at what a plain search finds."""
    if state.shown:
        return state
    model = state.at.language_model(state.plan.settings)
    ways = state.plan.expand
    most = max((_lines(way) for way in ways if way.method.facts.get("reads")), default=0)
    found = _found(state, most) if most else None
    return state.writing(
        expansions=tuple(added(way, state.decomposition, model, found) for way in ways)
    )


def _lines(way: Choice) -> int:
    return int(way["lines"]) if "lines" in way.method.parameters else LINES


def _found(state: State, most: int) -> Found:
    """Return at most so many lines of the best evidence over all rows of the question itself."""
    first = calibrate.run(score.run(encode.run(state)))
    own = [row for row in first.rows if row.part == "query" and len(row.rows)]
    if not own:
        return Found()
    store = state.at.store
    places = np.concatenate([row.rows for row in own])
    scores = np.concatenate([row.scores for row in own])
    best = list(dict.fromkeys(places[np.argsort(-scores, kind="stable")].tolist()))
    evidence = store.evidence(best[: 2 * most])
    total = len(state.at.table)

    def how_rare(word: str) -> float:
        return rarity(len(store.lexical([word])[0]), total)

    told = [one for one in evidence if one.text][:most]
    videos = dict.fromkeys(one.video for one in told)
    return Found(tuple(one.text for one in told), how_rare, tuple(videos))
