"""How good a ranking is: measures over runs and over score matrices; pure functions.

Every measure is computed from the ranks of a query's relevant items (`Judged`), so runs and
matrices share one definition. Values are fractions: 0.48 is what papers print as 48.0.

Naming trap: video papers write R@k for the share of queries with a relevant item among the
first k. That is `Success@k` here; `R@k` is true recall, the share of a query's relevant items
found. With one relevant item a query they are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.errors import EvaluationError

#: {query: {item: score}}, higher is better.
Run = Mapping[str, Mapping[str, float]]
#: {query: {item: relevance}}, relevant where above 0.
Qrels = Mapping[str, Mapping[str, int]]
#: How items of equal score in a matrix are ranked; `optimistic` only to reproduce others.
Ties = Literal["average", "pessimistic", "optimistic"]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Where the relevant items of one query ended.

    `ranks` (n,) ascending from 1 (inf where not retrieved, fractional where ties share a rank),
    `gains` (n,) their relevances, `ideal` (n,) the same relevances, largest first.
    """

    ranks: Float64
    gains: Float64
    ideal: Float64


def _within(judged: Judged, k: float) -> int:
    return int((judged.ranks <= k).sum())


def success(judged: Judged, k: float) -> float:
    """1 where any relevant item is among the first k: hit rate, R@k of video papers."""
    return float(_within(judged, k) > 0)


def recall(judged: Judged, k: float) -> float:
    """Share of the relevant items among the first k: true recall; MeVTR's hit ratio."""
    return _within(judged, k) / len(judged.ranks) if len(judged.ranks) else 0.0


def everything(judged: Judged, k: float) -> float:
    """1 where all relevant items are among the first k; MeVTR's worst case."""
    return float(0 < len(judged.ranks) == _within(judged, k))


def precision(judged: Judged, k: float) -> float:
    """Relevant items among the first k, over k even where fewer were retrieved (trec_eval P)."""
    return _within(judged, k) / k


def reciprocal_rank(judged: Judged, k: float) -> float:
    """1 / rank of the first relevant item, 0 beyond k (trec_eval recip_rank)."""
    return float(1.0 / judged.ranks[0]) if _within(judged, k) else 0.0


def average_precision(judged: Judged, k: float) -> float:
    """Mean, over all relevant items, of precision at their ranks up to k (trec_eval map_cut)."""
    found = judged.ranks[: _within(judged, k)]
    total = float((np.arange(1, len(found) + 1) / found).sum())
    return total / len(judged.ranks) if len(judged.ranks) else 0.0


def ndcg(judged: Judged, k: float) -> float:
    """Sum of gain / log2(rank + 1) over its ideal value, gain = relevance (trec_eval ndcg_cut)."""
    return _ndcg(judged, k, judged.gains, judged.ideal)


def ndcg_exp(judged: Judged, k: float) -> float:
    """As `ndcg` with gain = 2 ** relevance - 1 (Burges et al. 2005)."""
    return _ndcg(judged, k, np.exp2(judged.gains) - 1, np.exp2(judged.ideal) - 1)


def _ndcg(judged: Judged, k: float, gains: Float64, ideal: Float64) -> float:
    kept = judged.ranks <= k
    found = float((gains[kept] / np.log2(judged.ranks[kept] + 1)).sum())
    places = np.arange(1, len(ideal) + 1, dtype=np.float64)
    best = float((ideal / np.log2(places + 1))[places <= k].sum())
    return found / best if best > 0 else 0.0


def first_rank(judged: Judged, k: float) -> float:
    """Rank of the first relevant item, inf where none was retrieved."""
    return float(judged.ranks[0]) if len(judged.ranks) else float("inf")


def recall_sum(judged: Judged, k: float) -> float:
    """Success@1 + @5 + @10, the R@k of video papers; 0 to 3 here, 0 to 300 in papers."""
    return sum(success(judged, cut) for cut in (1, 5, 10))


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of measures as data."""

    formula: Callable[[Judged, float], float]
    cutoff: Literal["needed", "optional", "none"]
    overall: Callable[[Float64], float]
    """Makes one number of the queries' values."""
    lower_is_better: bool = False


def _mean(values: Float64) -> float:
    return float(values.mean()) if len(values) else 0.0


def _median(values: Float64) -> float:
    return float(np.median(values)) if len(values) else float("inf")


#: Measures by name, in the order in which they are shown.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "Success": Kind(success, "needed", _mean),
        "R": Kind(recall, "needed", _mean),
        "All": Kind(everything, "needed", _mean),
        "P": Kind(precision, "needed", _mean),
        "MRR": Kind(reciprocal_rank, "optional", _mean),
        "MAP": Kind(average_precision, "optional", _mean),
        "nDCG": Kind(ndcg, "optional", _mean),
        "nDCGexp": Kind(ndcg_exp, "optional", _mean),
        "MdR": Kind(first_rank, "none", _median, lower_is_better=True),
        "MnR": Kind(first_rank, "none", _mean, lower_is_better=True),
        "RSum": Kind(recall_sum, "none", _mean),
    }
)
_ALIASES = {"rr": "MRR", "ap": "MAP", "hit": "Success", "recall": "R", "r-sum": "RSum"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure with its cut-off; its text is what `parse_measures` reads."""

    name: str
    cutoff: int | None = None

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def __call__(self, judged: Judged) -> float:
        return self.kind.formula(judged, float("inf") if self.cutoff is None else self.cutoff)


def parse_measures(text: str) -> tuple[Measure, ...]:
    """Return the measures of a list such as `"nDCG@10,R@1,Success@5,MRR,MdR"`.

    Names are taken in any case; `RR`, `AP` and `Hit` are read as MRR, MAP and Success. Repeated
    measures count once. Raises EvaluationError with the measures there are.
    """
    names = {name.lower(): name for name in KINDS} | _ALIASES
    known = ", ".join(
        name + {"needed": "@k", "optional": "[@k]", "none": ""}[kind.cutoff]
        for name, kind in KINDS.items()
    )
    measures: dict[Measure, None] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([A-Za-z-]+)(?:@([0-9]+))?", word)
        name = names.get(match[1].lower()) if match else None
        if not match or name is None:
            raise EvaluationError(f"unknown measure {word!r}; known: {known}")
        cutoff = int(match[2]) if match[2] else None
        rule = KINDS[name].cutoff
        if cutoff == 0 or (rule == "needed" and not cutoff) or (rule == "none" and cutoff):
            raise EvaluationError(f"measure {word!r} has no usable cut-off; known: {known}")
        measures[Measure(name, cutoff)] = None
    if not measures:
        raise EvaluationError(f"no measure given; known: {known}")
    return tuple(measures)


def set_ranks(judged: Iterable[Judged]) -> dict[str, float]:
    """Return MeVTR's rank statistics of queries with several relevant items each.

    Mean and median over queries of the mean and median rank inside each query's set; queries
    without relevant items are left out. The set's recalls at k are `R@k` (mean share), `Success@k`
    (any) and `All@k` (all). Multi-event Video-Text Retrieval (Zhang et al. 2023).
    """
    sets = [one.ranks for one in judged if len(one.ranks)]
    inner = {"mean": [ranks.mean() for ranks in sets], "median": [np.median(r) for r in sets]}
    outer: dict[str, Callable[[Float64], float]] = {"mean": _mean, "median": _median}
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
        values = dict(zip(scores, np.array(list(scores.values()), dtype=np.float32), strict=True))
    return sorted(
        scores,
        key=lambda item: (values[item], item.encode("utf-8", "surrogatepass")),
        reverse=True,
    )


def judge(scores: Mapping[str, float], relevance: Mapping[str, int]) -> Judged:
    """Return where the relevant items of one query stand in a ranked list."""
    place = {item: rank for rank, item in enumerate(ranking(scores), start=1)}
    found = sorted(
        (place.get(item, float("inf")), -grade) for item, grade in relevance.items() if grade > 0
    )
    gains = np.array([-grade for _, grade in found], dtype=np.float64)
    ranks = np.array([rank for rank, _ in found], dtype=np.float64)
    return Judged(ranks, gains, -np.sort(-gains))


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
        str(measure): overall(measure, per_query[str(measure)].values()) for measure in measures
    }
    irrelevant = tuple(query for query, one in judged.items() if not len(one.ranks))
    return Evaluation(values, per_query, missing, unjudged, irrelevant)


def overall(measure: Measure, values: Iterable[float]) -> float:
    """Return one number for a measure's values over queries: their mean, the median for MdR."""
    return measure.kind.overall(np.fromiter(values, dtype=np.float64))


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
