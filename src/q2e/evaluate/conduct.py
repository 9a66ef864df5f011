"""Runs an experiment: every row once, kept by content so that a stopped one goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float64
from q2e.cache import content_key, write_whole
from q2e.errors import EvaluationError
from q2e.evaluate.compare import bootstrap, holm, randomisation_test
from q2e.evaluate.experiment import Experiment, Row
from q2e.evaluate.integrity import duplicates_between, queries_among
from q2e.evaluate.machine import machine
from q2e.evaluate.measures import Judged, Measure, judge, judge_matrix, summarise
from q2e.evaluate.run_checks import indexed_queries

if TYPE_CHECKING:
    from q2e.evaluate.datasets import Dataset
    from q2e.index import Index

#: Ranks up to which recall curves are drawn.
CURVE = 100
Watch = Callable[[str, int, int], None]


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole experiment: rows, subsets of scores, comparisons, warnings and the machine."""

    experiment: Experiment
    about: Mapping[str, Any]
    rows: tuple[Measured, ...]
    subsets: tuple[Measured, ...]
    differences: Mapping[str, Mapping[str, float]]
    """{row: value, low, high, p, p_holm} of the first measure against `compare_with`."""
    queries: Mapping[str, str]
    warnings: tuple[str, ...]
    machine: Mapping[str, Any]


def conduct(
    experiment: Experiment, out: Path, watch: Watch | None = None, keep: bool = True
) -> Outcome:
    """Run what is not in `out` already and return everything measured.

    Raises EvaluationError for a data set that is not usable, and for test videos that are in
    another split too; FusionError for matrices in different order.
    """
    out.mkdir(parents=True, exist_ok=True)
    if experiment.matrices:
        from q2e.evaluate.conduct_matrices import MatrixBench

        bench: Any = MatrixBench(experiment)
    else:
        from q2e.evaluate.conduct_index import IndexBench

        bench = IndexBench(experiment, out, watch)
    rows = [_kept(out, bench, row, watch, keep) for row in experiment.rows]
    parts = _subsets(out, bench, keep) if experiment.ablation else []
    return Outcome(
        experiment,
        bench.about,
        tuple(rows),
        tuple(parts),
        _differences(experiment, rows),
        bench.queries,
        tuple(bench.warnings),
        machine(),
    )


def _kept(out: Path, bench: Any, row: Row, watch: Watch | None, keep: bool) -> Measured:
    """Return a row from disk where the same was measured before, else measure it."""
    file = out / "rows" / f"{content_key(bench.state, repr(sorted(row.options.items())))[:16]}.json"
    if keep and file.exists():
        return Measured(**(json.loads(file.read_text("utf-8")) | {"name": row.name}))
    began = time.perf_counter()
    found: Measured = bench.measure(row, file.stem)
    spent = time.perf_counter() - began
    shape = shape_of(found) | {"seconds": round(spent, 2)}
    text = json.dumps(shape, ensure_ascii=False)
    write_whole(file, lambda handle: handle.write(text.encode()))
    return Measured(**shape)


def _subsets(out: Path, bench: Any, keep: bool) -> list[Measured]:
    ablation = bench.experiment.ablation
    key = content_key(bench.state, repr(ablation), str(bench.experiment.measures))[:16]
    file = out / "rows" / f"{key}.subsets.json"
    if keep and file.exists():
        return [Measured(**one) for one in json.loads(file.read_text("utf-8"))]
    found = list(bench.subsets())
    text = json.dumps([shape_of(one) for one in found], ensure_ascii=False)
    write_whole(file, lambda handle: handle.write(text.encode()))
    return found


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
        if not measure.kind.lower_is_better:
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


def _differences(experiment: Experiment, rows: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Compare the first measure of each row with the row named, corrected for their number."""
    measure = experiment.measures[0]
    base = next((row for row in rows if row.name == experiment.compare_with), None)
    others = [row for row in rows if row is not base]
    if base is None or measure.kind.lower_is_better or not others:
        return {}
    ours = np.array(list(base.per_query[str(measure)].values()))
    changes = [
        np.array([row.per_query[str(measure)][q] for q in base.per_query[str(measure)]]) - ours
        for row in others
    ]
    p_values = [randomisation_test(ours + change, ours) for change in changes]
    found = {}
    corrected = holm(p_values)
    for row, change, p, p_holm in zip(others, changes, p_values, corrected, strict=True):
        interval = bootstrap(change)
        found[row.name] = {
            "difference": interval.value,
            "low": interval.low,
            "high": interval.high,
            "p": p,
            "p_holm": p_holm,
            "gained": int((change > 0).sum()),
            "lost": int((change < 0).sum()),
        }
    return found


def check_queries(dataset: Dataset, index: Index, bank: Sequence[str]) -> Iterator[str]:
    """Yield what makes figures of an index too good, one sentence each.

    The product's bank of generic questions is fixed, so that one of them may happen to be asked;
    a bank of one's own that holds test queries is refused (`evaluate_matrices`).
    """
    seen = queries_among(dataset.queries, bank)
    if seen:
        yield (
            f"{len(seen)} queries, e.g. {dataset.queries[seen[0]]!r}, stand in the bank that "
            "normalises their scores"
        )
    yield from indexed_queries(dataset.queries, index)
    missing = [video for video in dataset.videos if index.store.video(video) is None]
    if missing:
        yield (
            f"{len(missing)} of {len(dataset.videos)} videos of the set are not in the index, e.g. "
            f"{missing[0]!r}: what is asked for them counts as not found"
        )


def check_splits(videos: Sequence[str], splits: Mapping[str, Path]) -> None:
    """Raise EvaluationError where test videos are in another split too."""
    if not splits:
        return
    listed = {name: path.read_text("utf-8-sig").split() for name, path in splits.items()}
    shared = duplicates_between(videos, listed)
    if shared:
        video, names = next(iter(shared.items()))
        raise EvaluationError(
            f"{len(shared)} test videos are in other splits too, e.g. {video!r} in "
            f"{', '.join(names)}; take them out of one"
        )
