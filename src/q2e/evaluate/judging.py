"""Where the relevant items of queries stand, in runs and in score matrices, and what that measures.

Pure functions; measures themselves are in `measures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.errors import EvaluationError
from q2e.evaluate.measures.base import Judged, Measure, mean, median

#: {query: {item: score}}, higher is better.
Run = Mapping[str, Mapping[str, float]]
#: {query: {item: relevance}}, relevant where above 0.
Qrels = Mapping[str, Mapping[str, int]]
#: How items of equal score in a matrix are ranked; `optimistic` only to reproduce others.
Ties = Literal["average", "pessimistic", "optimistic"]


def set_ranks(judged: Iterable[Judged]) -> dict[str, float]:
    """Return MeVTR's rank statistics of queries with several relevant items each.

    Mean and median over queries of the mean and median rank inside each query's set; queries
    without relevant items are left out. The set's recalls at k are `R@k` (mean share), `Success@k`
    (any) and `All@k` (all). Multi-event Video-Text Retrieval (Zhang et al. 2023).
    """
    sets = [one.ranks for one in judged if len(one.ranks)]
    inner = {"mean": [ranks.mean() for ranks in sets], "median": [np.median(r) for r in sets]}
    outer: dict[str, Callable[[Float64], float]] = {"mean": mean, "median": median}
    return {
        f"{over} of {name}s": combine(np.array(values, dtype=np.float64))
        for name, values in inner.items()
        for over, combine in outer.items()
    }


# -- runs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Measures of a run or matrix, with the value of every query and what was odd.

    `missing` are judged queries the run lacks: they count as 0 (rank infinity), never dropped.
    `unjudged` are queries of the run without qrels, `irrelevant` judged queries without any
    relevant item; the former are left out, the latter count as 0 as in trec_eval.
    """

    values: Mapping[str, float]
    per_query: Mapping[str, Mapping[str, float]]
    """{measure: {query: value}}."""
    missing: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    irrelevant: tuple[str, ...] = ()

    @property
    def n_queries(self) -> int:
        return len(next(iter(self.per_query.values()), {}))


def ranking(scores: Mapping[str, float]) -> list[str]:
    """Return items best first as trec_eval orders them.

    By score as a 32-bit number, descending, then by item id in byte order, descending; the order
    in which a file lists them means nothing.
    """
    with np.errstate(over="ignore"):
        values = np.array(list(scores.values()), dtype=np.float32).tolist()
    # Code points are in the order of their bytes in UTF-8.
    return [item for _, item in sorted(zip(values, scores, strict=True), reverse=True)]


def judge(scores: Mapping[str, float], relevance: Mapping[str, int]) -> Judged:
    """Return where the relevant items of one query stand in a ranked list."""
    place = dict(zip(ranking(scores), range(1, len(scores) + 1), strict=True))
    never = float("inf")
    found = sorted(
        [(place.get(item, never), -grade) for item, grade in relevance.items() if grade > 0]
    )
    ranks, losses = np.array(found, dtype=np.float64).reshape(-1, 2).T.copy()
    return Judged(ranks, -losses, -np.sort(losses))


def evaluate_run(run: Run, qrels: Qrels, measures: Sequence[Measure]) -> Evaluation:
    """Measure a run over every judged query.

    Raises EvaluationError where nothing is judged or run and qrels share no query.
    """
    if not qrels:
        raise EvaluationError("the qrels hold no query; nothing can be measured")
    if run and not any(query in qrels for query in run):
        raise EvaluationError(
            f"no query of the run is in the qrels (run has {next(iter(run))!r}, qrels "
            f"{next(iter(qrels))!r}, ...); are these the same queries?"
        )
    judged = {query: judge(run.get(query, {}), relevance) for query, relevance in qrels.items()}
    return summarise(
        judged,
        measures,
        missing=tuple(query for query in qrels if query not in run),
        unjudged=tuple(query for query in run if query not in qrels),
    )


def summarise(
    judged: Mapping[str, Judged],
    measures: Sequence[Measure],
    *,
    missing: tuple[str, ...] = (),
    unjudged: tuple[str, ...] = (),
) -> Evaluation:
    """Return the measures of judged queries."""
    per_query = {
        str(measure): {query: measure(one) for query, one in judged.items()} for measure in measures
    }
    values = {
        str(measure): measure.of_all(judged.values())
        if measure.pooled
        else measure.overall(per_query[str(measure)].values())
        for measure in measures
    }
    irrelevant = tuple(query for query, one in judged.items() if not len(one.ranks))
    return Evaluation(values, per_query, missing, unjudged, irrelevant)


# -- matrices ---------------------------------------------------------------------------------


def judge_matrix(
    scores: ArrayLike, relevance: ArrayLike | None = None, ties: Ties = "average"
) -> list[Judged]:
    """Return where the relevant items of each row of a (Q, V) score matrix stand.

    `relevance` (Q, V) holds grades, relevant above 0; without it the matrix must be square and
    its diagonal is relevant. Among n items of equal score, r of them relevant, the j-th relevant
    one has place j (n + 1) / (r + 1) by `average` (its expected place), n - r + j by
    `pessimistic`, j by `optimistic`; never the order of the array. Missing scores (NaN) come
    last, all tied. Transpose both matrices for the other direction.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise EvaluationError(f"a score matrix is (queries, items), got shape {table.shape}")
    if relevance is None and table.shape[0] != table.shape[1]:
        raise EvaluationError(
            f"a {table.shape[0]} x {table.shape[1]} matrix has no diagonal of relevant items; "
            "say which items are relevant"
        )
    grades = np.eye(len(table)) if relevance is None else np.asarray(relevance, dtype=np.float64)
    if grades.shape != table.shape:
        raise EvaluationError(f"relevance must be {table.shape} as the scores, got {grades.shape}")
    table = np.where(np.isnan(table), -np.inf, table)
    return [_judge_row(row, grade, ties) for row, grade in zip(table, grades, strict=True)]


def _judge_row(row: Float64, grade: Float64, ties: Ties) -> Judged:
    relevant = np.flatnonzero(grade > 0)
    order = relevant[np.argsort(-row[relevant], kind="stable")]
    gains = grade[order]
    ranks = np.empty(len(order))
    for value in dict.fromkeys(row[order].tolist()):
        group = np.flatnonzero(row[order] == value)
        above, tied, hits = int((row > value).sum()), int((row == value).sum()), len(group)
        place = np.arange(1, hits + 1)
        ranks[group] = (
            above
            + {
                "average": place * (tied + 1) / (hits + 1),
                "pessimistic": tied - hits + place,
                "optimistic": place,
            }[ties]
        )
        gains[group] = gains[group].mean()
    return Judged(ranks, gains, -np.sort(-grade[relevant]))
