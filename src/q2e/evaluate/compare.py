"""Whether one run is better than another: paired tests, intervals and who gained and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from q2e.arrays import Float64
from q2e.errors import EvaluationError
from q2e.evaluate.judging import Evaluation, Qrels, Run, evaluate_run
from q2e.evaluate.measures import Measure

#: Signs that are widened to double precision at once.
_WIDENED = 400_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap(values: ArrayLike, *, level: float = 0.95, draws: int = 2_000) -> Interval:
    """Return the mean of per-query values (n,) with its percentile bootstrap interval.

    Queries are drawn anew with replacement `draws` times; the draw is fixed, so figures repeat.
    Infinite values (ranks of what was never found) make the interval infinite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample):
        raise EvaluationError("an interval needs at least one query")
    if not np.isfinite(sample).all():
        return Interval(float("inf"), float("inf"), float("inf"))
    random = np.random.default_rng(0)
    size = max(1, min(draws, 4_000_000 // len(sample)))
    means = np.concatenate(
        [
            sample[random.integers(0, len(sample), (min(size, draws - done), len(sample)))].mean(1)
            for done in range(0, draws, size)
        ]
    )
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(sample.mean()), float(low), float(high))


def randomisation_test(one: ArrayLike, other: ArrayLike, *, draws: int = 20_000) -> float:
    """Return the two-sided p value that paired per-query values (n,) differ in mean by chance.

    Each query's difference keeps or changes its sign at random (Fisher; Smucker et al. 2007):
    all 2 ** n ways up to 14 queries that differ, else `draws` of them, the observed one counted.
    """
    difference = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    if not np.isfinite(difference).all():
        raise EvaluationError("a paired test needs finite values; compare another measure")
    difference = difference[difference != 0]  # queries that agree change no sum
    size = len(difference)
    if not size:
        return 1.0
    observed = abs(difference.sum()) * (1 - 1e-12)
    if size <= 14:
        codes = np.arange(2**size)[:, None] >> np.arange(size)
        return float((np.abs(_summed(codes & 1, difference)) >= observed).mean())
    random = np.random.default_rng(0)
    extreme, block = 0, max(1, 4_000_000 // size)
    for done in range(0, draws, block):
        flips = random.integers(0, 2, (min(block, draws - done), size), dtype=np.int8)
        extreme += int((np.abs(_summed(flips, difference)) >= observed).sum())
    return (extreme + 1) / (draws + 1)


def _summed(flips: NDArray[Any], difference: Float64) -> Float64:
    """Return the sums (n,) of differences whose sign is kept where a flip (n, size) is 1, not 0.

    Some rows at a time are widened, few enough to stay in the processor's cache.
    """
    rows = max(1, _WIDENED // len(difference))
    sums = [
        flips[start : start + rows].astype(np.float64) @ difference
        for start in range(0, len(flips), rows)
    ]
    return np.asarray(2 * np.concatenate(sums) - difference.sum())


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number by Holm's step-down method (1979)."""
    order = np.argsort(p_values, kind="stable")
    corrected, highest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = highest
    return corrected


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of two runs: b against a."""

    measure: str
    a: Interval
    b: Interval
    difference: Interval
    p_value: float
    p_holm: float
    """Corrected for all measures compared together."""
    gained: tuple[tuple[str, float, float], ...]
    """(query, a, b) of queries where b is better, largest gain first."""
    lost: tuple[tuple[str, float, float], ...]
    equal: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the same judged queries, with the queries each lacks (they count as 0)."""

    differences: tuple[Difference, ...]
    n_queries: int
    missing_a: tuple[str, ...]
    missing_b: tuple[str, ...]


def compare_runs(a: Run, b: Run, qrels: Qrels, measures: Sequence[Measure]) -> Comparison:
    """Compare two runs query by query over every judged query.

    A query that a run lacks counts as 0 for it and is reported. Raises EvaluationError for
    measures that are ranks: a query that was never found has none, so no mean difference exists.
    """
    for measure in measures:
        if measure.lower_is_better:
            raise EvaluationError(
                f"measure {measure} cannot be compared query by query; use MRR or Success@k"
            )
    first, second = (evaluate_run(run, qrels, measures) for run in (a, b))
    pairs = [_values(first, second, str(measure)) for measure in measures]
    p_values = [randomisation_test(two, one) for _, one, two in pairs]
    differences = tuple(
        _difference(str(measure), *pair, p, corrected)
        for measure, pair, p, corrected in zip(
            measures, pairs, p_values, holm(p_values), strict=True
        )
    )
    return Comparison(differences, first.n_queries, first.missing, second.missing)


def _values(
    first: Evaluation, second: Evaluation, measure: str
) -> tuple[list[str], Float64, Float64]:
    one: Mapping[str, float] = first.per_query[measure]
    two: Mapping[str, float] = second.per_query[measure]
    queries = list(one)
    return queries, np.array([one[q] for q in queries]), np.array([two[q] for q in queries])


def _difference(
    measure: str, queries: list[str], one: Float64, two: Float64, p: float, corrected: float
) -> Difference:
    change = two - one
    rows = [(queries[i], float(one[i]), float(two[i])) for i in np.argsort(-change, kind="stable")]
    return Difference(
        measure,
        bootstrap(one),
        bootstrap(two),
        bootstrap(change),
        p,
        corrected,
        tuple(row for row in rows if row[2] > row[1]),
        tuple(row for row in reversed(rows) if row[2] < row[1]),
        int((change == 0).sum()),
    )
