"""Puts the videos found in order: best first, copies as one."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Int64
from q2e.search.duplicates import merged
from q2e.search.kept import Kept
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.search.witness import Witness


@stage(reads=("rows", "fusion", "score", "found", "alarm"), writes=("ranking", "also", "witness"))
def rank(state: State) -> State:
    """Rank what was found; equal scores are told apart by the video's id.

    With the setting `confident` only what chance would hardly find is ranked.
    """
    settings, table = state.plan.settings, state.at.table
    present = np.flatnonzero(state.found)
    # Never by the order of indexing, so that pages stay where they are.
    names = np.array(table.video_ids)[present]
    ranking = present[np.lexsort((names, -state.score[present]))].astype(np.int64)
    also: dict[int, list[int]] = {}
    if settings.duplicates != "keep":
        ranking, also = without_copies(state.at.kept, ranking, state.plan.offset + settings.top)
    if state.alarm is not None and settings.confident:
        ranking = ranking[state.alarm[ranking] <= settings.false_alarms]
    return state.writing(
        ranking=ranking,
        also=also,
        witness=Witness(state.at.store, table, state.rows, state.fusion),
    )


def without_copies(kept: Kept, ranking: Int64, wanted: int) -> tuple[Int64, dict[int, list[int]]]:
    """Return a ranking whose first `wanted` are no copies of better ones, and what was left out.

    Copies of one another further down stay: to find all would take time that grows with the square
    of the collection.
    """
    window = wanted
    while True:
        order, also = merged(ranking, kept.copies_of(ranking[:window]))
        left_out = sum(map(len, also.values()))
        if window >= len(ranking) or window - left_out >= wanted:
            return order, also
        window *= 2
