"""Runs an experiment: every row once, kept by content so that a stopped one goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.cache import Fingerprint, write_whole
from q2e.evaluate.compare import bootstrap, holm, randomisation_test
from q2e.evaluate.conduct_index import IndexBench
from q2e.evaluate.conduct_matrices import MatrixBench
from q2e.evaluate.experiment import Experiment, Row, Watch
from q2e.evaluate.machine import machine
from q2e.evaluate.measured import Measured, shape_of

_Bench = IndexBench | MatrixBench


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
        bench: _Bench = MatrixBench(experiment)
    else:
        bench = IndexBench(experiment, out, watch)
    # All of them first, so that a setting which is not allowed is refused before hours of work.
    prints = [bench.fingerprint(row) for row in experiment.rows]
    rows = [
        _kept(out, bench, row, which, keep)
        for row, which in zip(experiment.rows, prints, strict=True)
    ]
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


def _kept(out: Path, bench: _Bench, row: Row, which: Fingerprint, keep: bool) -> Measured:
    """Return a row from disk where the same was measured by the same code, else measure it."""
    file = out / "rows" / f"{which.key[:16]}.json"
    if keep and file.exists():
        return Measured(**(json.loads(file.read_text("utf-8")) | {"name": row.name}))
    began = time.perf_counter()
    found = bench.measure(row, file.stem)
    spent = time.perf_counter() - began
    shape = shape_of(found) | {"seconds": round(spent, 2)}
    text = json.dumps(shape, ensure_ascii=False)
    write_whole(file, lambda handle: handle.write(text.encode()))
    return Measured(**shape)


def _subsets(out: Path, bench: _Bench, keep: bool) -> list[Measured]:
    ablation = bench.experiment.ablation
    first = bench.fingerprint(bench.experiment.rows[0])
    which = replace(first, parent=first.key, method=f"subsets of {ablation!r}")
    file = out / "rows" / f"{which.key[:16]}.subsets.json"
    if keep and file.exists():
        return [Measured(**one) for one in json.loads(file.read_text("utf-8"))]
    found = list(bench.subsets())
    text = json.dumps([shape_of(one) for one in found], ensure_ascii=False)
    write_whole(file, lambda handle: handle.write(text.encode()))
    return found


def _differences(experiment: Experiment, rows: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Compare the first measure of each row with the row named, corrected for their number."""
    measure = experiment.measures[0]
    base = next((row for row in rows if row.name == experiment.compare_with), None)
    others = [row for row in rows if row is not base]
    if base is None or measure.lower_is_better or not others:
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
