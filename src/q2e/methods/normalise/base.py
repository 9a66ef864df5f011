"""Makes score rows comparable: one function for all transforms, and the formulas they share.

Shapes: S score rows (one per channel and query part), Q queries, B bank queries, V videos. NaN
means missing: the channel has nothing on that video.

A transform is a method of kind `normalise`. Its fact `over` says what it looks at:

* `videos`: rows (..., V), one query at a time -> values (..., V), NaN staying NaN;
* `bank`: scores (Q, V) and those of other queries (B, V) -> corrected scores (Q, V), which are
  then standardised over the videos, one query at a time;
* `batch`: scores (Q, V) -> values (Q, V); a single query cannot be answered this way. The values
  are the distribution too, or its logarithm with the fact `logarithm`.

A row is *dead* where it cannot tell videos apart: empty or constant. Dead rows are marked, so
that no fusion rule listens to them. Scores that are taken as they are tell a video from their
floor too, so that a collection of one video, or of copies of one, can be searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Bool, Float64
from q2e.errors import FusionError
from q2e.registry import Choice

if TYPE_CHECKING:
    from q2e.methods.fuse.witnesses import Grounds

#: Rows whose spread is below this share of their size are constant: rounding, not information.
CONSTANT = 1e-9
#: Standard deviations that a standardised row's best may stand above its mean. A channel that
#: matches one of V videos would put it sqrt(V) above, and silence every other channel.
PEAK = 5.0

#: What multiplies scores before they are exponentiated.
Heat = Annotated[float, Field(gt=0, le=1e6, description="Multiplies scores before exp.")]


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """Score rows made comparable; the leading axes are those of the scores given.

    `value` (..., V) is what rules add up and rank by, without NaN: a video that a live row lacks
    stands at that row's floor. `present` (..., V) says where there was a score, `dead` (...,)
    which rows know nothing; their values are 0. `softness` is the temperature, on the scale of the
    values, of which the `temperature` of a rule is a multiple. `outcome` (..., V) is what a whole
    batch of queries was scaled to, where one was looked at.
    """

    value: Float64
    present: Bool
    dead: Bool
    softness: float = 1.0
    outcome: Float64 | None = None
    grounds: Grounds | None = None
    """What the rows rest on, for rules that ask."""
    stands_for: Float64 | None = None
    """(V,) how many videos each one stands for, where they are a part of a collection."""

    @property
    def transductive(self) -> bool:
        """Whether a whole batch of queries was looked at."""
        return self.outcome is not None

    @property
    def videos(self) -> float:
        """How many videos the rows are about: those that others stand for are counted too."""
        return self.value.shape[-1] if self.stands_for is None else float(self.stands_for.sum())

    def probability(self, temperature: float = 1.0) -> Float64:
        """Return (..., V) the distribution from which entropy is taken.

        softmax(value / temperature) over the videos; of a batch its outcome as it is.
        """
        if self.outcome is not None:
            return self.outcome
        return softmax(self.value / (temperature * self.softness), many=self.stands_for)

    def query(self, number: int) -> Normalised:
        """Return one query (S, V) of a normalised batch (S, Q, V)."""
        return Normalised(
            self.value[:, number],
            self.present[:, number],
            self.dead[:, number],
            self.softness,
            None if self.outcome is None else self.outcome[:, number],
        )

    def __repr__(self) -> str:
        return f"Normalised(shape={self.value.shape}, dead={int(self.dead.sum())})"


def chosen(transform: str | Choice | None) -> Choice | None:
    """Return the transform that a text such as `batch(temperature=50)` names, None for `none`.

    Raises ConfigError for an unknown one.
    """
    if not isinstance(transform, str):
        return transform
    from q2e.plugins import registry

    return registry().choose("normalise", transform)


def transductive(transform: str | Choice | None) -> bool:
    """Return whether a transform looks at all queries of a batch together."""
    choice = chosen(transform)
    return choice is not None and choice.method.facts.get("over") == "batch"


def normalise(
    scores: ArrayLike,
    transform: str | Choice | None = "videos",
    *,
    floor: ArrayLike | None = None,
    bank: ArrayLike | None = None,
) -> Normalised:
    """Make score rows (S, V) of one query, or (S, Q, V) of a batch, comparable.

    `floor` (S,) is what a row gives a video that does not match: 0 for BM25, NaN where that is
    not known, as for cosines. A known floor is an observation: missing videos take part in the
    standardisation with it, so a channel that matches 1 video of 100 lifts it, and scores below
    it count as it. Without one, missing videos stand level with the lowest score present and the
    row is standardised over present videos alone: three equal scores then say nothing, and
    neither does a single one.

    `bank` (S, B, V) holds the scores of other queries, for transforms that are over a bank.

    Raises ConfigError for an unknown transform, FusionError for one over a batch without a batch,
    one over a bank without a bank, shapes that do not fit, and infinite scores.
    """
    choice = chosen(transform)
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim not in (2, 3):
        raise FusionError(f"scores must be (S, V) or (S, Q, V), got {table.shape}")
    if np.isinf(table).any():
        raise FusionError("scores must be finite numbers or NaN (missing), got infinity")
    over = "" if choice is None else choice.method.facts.get("over", "videos")
    if choice is not None and over == "batch":
        return _of_batch(table, choice)
    if choice is not None and over == "bank":
        table = _corrected(table, bank, choice)
        floor = None  # a floor of raw scores means nothing after the correction
    filled, present, dead = _filled(table, floor, as_they_are=choice is None)
    value = filled
    if choice is not None:
        value = standardised(filled) if over == "bank" else choice.bound(filled)
    # What no floor is known for is level with the lowest present.
    value = level(value, ~np.isnan(filled))
    value[dead] = 0.0
    softness = 1.0 if choice is None else choice.method.facts.get("softness", 1.0)
    return Normalised(value, present, dead, softness)


def normalise_each(scores: ArrayLike, transforms: Sequence[str | Choice | None]) -> Normalised:
    """Make score matrices (S, Q, V) comparable, each by its own transform over the batch.

    So matrices on different scales, cosines and logits, have a temperature each. Raises FusionError
    where the transforms are not as many, or one is not over a batch.
    """
    table = np.asarray(scores, dtype=np.float64)
    if len(transforms) != len(table):
        raise FusionError(f"{len(table)} score matrices need as many transforms: {len(transforms)}")
    if not all(map(transductive, transforms)):
        names = ", ".join(str(one or "none") for one in transforms)
        raise FusionError(f"a transform for each matrix must be over the batch, got {names}")
    parts = [normalise(own[None], one) for own, one in zip(table, transforms, strict=True)]
    return Normalised(
        np.concatenate([one.value for one in parts]),
        np.concatenate([one.present for one in parts]),
        np.concatenate([one.dead for one in parts]),
        outcome=np.concatenate([one.probability() for one in parts]),
    )


# -- formulas that several transforms share ---------------------------------------------------
def softmax(scores: ArrayLike, axis: int = -1, many: Float64 | None = None) -> Float64:
    """Return exp(s) / sum exp(s) along `axis`; missing entries get 0.

    In the sum each entry counts as often as `many` says, once where it is None.
    """
    table = np.asarray(scores, dtype=np.float64)
    known = ~np.isnan(table)
    filled = np.where(known, table, -np.inf)
    top = filled.max(axis=axis, keepdims=True, initial=-np.inf)
    power = np.exp(filled - np.where(np.isfinite(top), top, 0.0))
    total = (power if many is None else power * many).sum(axis=axis, keepdims=True)
    return np.asarray(np.divide(power, total, out=np.zeros_like(power), where=total > 0))


def zscore(scores: ArrayLike) -> Float64:
    """Return (s - mean) / standard deviation over the last axis, 0 for constant rows; NaN stays."""
    table = np.asarray(scores, dtype=np.float64)
    centred = table - mean_of_known(table)
    spread = np.sqrt(mean_of_known(centred**2))
    flat = spread <= CONSTANT * size(table)
    return np.where(flat, centred * 0.0, centred / np.where(flat, 1.0, spread))


def standardised(scores: Float64) -> Float64:
    """Return z-scores of rows, drawn together where the best would stand above PEAK."""
    value = zscore(scores)
    best = np.where(np.isnan(value), 0.0, value).max(axis=-1, keepdims=True, initial=0.0)
    return np.asarray(value * (PEAK / np.maximum(best, PEAK)))


def level(value: Float64, known: Bool) -> Float64:
    """Return rows in which what is not known stands level with the lowest that is."""
    lowest = np.where(known, value, np.inf).min(axis=-1, keepdims=True, initial=np.inf)
    return np.where(known, value, np.where(np.isfinite(lowest), lowest, 0.0))


def mean_of_known(table: Float64) -> Float64:
    """Return the mean over present entries of the last axis, kept as an axis; NaN where none."""
    known = ~np.isnan(table)
    count = known.sum(axis=-1, keepdims=True)
    total = np.where(known, table, 0.0).sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def size(table: Float64) -> Float64:
    """Return the largest absolute value of the last axis, kept as an axis."""
    known = np.abs(np.where(np.isnan(table), 0.0, table))
    return np.asarray(known.max(axis=-1, keepdims=True, initial=0.0))


def log_sum_exp(bank: ArrayLike, temperature: float) -> Float64:
    """Return (V,) ln sum_b exp(t * bank) of (B, V); a column without scores gets -inf."""
    table = temperature * np.asarray(bank, dtype=np.float64)
    return np.asarray(np.logaddexp.reduce(np.where(np.isnan(table), -np.inf, table), axis=0))


def mean_for_unknown(per_item: Float64) -> Float64:
    """Return (V,) with the mean of the known items in place of those no bank query scored."""
    known = np.isfinite(per_item)
    return np.where(known, per_item, per_item[known].mean() if known.any() else 0.0)


# -- steps of `normalise` ---------------------------------------------------------------------
def one_query(transform: str) -> FusionError:
    """Return what to say where a transform of a batch got a single query."""
    return FusionError(
        f"normalisation {transform!r} compares the queries of a batch and got 1 query, which makes "
        "all videos equal; use 'videos' or 'bank' for single queries"
    )


def _of_batch(table: Float64, choice: Choice) -> Normalised:
    if table.ndim == 2 or table.shape[1] < 2:
        raise one_query(choice.name)
    present = ~np.isnan(table)
    channels = [choice.bound(channel) for channel in table]
    value = np.stack(channels) if channels else table
    outcome = np.exp(value) if choice.method.facts.get("logarithm") else value
    dead = _filled(table, None)[2]
    return Normalised(level(value, present), present, dead, outcome=np.where(present, outcome, 0.0))


def _corrected(table: Float64, bank: ArrayLike | None, choice: Choice) -> Float64:
    if bank is None:
        raise FusionError(f"normalisation {choice.name!r} needs the scores of bank queries")
    banks = np.asarray(bank, dtype=np.float64)
    if banks.ndim != 3 or banks.shape[0] != table.shape[0] or banks.shape[2] != table.shape[-1]:
        raise FusionError(f"bank must be (S, B, V), got {banks.shape} for scores {table.shape}")
    formula = choice.bound
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
    flat = ~(high - bottom > CONSTANT * size(filled)[..., 0])
    return filled, present, (flat & ~above) | ~present.any(axis=-1)
