"""One score per video from many; pure functions on arrays.

Shapes: S score rows (one per channel and query part), V videos. Every rule returns a `Fusion`,
in which `weight[:, None] * normalised` are the contributions and their sum is the score, so
every score explains itself. For rules that are not sums at heart:

* `max`: the winning row contributes its value, the others nothing;
* `combmnz`: each row's term already carries the number of rows that match the video;
* `rrf`, `wrrf`: a row's term is its reciprocal rank (times the video's own weight).

Dead rows (see `normalise`) have weight 0 in every rule and change nothing. A video that a live
row lacks stands at that row's floor; rules that count votes (`rrf`, `wrrf`, `combmnz`) give it
no vote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.errors import FusionError
from q2e.retrieve.normalise import Normalised, minmax

#: Added inside the logarithm of the entropy, as in Q2E's reference code.
LOG_EPSILON = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """Fused scores of one query with what each row brought.

    `weight` (S,), `entropy` (S,) in bits over log2(V) (0 where one video has all the probability,
    1 where all are alike), `normalised` (S, V) the value a row gives each video.
    """

    weight: Float64
    entropy: Float64
    normalised: Float64

    @property
    def contribution(self) -> Float64:
        """(S, V) what each row adds to each video's score."""
        return self.weight[:, None] * self.normalised

    @property
    def score(self) -> Float64:
        """(V,) the sum of the contributions."""
        return np.asarray(self.contribution.sum(axis=0))

    def __repr__(self) -> str:
        return f"Fusion(shape={self.normalised.shape}, weight={np.round(self.weight, 3)})"


def entropy_bits(probability: ArrayLike) -> Float64:
    """Return -sum_v p log2(p + 1e-6) over the last axis; Q2E's entropy, also of unnormalised p."""
    p = np.asarray(probability, dtype=np.float64)
    return np.asarray(-(p * np.log2(p + LOG_EPSILON)).sum(axis=-1))


def row_entropy(rows: Normalised) -> Float64:
    """Return (S,) the entropy of each row over log2(V); rows of one video have 1."""
    n_videos = rows.probability.shape[-1]
    if n_videos < 2:
        return np.ones(rows.dead.shape)
    return np.asarray(entropy_bits(rows.probability) / np.log2(n_videos))


# -- rules: (rows, weights (S,)) -> (weight (S,), normalised (S, V)) --------------------------
Terms = tuple[Float64, Float64]
Formula = Callable[[Normalised, Float64], Terms]


def _inverse_entropy(rows: Normalised, given: Float64, epsilon: float) -> Float64:
    """Return weights proportional to given / (H + epsilon) that sum to 1 over live rows."""
    entropy = row_entropy(rows)
    if rows.transductive:
        # The reference arithmetic: bits, 1e-6, and no clipping though P is no distribution.
        n_videos = max(2, rows.probability.shape[-1])
        return _shared(given / (entropy * np.log2(n_videos) + LOG_EPSILON), rows)
    return _shared(given / (np.clip(entropy, 0.0, 1.0) + epsilon), rows)


def _shared(weight: Float64, rows: Normalised) -> Float64:
    live = np.where(rows.dead, 0.0, weight)
    total = live.sum()
    return live / total if total != 0 else live


def entropy(rows: Normalised, given: Float64) -> Terms:
    """sum_s w_s P_s with w_s = 1 / (H_s + eps), weights summing to 1; Q2E's inverse entropy.

    H is normalised by log2(V) and eps 0.1 for single queries, so one row outweighs a flat one
    at most elevenfold; on a batch it is the reference code's arithmetic (bits, 1e-6).
    """
    return _inverse_entropy(rows, given, 0.1), rows.probability


def entropy_sum(rows: Normalised, given: Float64) -> Terms:
    """sum_s w_s value_s with the weights of `entropy`: for values that share one scale.

    Adding values rather than probabilities keeps a score comparable between questions.
    """
    return _inverse_entropy(rows, given, 0.1), rows.value


def exponential(rows: Normalised, given: Float64) -> Terms:
    """sum_s exp(-H_s) P_s, H in bits, weights summing to 1; Q2E's negative-exponential entropy."""
    bits = row_entropy(rows) * np.log2(max(2, rows.probability.shape[-1]))
    return _shared(given * np.exp(-bits), rows), rows.probability


def mean(rows: Normalised, given: Float64) -> Terms:
    """Mean of the values of the live rows, weighted where weights are given."""
    return _shared(given, rows), rows.value


def maximum(rows: Normalised, given: Float64) -> Terms:
    """Largest weighted value of any live row; ties are won by the first row."""
    weight = np.where(rows.dead, 0.0, given)
    worth = np.where(rows.dead[:, None], -np.inf, weight[:, None] * rows.value)
    won = np.zeros(worth.shape, dtype=bool)
    if len(worth):
        np.put_along_axis(won, worth.argmax(axis=0)[None], True, axis=0)
    return weight, np.where(won, rows.value, 0.0)


def combsum(rows: Normalised, given: Float64) -> Terms:
    """Sum of values scaled to [0, 1] per row; CombSUM (Fox and Shaw 1994)."""
    return np.where(rows.dead, 0.0, given), minmax(rows.value)


def combmnz(rows: Normalised, given: Float64) -> Terms:
    """CombSUM times the number of rows that match the video above 1e-6; CombMNZ."""
    weight, value = combsum(rows, given)
    matching = (rows.present & (value > 1e-6) & (weight > 0)[:, None]).sum(axis=0)
    return weight, value * matching


def rrf(rows: Normalised, given: Float64, k: float = 60.0) -> Terms:
    """sum_s 1 / (k + rank_s), ranks from 1, ties share their mean rank; RRF (Cormack et al. 2009).

    A video that a row lacks gets no vote from it.
    """
    votes = np.where(rows.present, 1.0 / (k + _ranks(rows)), 0.0)
    return np.where(rows.dead, 0.0, given), votes


def weighted_sum(rows: Normalised, given: Float64) -> Terms:
    """sum_s w_s value_s with the weights as they are given."""
    return np.where(rows.dead, 0.0, given), rows.value


def socratic(rows: Normalised, given: Float64) -> Terms:
    """sum_s w_s log(2 sigmoid(value_s)): the order of a product of positive scores.

    Socratic Models (Zeng et al. 2022) multiply the score of pictures by that of the transcript;
    a value of 0, which says nothing, is the factor 1, so that what is missing leaves the rest.
    """
    return np.where(rows.dead, 0.0, given), np.log(2.0) - np.logaddexp(0.0, -rows.value)


def wrrf(rows: Normalised, alpha: ArrayLike, k: float = 0.0) -> Fusion:
    """Weighted RRF with a weight per row and video: sum_s alpha[s, v] / (k + rank_s(v)).

    MMMORRF (Samuel et al. 2025): alpha of the text rows is how much a video looks like news, of
    the visual rows one minus that. `alpha` is (S, V) and not negative; k = 0 as reported there.
    """
    share = np.asarray(alpha, dtype=np.float64)
    if share.shape != rows.value.shape or (share < 0).any():
        raise FusionError(
            f"alpha must be {rows.value.shape} and not negative, got shape {share.shape}"
        )
    weight, votes = rrf(rows, np.ones(len(share)), k)
    return Fusion(weight, row_entropy(rows), share * votes)


@dataclass(frozen=True, slots=True)
class Rule:
    """A fusion rule as data."""

    formula: Formula
    summary: str


#: Fusion rules by name.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "entropy": Rule(entropy, "probabilities weighted by inverse entropy"),
        "entropy_sum": Rule(entropy_sum, "values weighted by inverse entropy"),
        "exponential": Rule(exponential, "probabilities weighted by exp(-entropy)"),
        "mean": Rule(mean, "mean of the values"),
        "max": Rule(maximum, "largest value"),
        "combsum": Rule(combsum, "sum of values scaled to [0, 1]"),
        "combmnz": Rule(combmnz, "CombSUM times the number of matching rows"),
        "rrf": Rule(rrf, "reciprocal ranks, k = 60"),
        "socratic": Rule(socratic, "product of the channels, as a sum of logarithms"),
        "sum": Rule(weighted_sum, "sum with given weights"),
    }
)


def fuse(rows: Normalised, rule: str = "entropy", weights: ArrayLike | None = None) -> Fusion:
    """Fuse the rows (S, V) of one query; `weights` (S,) multiply what the rule gives each row.

    Raises FusionError for an unknown rule, rows of another shape, and weights that do not fit.
    """
    if rule not in RULES:
        raise FusionError(f"unknown fusion rule {rule!r}; known: {', '.join(RULES)}")
    if rows.value.ndim != 2:
        raise FusionError(f"fuse takes the rows (S, V) of one query, got {rows.value.shape}")
    given = np.ones(len(rows.value)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != rows.dead.shape or not np.isfinite(given).all() or (given < 0).any():
        raise FusionError(
            f"weights must be {rows.dead.shape} finite numbers of 0 or more, got {given}"
        )
    weight, value = RULES[rule].formula(rows, given)
    return Fusion(weight, row_entropy(rows), value)


def fuse_batch(
    rows: Normalised, rule: str = "entropy", weights: ArrayLike | None = None
) -> Float64:
    """Return the fused scores (Q, V) of normalised rows (S, Q, V), each query by itself.

    Scores are comparable within a query only.
    """
    if rows.value.ndim != 3:
        raise FusionError(f"fuse_batch takes rows (S, Q, V), got {rows.value.shape}")
    n_queries = rows.value.shape[1]
    fused = [fuse(rows.query(number), rule, weights).score for number in range(n_queries)]
    return np.stack(fused) if fused else np.zeros(rows.value.shape[1:])


# -- matrices that must not be fused ----------------------------------------------------------


def check_ids(*ids: tuple[str, ...] | list[str]) -> None:
    """Refuse rows whose videos are not the same in the same order.

    Raises FusionError naming the first difference.
    """
    first = list(ids[0]) if ids else []
    for number, other in enumerate(ids[1:], start=2):
        if len(other) != len(first):
            raise FusionError(
                f"matrix 1 has {len(first)} items and matrix {number} has {len(other)}; "
                "score the same items with both"
            )
        for place, (one, two) in enumerate(zip(first, other, strict=True)):
            if one != two:
                raise FusionError(
                    f"item {place} is {one!r} in matrix 1 and {two!r} in matrix {number}; "
                    "put both in the same order before fusing"
                )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two square matrices with their relevant items on the diagonal go together.

    `diagonal` is the lower of the two median shares of items that the relevant one beats;
    `off_diagonal` the mean rank correlation of their rows with the diagonal left out, and
    `chance` its standard error were the items unrelated.
    """

    diagonal: float
    off_diagonal: float
    chance: float

    @property
    def different_order(self) -> bool:
        """Both find the relevant item, yet agree no more than chance on all others."""
        return self.diagonal > 0.8 and self.off_diagonal < max(0.05, 3 * self.chance)


def agreement(one: ArrayLike, other: ArrayLike, rows: int = 400) -> Agreement:
    """Compare two square score matrices (n, n) over at most `rows` evenly spaced queries."""
    first, second = (np.asarray(table, dtype=np.float64) for table in (one, other))
    size = len(first)
    if first.shape != (size, size) or second.shape != (size, size):
        raise FusionError(f"needs two square matrices, got {first.shape} and {second.shape}")
    picked = np.unique(np.linspace(0, size - 1, min(rows, size)).astype(np.int64))
    off = ~np.eye(size, dtype=bool)[picked]
    shares, tables = [], []
    for table in (first, second):
        chosen = np.where(np.isnan(table[picked]), -np.inf, table[picked])
        own = chosen[np.arange(len(picked)), picked][:, None]
        shares.append(float(np.median(((chosen < own) & off).sum(axis=1) / max(1, size - 1))))
        others = _mean_ranks(chosen[off].reshape(len(picked), size - 1))
        tables.append(others - others.mean(axis=1, keepdims=True))
    product = (tables[0] * tables[1]).sum(axis=1)
    length = np.sqrt((tables[0] ** 2).sum(axis=1) * (tables[1] ** 2).sum(axis=1))
    correlation = product[length > 0] / length[length > 0]
    chance = 1.0 / np.sqrt(max(1, len(correlation)) * max(1, size - 2))
    off_diagonal = float(correlation.mean()) if len(correlation) else 1.0
    return Agreement(min(shares), off_diagonal, float(chance))


def check_matrices(*matrices: ArrayLike) -> None:
    """Refuse square matrices whose items are in different orders.

    Two retrievers that both find the relevant items agree somewhat about the others too; where
    they do not agree at all, one matrix is in another order and fusing it leaks the diagonal.
    Needs 50 items to tell, smaller ones pass. Raises FusionError with the correlation found.
    """
    tables = [np.asarray(table) for table in matrices]
    for number, table in enumerate(tables[1:], start=2):
        if table.shape != tables[0].shape:
            raise FusionError(
                f"matrix 1 is {tables[0].shape} and matrix {number} is {table.shape}; "
                "score the same queries and items with both"
            )
    for number, one in enumerate(tables):
        for later, other in enumerate(tables[number + 1 :], start=number + 1):
            if one.ndim != 2 or one.shape[0] != one.shape[1] or len(one) < 50:
                continue
            found = agreement(one, other)
            if found.different_order:
                raise FusionError(
                    f"matrices {number + 1} and {later + 1} are in different item order: both "
                    "have a strong diagonal, but their other entries correlate by only "
                    f"{found.off_diagonal:.3f}; fusing them would leak which item is relevant. "
                    "Put both in the same order, or give lists of ids"
                )


def _ranks(rows: Normalised) -> Float64:
    """Return (S, V) ranks from 1 among present videos, best first; ties share the mean rank."""
    return _mean_ranks(np.where(rows.present, -rows.value, np.inf))


def _mean_ranks(table: Float64) -> Float64:
    """Return ranks from 1 along the last axis of (n, V), lowest first; ties share the mean."""
    order = np.argsort(table, axis=-1)
    ranks = np.empty(table.shape)
    for row, places in enumerate(order):
        line = table[row, places]
        starts = np.flatnonzero(np.append(True, line[1:] != line[:-1])) if len(line) else places
        sizes = np.diff(np.append(starts, len(line)))
        ranks[row, places] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks
