"""One score per video from many: what a rule of fusion is given, what it returns, how it is run.

Shapes: S score rows (one per channel and query part), V videos. A rule is a method of kind `fuse`:
(rows, weights (S,)) -> `Terms`. Its result is a `Fusion`, in which `weight[:, None] * normalised`
are the contributions and their sum is the score, so every score explains itself. For rules that
are not sums at heart:

* `max`: the winning row contributes its value, the others nothing;
* `combmnz`: each row's term already carries the number of rows that match the video;
* `rrf`: a row's term is its reciprocal rank.

Dead rows (see `normalise`) have weight 0 in every rule and change nothing. A video that a live
row lacks stands at that row's floor; rules that count votes (`rrf`, `combmnz`) give it no vote.

The fact `scale` of a rule says on what scale its `normalised` values are: `deviations` where they
are those of the rows given, which a search gives in standard deviations above generic questions;
`probability`; `minmax`, each row in [0, 1]; `votes`, reciprocal ranks; `logarithms`; `nats`, what
chance does not explain. With the fact `grounds` a rule is told what rows rest on (`witnesses`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float64
from q2e.errors import FusionError
from q2e.methods.normalise.base import Normalised
from q2e.registry import Choice

#: Added inside the logarithm of the entropy, as in Q2E's reference code.
LOG_EPSILON = 1e-6

Temperature = Annotated[
    float,
    Field(ge=0.001, le=1000, description="Softness of the distribution whose entropy is taken."),
]
Epsilon = Annotated[
    float, Field(gt=0, le=10, description="Added to the entropy: 0.1 bounds weights to eleven.")
]


class Terms(NamedTuple):
    """What a rule makes of rows: `weight` (S,), `value` (S, V), and the entropy (S,) it took."""

    weight: Float64
    value: Float64
    entropy: Float64 | None = None


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


# -- running a rule ---------------------------------------------------------------------------
def fuse(
    rows: Normalised, rule: str | Choice = "entropy", weights: ArrayLike | None = None
) -> Fusion:
    """Fuse the rows (S, V) of one query; `weights` (S,) multiply what the rule gives each row.

    Raises ConfigError for an unknown rule, FusionError for rows of another shape and weights that
    do not fit.
    """
    choice = _chosen(rule)
    if rows.value.ndim != 2:
        raise FusionError(f"fuse takes the rows (S, V) of one query, got {rows.value.shape}")
    given = np.ones(len(rows.value)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != rows.dead.shape or not np.isfinite(given).all() or (given < 0).any():
        raise FusionError(
            f"weights must be {rows.dead.shape} finite numbers of 0 or more, got {given}"
        )
    terms: Terms = choice.bound(rows, given)
    entropy = (
        row_entropy(rows.probability(), rows.stands_for) if terms.entropy is None else terms.entropy
    )
    return Fusion(terms.weight, entropy, terms.value)


def fuse_batch(
    rows: Normalised, rule: str | Choice = "entropy", weights: ArrayLike | None = None
) -> Float64:
    """Return the fused scores (Q, V) of normalised rows (S, Q, V), each query by itself.

    Scores are comparable within a query only.
    """
    if rows.value.ndim != 3:
        raise FusionError(f"fuse_batch takes rows (S, Q, V), got {rows.value.shape}")
    choice = _chosen(rule)
    n_queries = rows.value.shape[1]
    fused = [fuse(rows.query(number), choice, weights).score for number in range(n_queries)]
    return np.stack(fused) if fused else np.zeros(rows.value.shape[1:])


def _chosen(rule: str | Choice) -> Choice:
    if not isinstance(rule, str):
        return rule
    from q2e.plugins import registry

    return registry().one("fuse", rule)


# -- what several rules share -----------------------------------------------------------------
def entropy_bits(probability: ArrayLike, many: Float64 | None = None) -> Float64:
    """Return -sum_v p log2(p + 1e-6) over the last axis; Q2E's entropy, also of unnormalised p.

    Each video counts as often as `many` (V,) says, once where it is None.
    """
    p = np.asarray(probability, dtype=np.float64)
    terms = p * np.log2(p + LOG_EPSILON)
    return np.asarray(-(terms if many is None else terms * many).sum(axis=-1))


def row_entropy(probability: Float64, many: Float64 | None = None) -> Float64:
    """Return (S,) the entropy of each row (S, V) over log2(V); rows of one video have 1.

    Each video counts as often as `many` (V,) says, once where it is None.
    """
    n_videos = probability.shape[-1] if many is None else float(many.sum())
    if n_videos < 2:
        return np.ones(probability.shape[:-1])
    return np.asarray(entropy_bits(probability, many) / np.log2(n_videos))


def inverse_entropy(
    rows: Normalised, given: Float64, entropy: Float64, epsilon: float, shares: bool = True
) -> Float64:
    """Return weights (S,) proportional to given / (H + epsilon) that sum to 1 over live rows.

    Of a batch H is in bits and epsilon 1e-6, as in Q2E's reference code, and H is not clipped
    though P is no distribution over the videos: below 0 it makes a weight negative. Without
    `shares` that weight stays as it is and turns its row round, as in the reference code; with them
    a negative sum is divided out, so that a row alone is never reversed.
    """
    if rows.transductive:
        n_videos = max(2, rows.value.shape[-1])
        weight = given / (entropy * np.log2(n_videos) + LOG_EPSILON)
        return shared(weight, rows) if shares else live(weight, rows)
    return shared(given / (np.clip(entropy, 0.0, 1.0) + epsilon), rows)


def live(given: Float64, rows: Normalised) -> Float64:
    """Return the weights (S,) given, 0 for dead rows."""
    return np.where(rows.dead, 0.0, given)


def shared(weight: Float64, rows: Normalised) -> Float64:
    """Return weights (S,) that sum to 1 over live rows."""
    alive = live(weight, rows)
    total = alive.sum()
    return alive / total if total != 0 else alive
