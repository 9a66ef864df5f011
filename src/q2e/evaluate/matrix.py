"""Measures score matrices from files: load, check that they fit, normalise, fuse, measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64
from q2e.errors import EvaluationError
from q2e.evaluate.agreement import check_ids, check_matrices
from q2e.evaluate.compare import Interval, bootstrap
from q2e.evaluate.judging import Evaluation, Ties, judge_matrix, summarise
from q2e.evaluate.measures import Judged, Measure, parse_measures
from q2e.evaluate.way import Heats, Way, way
from q2e.methods.fuse.base import fuse_batch
from q2e.methods.normalise.base import Normalised, normalise, transductive
from q2e.registry import Choice

#: What video papers print.
MATRIX_MEASURES = "Success@1,Success@5,Success@10,R@1,R@5,R@10,MRR,MdR,MnR,RSum"


@dataclass(frozen=True, slots=True)
class MatrixReport:
    """Measures of one fused matrix in both directions, and what a reader must know about it."""

    queries_to_items: Evaluation
    items_to_queries: Evaluation
    intervals: dict[str, Interval]
    """{measure: 95 % bootstrap interval over queries} of the first direction, means only."""
    transductive: bool
    notes: tuple[str, ...]
    fused: Float64


def load_matrix(path: Path) -> Float64:
    """Return the (Q, V) scores of a `.npy` file; NaN is missing.

    Raises EvaluationError where the file is no matrix of finite numbers or NaN.
    """
    try:
        table = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise EvaluationError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise EvaluationError(f"{path}: not a .npy matrix ({error})") from None
    if not isinstance(table, np.ndarray) or table.ndim != 2 or table.dtype.kind not in "fiub":
        raise EvaluationError(f"{path}: expected one matrix of numbers, queries x items")
    if not table.size:
        raise EvaluationError(f"{path}: the matrix is empty, {table.shape}")
    scores = table.astype(np.float64)
    if np.isinf(scores).any():
        raise EvaluationError(f"{path}: holds infinite scores; use NaN for missing ones")
    return scores


def load_ids(path: Path) -> list[str]:
    """Return the ids of a text file, one a line. Raises EvaluationError for empty or repeated."""
    try:
        ids = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    seen: dict[str, int] = {}
    for number, name in enumerate(ids, start=1):
        if not name.strip():
            raise EvaluationError(f"{path}, line {number}: empty id")
        if name in seen:
            raise EvaluationError(
                f"{path}, line {number}: {name!r} stands in line {seen[name]} too"
            )
        seen[name] = number
    return ids


def evaluate_matrices(
    matrices: Sequence[ArrayLike],
    *,
    relevance: ArrayLike | None = None,
    ids: Sequence[Sequence[str]] = (),
    banks: Sequence[ArrayLike] = (),
    rule: str = "entropy",
    mode: str = "none",
    temperature: Heats = None,
    weights: ArrayLike | None = None,
    correction: str | None = None,
    after: str | None = None,
    ties: Ties = "average",
    measures: Sequence[Measure] | None = None,
) -> MatrixReport:
    """Normalise, fuse and measure score matrices (Q, V); the diagonal is relevant by default.

    `rule` and `mode` name methods of the kinds `fuse` and `normalise`; see `way` for
    `temperature`, `correction` and `after`. `ids` are lists of item ids, one per matrix. Mode
    `bank` corrects by `banks`, the scores (B, V) that other queries give the same items, one per
    matrix; without them the queries are dealt into two halves that serve as each other's bank,
    repeated queries together. One matrix is measured as it is after normalisation. Items that
    answer no query are not asked for queries.

    Raises FusionError where matrices do not describe the same items in the same order,
    EvaluationError where relevance or banks do not fit, and where test queries stand in a bank,
    ConfigError for an unknown rule or mode.
    """
    chosen = way(rule, mode, temperature, correction, after)
    transform = chosen.transform
    over_bank = transform is not None and transform.method.facts["over"] == "bank"
    wanted = parse_measures(MATRIX_MEASURES) if measures is None else tuple(measures)
    tables = [np.asarray(matrix, dtype=np.float64) for matrix in matrices]
    if not tables:
        raise EvaluationError("no score matrix given")
    if ids and len(ids) != len(tables):
        raise EvaluationError(f"{len(tables)} matrices need as many id lists, got {len(ids)}")
    for number, names in enumerate(ids, start=1):
        if len(names) != tables[0].shape[1]:
            raise EvaluationError(
                f"id list {number} has {len(names)} ids for {tables[0].shape[1]} items"
            )
    if len(ids) == len(tables):
        check_ids(*(list(names) for names in ids))
    check_matrices(*tables)
    stack = np.stack(tables)
    if banks and not over_bank:
        raise EvaluationError(f"banks are of use to normalisation 'bank' alone, not to {mode!r}")
    if banks:
        rows = _banked(stack, banks, transform)
    elif over_bank:
        rows = _cross_bank(stack, transform)
    else:
        rows = chosen.normalised(stack)
    fused = rows.value[0] if len(tables) == 1 else fuse_batch(rows, chosen.rule, weights)
    fused = chosen.finished(fused)
    judged = judge_matrix(fused, relevance, ties)
    back = judge_matrix(*_turned(fused, relevance), ties)
    forward = summarise(_named(judged), wanted)
    return MatrixReport(
        forward,
        summarise(_named(back), wanted),
        {
            str(measure): bootstrap(list(forward.per_query[str(measure)].values()))
            for measure in wanted
            if not measure.lower_is_better
        },
        chosen.transductive,
        tuple(_notes(stack, fused, relevance, chosen, bool(banks), ties, judged)),
        fused,
    )


def _turned(fused: Float64, relevance: ArrayLike | None) -> tuple[Float64, ArrayLike | None]:
    """Return scores and relevance of the other direction, of items that answer a query."""
    if relevance is None:
        return fused.T, None
    grades = np.asarray(relevance)
    asked = (grades > 0).any(axis=0)
    return fused[:, asked].T, grades[:, asked].T


def _named(judged: Sequence[Judged]) -> dict[str, Judged]:
    return {str(number): one for number, one in enumerate(judged)}


def query_groups(stack: Float64) -> Int64:
    """Return (Q,) a number per query, equal where two queries have the same scores throughout."""
    rows = np.ascontiguousarray(np.moveaxis(stack, 1, 0)).reshape(stack.shape[1], -1)
    _, group = np.unique(np.nan_to_num(rows, nan=np.inf), axis=0, return_inverse=True)
    return np.asarray(group.reshape(-1), dtype=np.int64)


def _cross_bank(stack: Float64, transform: Choice | None) -> Normalised:
    """Normalise each half of the queries by a bank of the other half."""
    groups = query_groups(stack)
    first = np.random.default_rng(0).permutation(groups.max() + 1)[groups] % 2 == 0
    if first.all() or not first.any():
        raise EvaluationError("normalisation 'bank' needs two different queries, one as the bank")
    whole = Normalised(
        np.empty(stack.shape),
        ~np.isnan(stack),
        np.empty(stack.shape[:2], dtype=np.bool_),
    )
    for half in (first, ~first):
        part = normalise(stack[:, half], transform, bank=stack[:, ~half])
        whole.value[:, half], whole.dead[:, half] = part.value, part.dead
    return whole


def _banked(stack: Float64, banks: Sequence[ArrayLike], transform: Choice | None) -> Normalised:
    """Normalise by banks from outside, which must not hold the queries under test."""
    if len(banks) != len(stack):
        raise EvaluationError(f"{len(stack)} matrices need as many banks, got {len(banks)}")
    tables = [np.asarray(bank, dtype=np.float64) for bank in banks]
    for number, (bank, table) in enumerate(zip(tables, stack, strict=True), start=1):
        if bank.shape != tables[0].shape or bank.shape[1] != table.shape[1]:
            raise EvaluationError(
                f"bank {number} is {bank.shape}; a bank is (queries, {table.shape[1]} items), and "
                "all banks are of the same queries"
            )
        both = query_groups(np.concatenate([bank, table])[None])
        seen = np.isin(both[len(bank) :], both[: len(bank)])
        if seen.any():
            raise EvaluationError(
                f"{int(seen.sum())} test queries stand in bank {number} too, the first is row "
                f"{int(seen.argmax())}: what normalises their scores must not have seen them"
            )
    return normalise(stack, transform, bank=np.stack(tables))


def _notes(
    stack: Float64,
    fused: Float64,
    relevance: ArrayLike | None,
    chosen: Way,
    banked: bool,
    ties: Ties,
    judged: Sequence[Judged],
) -> list[str]:
    notes = []
    transform = chosen.transform
    if chosen.transductive:
        last = transform if transductive(transform) else chosen.after
        notes.append(
            f"transductive: normalisation {str(last)!r} looks at all test queries together; "
            "a single query cannot be answered this way"
        )
    if banked:
        transform = None
    if transform is not None and transform.method.facts["over"] == "bank":
        notes.append("the bank of each half of the test queries is the other half")
    repeated = stack.shape[1] - (int(query_groups(stack).max()) + 1)
    if repeated:
        notes.append(
            f"{repeated} queries repeat another query's scores exactly, as the same sentence does;"
            " each still counts, with its own relevant items alone"
        )
    if ties != "optimistic":
        best = judge_matrix(fused, relevance, "optimistic")
        moved = sum(
            bool((one.ranks != two.ranks).any()) for one, two in zip(best, judged, strict=True)
        )
        if moved:
            top = sum(bool(len(one.ranks) and one.ranks[0] <= 1) for one in best) / len(best)
            notes.append(
                f"the relevant item of {moved} queries is tied with others; counting ties in its "
                f"favour would give Success@1 {top:.4f}"
            )
    return notes
