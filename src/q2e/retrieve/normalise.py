"""Makes scores of different channels comparable; pure functions on arrays.

Shapes: S score rows (one per channel and query part), Q queries, B bank queries, V videos. NaN
means missing: the channel has nothing on that video. One function, `normalise`, serves all
modes; the functions above it are the formulas, usable alone on one (Q, V) matrix.

A row is *dead* where it cannot tell videos apart: empty or constant. Dead rows are marked, so
that no fusion rule listens to them. Scores that are taken as they are tell a video from their
floor too, so that a collection of one video, or of copies of one, can be searched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float64, Int64
from q2e.errors import FusionError

#: Rows whose spread is below this share of their size are constant: rounding, not information.
CONSTANT = 1e-9
#: Standard deviations that a standardised row's best may stand above its mean. A channel that
#: matches one of V videos would put it sqrt(V) above, and silence every other channel.
PEAK = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """Score rows made comparable; the leading axes are those of the scores given.

    `value` (..., V) is what rules add up and rank by, without NaN: a video that a live row lacks
    stands at that row's floor. `probability` (..., V) is the distribution from which entropy is
    taken. `present` (..., V) says where there was a score, `dead` (...,) which rows know nothing;
    their values are 0. `transductive` says that a whole batch of queries was looked at.
    """

    value: Float64
    probability: Float64
    present: Bool
    dead: Bool
    transductive: bool = False

    def query(self, number: int) -> Normalised:
        """Return one query (S, V) of a normalised batch (S, Q, V)."""
        return Normalised(
            self.value[:, number],
            self.probability[:, number],
            self.present[:, number],
            self.dead[:, number],
            self.transductive,
        )

    def __repr__(self) -> str:
        return f"Normalised(shape={self.value.shape}, dead={int(self.dead.sum())})"


# -- formulas on one channel ------------------------------------------------------------------


def softmax(scores: ArrayLike, axis: int = -1) -> Float64:
    """Return exp(s) / sum exp(s) along `axis`; missing entries get 0."""
    table = np.asarray(scores, dtype=np.float64)
    known = ~np.isnan(table)
    filled = np.where(known, table, -np.inf)
    top = filled.max(axis=axis, keepdims=True, initial=-np.inf)
    power = np.exp(filled - np.where(np.isfinite(top), top, 0.0))
    total = power.sum(axis=axis, keepdims=True)
    return np.asarray(np.divide(power, total, out=np.zeros_like(power), where=total > 0))


def zscore(scores: ArrayLike) -> Float64:
    """Return (s - mean) / standard deviation over the last axis, 0 for constant rows; NaN stays."""
    table = np.asarray(scores, dtype=np.float64)
    centred = table - _mean(table)
    spread = np.sqrt(_mean(centred**2))
    flat = spread <= CONSTANT * _size(table)
    return np.where(flat, centred * 0.0, centred / np.where(flat, 1.0, spread))


def minmax(scores: ArrayLike) -> Float64:
    """Return (s - lowest) / (highest - lowest) over the last axis, 0 for constant rows."""
    table = np.asarray(scores, dtype=np.float64)
    known = ~np.isnan(table)
    low = np.where(known, table, np.inf).min(axis=-1, keepdims=True, initial=np.inf)
    high = np.where(known, table, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    low, spread = np.where(np.isfinite(low), low, 0.0), high - low
    flat = ~(spread > CONSTANT * _size(table))
    return np.where(flat, (table - low) * 0.0, (table - low) / np.where(flat, 1.0, spread))


def hubness(bank: ArrayLike, k: int | None = None) -> Float64:
    """Return (V,) the mean of the `k` largest scores that bank queries (B, V) give each video.

    One number per item, made once for a collection; `k` is a hundredth of the bank where not
    given, at least 1. NaN where no bank query scores the item.
    """
    table = np.asarray(bank, dtype=np.float64)
    count = max(1, len(table) // 100) if k is None else k
    if count < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    ordered = -np.sort(-table, axis=0)[:count]  # NaN sorts last
    return _mean(ordered.T)[:, 0]


def nnn(scores: ArrayLike, bank: ArrayLike, k: int | None = None, alpha: float = 0.5) -> Float64:
    """Return (Q, V) scores minus `alpha` times each item's `hubness`; NNN.

    Nearest Neighbour Normalisation (Chowdhury et al. 2024). An item near to every question loses
    what it would have got from any. Items no bank query scores keep their score less the mean
    hubness; `alpha` 0 changes nothing. Few neighbours and a mild `alpha` cost least where the
    bank holds nothing like the query (docs/research/fusion.md).
    """
    table = np.asarray(scores, dtype=np.float64)
    return np.asarray(table - alpha * _mean_for_unknown(hubness(bank, k)))


def inverted_softmax(scores: ArrayLike, bank: ArrayLike, temperature: float = 20.0) -> Float64:
    """Return (Q, V) `t * s - ln sum_b exp(t * bank)`: the logarithm of the inverted softmax.

    QB-Norm (Bogolin et al. 2022) ranks by exp of this; the logarithm orders alike and cannot
    overflow. `bank` is (B, V).
    """
    table = temperature * np.asarray(scores, dtype=np.float64)
    return np.asarray(table - _mean_for_unknown(_log_sum_exp(bank, temperature)))


def dynamic_inverted_softmax(
    scores: ArrayLike, bank: ArrayLike, temperature: float = 20.0, k: int = 1
) -> Float64:
    """Return (Q, V): `inverted_softmax` for queries whose best video is a hub, others unchanged.

    A hub is a video among the `k` best of some bank query (QB-Norm's activation set). Rows end on
    two scales: fine for ranking each query, so standardise rows before they are fused.
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    hubs = np.unique(_top_k(np.asarray(bank, dtype=np.float64), k))
    best = np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    active = np.isin(best, hubs)
    table[active] = inverted_softmax(table[active], bank, temperature)
    return table


def dual_softmax(
    scores: ArrayLike, bank: ArrayLike | None = None, temperature: float = 100.0
) -> Float64:
    """Return (Q, V) `s * softmax(t * s)` over queries; CAMoE (Cheng et al. 2021).

    With `bank` (B, V) each query is seen among the bank alone; without it, among the other
    queries of `scores`: transductive. Q2E's reference code calls it `softmax=post` (t = 1 there).
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    if bank is None:
        return np.asarray(table * softmax(temperature * table, axis=0))
    others = _log_sum_exp(bank, temperature)
    share = np.exp(temperature * table - np.logaddexp(temperature * table, others))
    return np.asarray(table * share)


def sinkhorn(
    scores: ArrayLike,
    bank: ArrayLike | None = None,
    temperature: float = 100.0,
    steps: int = 20,
) -> Float64:
    """Return (Q, V) the logarithm of exp(t * s) scaled to uniform marginals 1/Q and 1/V.

    Yakovlev et al., Sinkhorn Transformations for Single-Query Postprocessing. With `bank` (B, V)
    each query is stacked alone under the bank and its row read; without it the batch is scaled
    as a whole: transductive. Missing entries stay missing.
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    if bank is None:
        return _scale(temperature * table, steps)
    rows = np.asarray(bank, dtype=np.float64)
    return np.stack(
        [_scale(temperature * np.vstack([rows, query]), steps)[-1] for query in table]
    ).reshape(table.shape)


def batch_softmax(scores: ArrayLike, temperature: float = 100.0) -> Float64:
    """Return (Q, V) softmax(t * s) over the queries of the batch, as Q2E's reference code does.

    Rows do not sum to 1. Raises FusionError for fewer than two queries: every entry would be 1.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim < 2 or table.shape[-2] < 2:
        raise _one_query("batch")
    return softmax(temperature * table, axis=-2)


def _one_query(mode: str) -> FusionError:
    return FusionError(
        f"normalisation {mode!r} compares the queries of a batch and got 1 query, which makes "
        "all videos equal; use 'videos' or 'bank' for single queries"
    )


#: Hubness corrections that work for a single query, by name: (scores, bank) -> scores.
CORRECTIONS: Mapping[str, Callable[[ArrayLike, ArrayLike], Float64]] = MappingProxyType(
    {
        "nnn": nnn,
        "inverted_softmax": inverted_softmax,
        "dynamic_inverted_softmax": dynamic_inverted_softmax,
        "dual_softmax": dual_softmax,
        "sinkhorn": sinkhorn,
    }
)


# -- the one interface ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mode:
    """A normalisation as data: its temperature and what it means for reported figures."""

    summary: str
    temperature: float
    """Default of `temperature`."""
    transductive: bool = False


#: Modes of `normalise` by name.
MODES: Mapping[str, Mode] = MappingProxyType(
    {
        "none": Mode("scores as they are", 1.0),
        "minmax": Mode("each row to [0, 1] over the videos", 0.1),
        "videos": Mode("each row standardised over the videos, one query at a time", 1.0),
        "bank": Mode("hubness taken away by a bank of other queries, then as `videos`", 1.0),
        "batch": Mode("softmax over the queries of the batch", 100.0, True),
        "dual_softmax": Mode("scores times their softmax over the batch", 100.0, True),
        "sinkhorn": Mode("the batch scaled to uniform marginals", 100.0, True),
    }
)


def normalise(
    scores: ArrayLike,
    mode: str = "videos",
    *,
    temperature: float | None = None,
    floor: ArrayLike | None = None,
    bank: ArrayLike | None = None,
    correction: str = "nnn",
) -> Normalised:
    """Make score rows (S, V) of one query, or (S, Q, V) of a batch, comparable.

    For a single query, `value` is the standardised row (`videos`, `bank`; the best at most PEAK
    above the mean), the row in [0, 1] (`minmax`) or the row itself (`none`), and `probability`
    softmax(value / temperature) over the videos. In the batch modes `temperature` multiplies the
    scores instead, as in the reference code, and `value` and `probability` are both the outcome
    (for `batch`, softmax over queries).

    `floor` (S,) is what a row gives a video that does not match: 0 for BM25, NaN where that is
    not known, as for cosines. A known floor is an observation: missing videos take part in the
    standardisation with it, so a channel that matches 1 video of 100 lifts it, and scores below
    it count as it. Without one, missing videos stand level with the lowest score present and the
    row is standardised over present videos alone: three equal scores then say nothing, and
    neither does a single one.

    `bank` (S, B, V) holds the scores of other queries and `correction` names one of CORRECTIONS.

    Raises FusionError for an unknown mode or correction, a batch mode without a batch, `bank`
    without a bank, shapes that do not fit, infinite scores and a temperature that is not above 0.
    """
    if mode not in MODES:
        raise FusionError(f"unknown normalisation {mode!r}; known: {', '.join(MODES)}")
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim not in (2, 3):
        raise FusionError(f"scores must be (S, V) or (S, Q, V), got {table.shape}")
    if np.isinf(table).any():
        raise FusionError("scores must be finite numbers or NaN (missing), got infinity")
    heat = MODES[mode].temperature if temperature is None else temperature
    if not heat > 0:
        raise FusionError(f"temperature must be above 0, got {heat}")
    if MODES[mode].transductive:
        return _normalise_batch(table, mode, heat)
    if mode == "bank":
        table = _corrected(table, bank, correction)
        floor = None  # a floor of raw scores means nothing after the correction
    filled, present, dead = _filled(table, floor, as_they_are=mode == "none")
    plain: dict[str, Callable[[Float64], Float64]] = {"none": np.asarray, "minmax": minmax}
    value = plain.get(mode, _standardised)(filled)
    # What no floor is known for is level with the lowest present.
    value = _level(value, ~np.isnan(filled))
    value[dead] = 0.0
    return Normalised(value, softmax(value / heat), present, dead)


def _normalise_batch(table: Float64, mode: str, temperature: float) -> Normalised:
    if table.ndim == 2 or table.shape[1] < 2:
        raise _one_query(mode)
    formulas: dict[str, Callable[..., Float64]] = {
        "batch": batch_softmax,
        "dual_softmax": dual_softmax,
        "sinkhorn": sinkhorn,
    }
    present = ~np.isnan(table)
    channels = [formulas[mode](channel, temperature=temperature) for channel in table]
    value = np.stack(channels) if channels else table
    probability = np.exp(value) if mode == "sinkhorn" else value
    return Normalised(
        _level(value, present),
        np.where(present, probability, 0.0),
        present,
        _filled(table, None)[2],
        transductive=True,
    )


def _standardised(scores: Float64) -> Float64:
    """Return z-scores of rows, drawn together where the best would stand above PEAK."""
    value = zscore(scores)
    best = np.where(np.isnan(value), 0.0, value).max(axis=-1, keepdims=True, initial=0.0)
    return np.asarray(value * (PEAK / np.maximum(best, PEAK)))


def _corrected(table: Float64, bank: ArrayLike | None, correction: str) -> Float64:
    if correction not in CORRECTIONS:
        raise FusionError(f"unknown correction {correction!r}; known: {', '.join(CORRECTIONS)}")
    if bank is None:
        raise FusionError("normalisation 'bank' needs the scores of bank queries: give bank")
    banks = np.asarray(bank, dtype=np.float64)
    if banks.ndim != 3 or banks.shape[0] != table.shape[0] or banks.shape[2] != table.shape[-1]:
        raise FusionError(f"bank must be (S, B, V), got {banks.shape} for scores {table.shape}")
    formula = CORRECTIONS[correction]
    rows = [formula(np.atleast_2d(own), others) for own, others in zip(table, banks, strict=True)]
    return np.stack(rows).reshape(table.shape) if rows else table


def _filled(
    table: Float64, floor: ArrayLike | None, as_they_are: bool = False
) -> tuple[Float64, Bool, Bool]:
    """Return rows with known floors in place of NaN, where scores were, and which rows are dead."""
    present = ~np.isnan(table)
    filled: Float64 = table
    above: Bool = np.zeros(table.shape[:-1], dtype=bool)
    if floor is not None:
        low = np.asarray(floor, dtype=np.float64)
        if low.shape != table.shape[:1]:
            raise FusionError(f"floor must be (S,) = {table.shape[:1]}, got {low.shape}")
        shaped = low.reshape((-1,) + (1,) * (table.ndim - 1))
        filled = np.where(present, np.fmax(table, shaped), shaped)
        above = np.asarray((filled > shaped).any(axis=-1) & as_they_are)
    known = ~np.isnan(filled)
    high = np.where(known, filled, -np.inf).max(axis=-1, initial=-np.inf)
    bottom = np.where(known, filled, np.inf).min(axis=-1, initial=np.inf)
    flat = ~(high - bottom > CONSTANT * _size(filled)[..., 0])
    return filled, present, (flat & ~above) | ~present.any(axis=-1)


def _level(value: Float64, known: Bool) -> Float64:
    lowest = np.where(known, value, np.inf).min(axis=-1, keepdims=True, initial=np.inf)
    return np.where(known, value, np.where(np.isfinite(lowest), lowest, 0.0))


def _mean(table: Float64) -> Float64:
    """Return the mean over present entries of the last axis, kept as an axis; NaN where none."""
    known = ~np.isnan(table)
    count = known.sum(axis=-1, keepdims=True)
    total = np.where(known, table, 0.0).sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _size(table: Float64) -> Float64:
    size = np.abs(np.where(np.isnan(table), 0.0, table))
    return np.asarray(size.max(axis=-1, keepdims=True, initial=0.0))


def _log_sum_exp(bank: ArrayLike, temperature: float) -> Float64:
    """Return (V,) ln sum_b exp(t * bank) of (B, V); a column without scores gets -inf."""
    table = temperature * np.asarray(bank, dtype=np.float64)
    return np.asarray(np.logaddexp.reduce(np.where(np.isnan(table), -np.inf, table), axis=0))


def _mean_for_unknown(per_item: Float64) -> Float64:
    """Return (V,) with the mean of the known items in place of those no bank query scored."""
    known = np.isfinite(per_item)
    return np.where(known, per_item, per_item[known].mean() if known.any() else 0.0)


def _top_k(table: Float64, k: int) -> Int64:
    filled = np.where(np.isnan(table), -np.inf, table)
    return np.argsort(-filled, axis=1, kind="stable")[:, :k].astype(np.int64)


def _scale(log_kernel: Float64, steps: int) -> Float64:
    known = ~np.isnan(log_kernel)
    kernel = np.where(known, log_kernel, -np.inf)
    rows, columns = kernel.shape
    for _ in range(steps):
        for axis, size in ((0, columns), (1, rows)):
            total = np.logaddexp.reduce(kernel, axis=axis, keepdims=True)
            kernel = kernel - np.where(np.isfinite(total), total + np.log(size), 0.0)
    return np.where(known, kernel, np.nan)
