"""Channels as independent witnesses, each believed as far as chance does not explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float64, Int64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.registry import method

#: The channel that everybody's question can be answered by, where there is one.
EYE = "frame"
#: To the log-odds that a video answers (`q2e.search.certain.Law`; docs/research/truth.md): of a
#: plain question, and of what is put together of clauses, by the lead alone.
CERTAINTY = (5.31, 2.31, -0.45, 1.35, -6.32, -1.53, 0.79, 0.56)
OF_CLAUSES = (4.0, 1.8)
#: That it is one of many that answer (`q2e.search.fellows.Fellows`).
OF_MANY = (0.3, 0.86, -3.16, -0.53, 1.13, 0.95, 3.97)
#: Share of what generic questions score beyond which their scores are told by an exponential law.
_EDGE = 0.9
_LEAST = 1e-3
_KEPT = 512
#: Mean excess of a standard normal law over its 0.9 quantile, and the scores it counts for.
_TAIL, _PRIOR = 0.47, 10
#: -ln of the least chance that is told, and the halvings that tell a number to its last digits.
_FAR, _HALVINGS = 700.0, 60


@dataclass(frozen=True, slots=True)
class Null:
    """What questions at large score in a channel: the law by which chance explains a score.

    Empirical up to the 0.9 quantile, exponential beyond it (a generalised Pareto tail of shape 0,
    as of maxima in Gumbel's domain). `levels` (m,) ascending, `edge` the quantile, `excess` the
    mean of what lies beyond it, `beyond` their share.
    """

    levels: tuple[float, ...]
    edge: float
    excess: float
    beyond: float

    @classmethod
    def of(cls, scores: Float64) -> Null:
        """Return the law of scores (any shape; NaN left out). Raises ValueError for none."""
        known = np.sort(scores[np.isfinite(scores)].astype(np.float64))
        if not len(known):
            raise ValueError("no score to take a law from")
        edge = float(np.quantile(known, _EDGE))
        above = known[known > edge] - edge
        # A tail of few scores is drawn to that of a normal law, as by so many scores of it.
        spread = float(above.sum() + _PRIOR * _TAIL) / (len(above) + _PRIOR)
        step = np.linspace(0, len(known) - 1, min(_KEPT, len(known))).astype(np.int64)
        share = max(len(above) / len(known), _LEAST)
        return cls(tuple(known[step].tolist()), edge, spread, share)

    @property
    def variance(self) -> float:
        """The variance of what generic questions score."""
        return max(float(np.var(self.levels)), 1e-12)

    def surprise(self, scores: Float64) -> Float64:
        """Return -ln of the chance that a generic question scores as high; NaN stays."""
        # Rounded, so that the order in which sums were taken moves no score across a level.
        level = np.searchsorted(self.levels, np.round(scores, 12))
        # Of each level once: there are fewer of them than of scores.
        chance = 1.0 - np.arange(len(self.levels) + 1) / (len(self.levels) + 1.0)
        found: Float64 = -np.log(np.maximum(chance, 1e-300))[level]
        high = np.flatnonzero(scores > self.edge)
        beyond = self.beyond * np.exp(-(scores[high] - self.edge) / self.excess)
        found[high] = -np.log(np.maximum(np.minimum(beyond, self.beyond), 1e-300))
        found[np.isnan(scores)] = np.nan
        return found


#: Of standard scores of which nothing more is known.
NORMAL = Null.of(np.array([NormalDist().inv_cdf((n + 0.5) / 999) for n in range(999)]))


@dataclass(frozen=True, slots=True, eq=False)
class Grounds:
    """What rows rest on: `raw` (S, V) scores with NaN, the channel of each and whether it leads.

    The row that leads holds the channel's own scores of the question; the others of the channel
    (words, names, sub-events) add to it. `nulls` holds the law of chance of channels by name.

    `native` says by channel which videos (V,) have texts in the question's language there: such
    texts are nearer to any question, so that they have a law of their own (`nulls` by `spoken`).
    """

    raw: Float64
    channels: tuple[str, ...]
    leads: tuple[bool, ...]
    nulls: Mapping[str, Null]
    stands_for: Float64 | None = None
    """(V,) how many videos each one stands for, where they are a part of a collection."""
    native: Mapping[str, Bool] = field(default_factory=dict)

    def surprise(self, channel: str, scores: Float64) -> Float64:
        """Return -ln of the chance that a generic question scores as high in a channel (V,).

        Of videos beyond those of `native`, whose languages nobody knows, it is the larger one.
        """
        law = self.nulls.get(channel, NORMAL)
        native = self.native.get(channel)
        if native is None:
            return law.surprise(scores)
        known, told = len(native), np.empty(len(scores))
        own, other = (self.nulls.get(spoken(channel, one), law) for one in (True, False))
        told[:known][native] = own.surprise(scores[:known][native])
        told[:known][~native] = other.surprise(scores[:known][~native])
        rest = scores[known:]
        told[known:] = np.maximum(own.surprise(rest), other.surprise(rest))
        return told


def spoken(channel: str, native: bool) -> str:
    """Return the name of the law of a channel's texts in the question's language, or in others."""
    return f"{channel} {'native' if native else 'foreign'}"


@method(
    "fuse",
    source="-log p as evidence: Good 1955; Bonferroni; two chances as one: Fisher 1932; shrinkage: "
    "James and Stein 1961",
    scale="nats",
    grounds=True,
    certainty=CERTAINTY,
    certainty_of_clauses=OF_CLAUSES,
    certainty_of_many=OF_MANY,
)
def witnesses(
    rows: Normalised,
    given: Float64,
    *,
    alpha: Annotated[
        float, Field(gt=0, le=1, description="Chance at which a channel begins to be believed.")
    ] = 0.05,
    share: Annotated[
        float, Field(gt=0, le=1, description="Weight of the channel that always has a say.")
    ] = 0.5,
) -> Terms:
    """Sum of what each channel knows beyond chance, in nats.

    y_c(v) = -ln P(a generic question scores as high in channel c), of scores less their mean over
    the videos, which is shrunk to 0 by (n - 1) / n where n videos have the channel; among texts
    in the question's language, or among those in others, as the video's text is. The eye (else
    what most videos have) always has a say: share * y. Any other adds max(0, y - ln(n / a)):
    nothing where the best of n videos would reach as high by chance, so that a channel of noise
    changes nothing. a is `alpha`, and beside the eye x / p where that is more, 1 at most: p is the
    chance that the eye's best is as low as it is, and x the product of two chances that is as rare
    as alpha, x (1 - ln x) = alpha. So what is said, written or known is believed sooner where
    nothing is to be seen.
    What a channel says that another said already is not counted again.
    """
    grounds = rows.grounds or _own(rows)
    value = np.zeros(rows.value.shape)
    first = _first(grounds, rows.dead)
    heard: list[Float64] = []
    chance = alpha
    for channel in sorted(dict.fromkeys(grounds.channels), key=lambda name: name not in first):
        mine = [n for n, name in enumerate(grounds.channels) if name == channel]
        own = np.array(mine, dtype=np.int64)[~rows.dead[mine]]
        if len(own):
            parts = parts_of(grounds, own, given)
            surprise = grounds.surprise(channel, centred(parts.sum(axis=0), grounds.stands_for))
            if not any(np.allclose(surprise, one, equal_nan=True) for one in heard):
                count = float(counted(np.isfinite(surprise), grounds.stands_for))
                if channel == EYE:
                    unseen = _unseen(surprise, count, grounds.stands_for)
                    chance = min(1.0, max(alpha, _both(alpha) / unseen))
                told = _believed(surprise, count, chance, share if channel in first else None)
                value[own] = _shared(parts, told)
            heard.append(surprise)
    return _weighed(rows, given, grounds, value)


def counted(known: Bool, many: Float64 | None) -> Float64:
    """Return (...,) how many of (..., V) videos are known, each as often as `many` (V,) says."""
    return np.asarray((known if many is None else known * many).sum(axis=-1), np.float64)


def centred(scores: Float64, many: Float64 | None = None) -> Float64:
    """Return scores (..., V) less their mean over the n present, shrunk by (n - 1) / n.

    Each counts as often as `many` (V,) says, once where it is None.
    """
    known = np.isfinite(scores)
    count = counted(known, many)[..., None]
    held = np.where(known, scores, 0.0)
    total = (held if many is None else held * many).sum(axis=-1, keepdims=True)
    mean = total / np.maximum(count, 1)
    return np.asarray(scores - mean * np.maximum(count - 1, 0) / np.maximum(count, 1))


def _own(rows: Normalised) -> Grounds:
    """Return the grounds of rows of which nothing is known: each is a channel of its own."""
    names = tuple(str(number) for number in range(len(rows.value)))
    raw = np.where(rows.present, rows.value, np.nan)
    return Grounds(raw, names, (True,) * len(names), {})


def _first(grounds: Grounds, dead: Bool) -> set[str]:
    """Return the channels that always have a say: the eye, else those of most videos."""
    covered = np.where(dead, -1, counted(np.isfinite(grounds.raw), grounds.stands_for)).tolist()
    most: dict[str, float] = {}
    for name, count in zip(grounds.channels, covered, strict=True):
        most[name] = max(most.get(name, -1), count)
    if most.get(EYE, -1) > 0:
        return {EYE}
    return {name for name, count in most.items() if count == max(most.values())}


def parts_of(grounds: Grounds, own: Int64, given: Float64) -> Float64:
    """Return (s, V) what each row of a channel adds to its score; NaN where the first has none."""
    leads = [number for number in own.tolist() if grounds.leads[number]]
    parts = []
    for number in own.tolist():
        raw = grounds.raw[number]
        plain = number == leads[0] if leads else False
        parts.append(raw if plain else given[number] * np.maximum(np.nan_to_num(raw), 0.0))
    table: Float64 = np.stack(parts)
    if leads:
        missing: Bool = np.isnan(grounds.raw[leads[0]])
        table[:, missing] = np.nan
    return table


def _believed(surprise: Float64, count: float, alpha: float, share: float | None) -> Float64:
    """Return (V,) what a channel of `count` videos adds.

    `share` is given for the one that always has a say.
    """
    known: Float64 = np.nan_to_num(surprise)
    if share is not None:
        return share * known
    believed: Float64 = np.maximum(known - np.log(max(1.0, count) / alpha), 0.0)
    return believed


def _unseen(surprise: Float64, count: float, many: Float64 | None) -> float:
    """Return the chance that the best of `count` videos is no more surprising by chance."""
    real = np.isfinite(surprise) & (True if many is None else many > 0)
    best = float(surprise[real].max(initial=0.0))
    return float(np.exp(-min(count * np.exp(-best), _FAR)))


def _both(alpha: float) -> float:
    """Return the x in (0, 1] for which the product of two chances is at most x with chance alpha.

    Fisher 1932: x (1 - ln x) = alpha, solved by halving, since its left side rises.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * (1 - np.log(middle)) < alpha else (low, middle)
    return high


def _shared(parts: Float64, told: Float64) -> Float64:
    """Return (s, V) what a channel adds, divided among its rows by what is above 0 in each."""
    above: Float64 = np.maximum(np.nan_to_num(parts), 0.0)
    total = above.sum(axis=0)
    split = np.divide(above, total, out=np.zeros_like(above), where=total > 0)
    # What is below chance in all rows is the first one's.
    split[0] = np.where(total > 0, split[0], 1.0)
    divided: Float64 = split * told
    return divided


def _weighed(rows: Normalised, given: Float64, grounds: Grounds, value: Float64) -> Terms:
    """Return contributions (S, V) as a weight of each row times a value on the scale of its scores.

    So a channel that is not believed has weight 0, also for what is asked of single pieces.
    """
    top = np.nanmax(np.where(np.isfinite(grounds.raw), grounds.raw, 0.0), axis=1, initial=0.0)
    best = value.max(axis=1, initial=0.0)
    usable = (best > 0) & (live(given, rows) > 0)
    weight = np.where(usable, best / np.where(top > 0, top, 1.0), 0.0)
    scaled = np.divide(value, weight[:, None], out=np.zeros_like(value), where=weight[:, None] > 0)
    return Terms(weight, scaled)
