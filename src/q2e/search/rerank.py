"""Hands the best videos of a ranking to strategies that rank them again."""

from __future__ import annotations

import numpy as np

from q2e.methods.rerank.base import Candidate, depth_of
from q2e.methods.rerank.base import rerank as rate
from q2e.registry import Choice
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.search.witness import shown_text
from q2e.types import Query

#: Texts of a candidate that a strategy reads, at most.
TEXTS = 4


@stage(
    reads=("question", "score", "ranking", "witness", "lent", "looks"),
    writes=("ranking", "lent", "looks"),
)
def rerank(state: State) -> State:
    """Rank the first videos again, by each strategy in turn; they change places alone."""
    for strategy in state.plan.rerank:
        state = _again(state, strategy)
    return state


def _again(state: State, strategy: Choice) -> State:
    """Rank as many again as one strategy is shown."""
    table, total, witness = state.at.table, state.total, state.witness
    best = state.ranking[: depth_of(strategy)]
    witness.locate(best.tolist())
    # What the answers of all of them tell is read at once.
    witness.evidence([row for video in best.tolist() for row, _ in witness.best(video) if row >= 0])
    known = state.at.store.several([table.video_ids[number] for number in best.tolist()])
    candidates = []
    for number in best.tolist():
        video = known.get(table.video_ids[number])
        if video is None:
            raise LookupError(f"the store's table names a video it lacks: row {number}")
        lines = map(shown_text, witness.answers(number, TEXTS))
        texts = tuple(line for line in lines if line)
        candidates.append(Candidate(video, float(total[number]), texts))
    decomposer = state.at.decomposer(state.plan)
    found = rate(
        strategy,
        state.question,
        candidates,
        state.plan.settings,
        state.at.models,
        state.at.store,
        lambda question: decomposer.decompose(Query(question)),
    )
    lent = np.zeros(len(table.video_ids))
    lent[best] = found.lent
    ranking = state.ranking.copy()
    ranking[: len(best)] = best[np.argsort(-(total[best] + found.lent), kind="stable")]
    return state.writing(
        ranking=ranking, lent=(*state.lent, lent), looks=(*state.looks, found.info)
    )
