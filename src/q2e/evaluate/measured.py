"""What one row of an experiment measured: over all queries, by group, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.compare import bootstrap
from q2e.evaluate.experiment import Row
from q2e.evaluate.judging import judge, judge_matrix, summarise
from q2e.evaluate.measures import Judged, Measure

#: Ranks up to which recall curves are drawn.
CURVE = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of a table: its measures over all queries and by group, and what it rests on."""

    name: str
    options: Mapping[str, Any]
    values: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    per_query: Mapping[str, Mapping[str, float]]
    groups: Mapping[str, Mapping[str, float]]
    curve: Sequence[float]
    """Success@k for k = 1, 2, ..."""
    transductive: bool = False
    backward: Mapping[str, float] = field(default_factory=dict)
    """Measures of the other direction, videos to texts, where matrices give them."""
    seconds: float = 0.0
    notes: Sequence[str] = ()


def shape_of(one: Measured) -> dict[str, Any]:
    """Return a row as JSON holds it; ranks of what was never found are null."""
    return {
        "name": one.name,
        "options": {name: _plain(value) for name, value in one.options.items()},
        "values": one.values,
        "intervals": {name: list(bounds) for name, bounds in one.intervals.items()},
        "per_query": one.per_query,
        "groups": one.groups,
        "curve": [round(value, 4) for value in one.curve],
        "transductive": one.transductive,
        "backward": one.backward,
        "seconds": one.seconds,
        "notes": list(one.notes),
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def measured(
    row: Row,
    judged: Mapping[str, Judged],
    measures: Sequence[Measure],
    groups: Mapping[str, str],
    **more: Any,
) -> Measured:
    """Return the measures of judged queries, over all and by group, with intervals and curve."""
    found = summarise(judged, measures)
    intervals = {}
    for measure in measures:
        if not measure.lower_is_better:
            one = bootstrap(list(found.per_query[str(measure)].values()))
            intervals[str(measure)] = (one.low, one.high)
    by_group = {
        group: summarise(
            {query: one for query, one in judged.items() if groups.get(query) == group}, measures
        ).values
        for group in sorted(set(groups.values()))
    }
    first = np.array([one.ranks[0] if len(one.ranks) else np.inf for one in judged.values()])
    curve = [float((first <= k).mean()) for k in range(1, CURVE + 1)]
    return Measured(
        row.name, row.options, found.values, intervals, found.per_query, by_group, curve, **more
    )


def judge_matrices(fused: Float64, relevance: Float64 | None, names: Sequence[str]) -> Any:
    """Return {query: Judged} of a fused matrix, ties by average rank."""
    return dict(zip(names, judge_matrix(fused, relevance), strict=True))


def judge_run(
    run: Mapping[str, Mapping[str, float]], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, Judged]:
    """Return {query: Judged} of every judged query; those the run lacks found nothing."""
    return {query: judge(run.get(query, {}), items) for query, items in qrels.items()}
