"""One score of a video from its evidence: what a rule is given, and which rule is chosen.

Shapes: q texts of one part of a question, n pieces of evidence of one channel, g videos, d
dimensions. Evidence lies video after video and in time order within a video; `starts` (g,) says
where each video begins. A rule is a method of kind `pool`: a `Bag` -> scores (g,). Every rule
answers on the scale of a single inner product of a text and a piece of evidence, so the zero and
unit measured for these hold for all of them.

Facts of a rule: `scanned`, where its scores are the maxima that scanning finds anyway; `steps`,
where it matches the parts of a question in time order, across the rows of all of them; `timed`,
where the order of a video's evidence in time matters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float32, Float64, Int64
from q2e.errors import ConfigError
from q2e.registry import Choice
from q2e.types import check_channel

#: Softness of weights, in units of an inner product.
Softness = Annotated[
    float, Field(ge=1e-9, le=1e9, description="Softness: near 0 the best, large all alike.")
]


#: What stands for every channel that is not named.
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Pools:
    """Which rule pools each channel; written `max`, or `{"*": "max", "frame": "mean"}`."""

    default: Choice
    channels: tuple[tuple[str, Choice], ...] = ()
    """Those with a rule of their own, by name."""

    @classmethod
    def of(cls, said: str | Mapping[str, str] | Sequence[str] | Pools) -> Pools:
        """Return what was said: a rule, a mapping (or its JSON), or `RULE` and `CHANNEL=RULE`.

        Channels that are not named take the rule of `*`, else `max`. Raises ConfigError for an
        unknown rule and for what can name no channel.
        """
        if isinstance(said, Pools):
            return said
        if isinstance(said, str):
            said = _mapping(said) if said.lstrip().startswith("{") else [said]
        if not isinstance(said, Mapping):
            said = dict(_pair(one) for one in said)
        rules = {channel: chosen(rule) for channel, rule in said.items()}
        default = rules.pop(EVERY, None) or chosen("max")
        for channel in rules:
            try:
                check_channel(channel)
            except ValueError as error:
                raise ConfigError(f"pool: {error}, or {EVERY} for all others") from None
        own = tuple(sorted((one, rule) for one, rule in rules.items() if rule != default))
        return cls(default, own)

    def for_channel(self, name: str) -> Choice:
        """Return the rule that pools a channel's evidence."""
        return dict(self.channels).get(name, self.default)

    def without_steps(self) -> Pools:
        """Return it for questions that have no events: a rule of steps is `max` to them."""

        def plain(rule: Choice) -> Choice:
            return chosen("max") if rule.method.facts.get("steps") else rule

        return Pools(plain(self.default), tuple((one, plain(own)) for one, own in self.channels))

    def __str__(self) -> str:
        if not self.channels:
            return str(self.default)
        rules = {EVERY: self.default, **dict(self.channels)}
        return json.dumps({channel: str(rule) for channel, rule in rules.items()})


def _mapping(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(rule, str) for rule in found.values()):
        example = '{"*": "max", "frame": "mean"}'
        raise ConfigError(f"pool = {text[:80]!r}: a rule a channel is written  {example}")
    return found


def _pair(text: str) -> tuple[str, str]:
    """Return channel and rule of `CHANNEL=RULE`, or of a rule alone, whose arguments have `=`."""
    head, sign, rule = text.partition("=")
    return (head.strip(), rule.strip()) if sign and "(" not in head else (EVERY, text.strip())


@dataclass(frozen=True, eq=False)
class Bag:
    """Texts (q, d) against the evidence `matrix[take]` (n, d) of g videos; see `Bag.of`.

    `scores` (q, n) are their inner products. No video is empty and no score is missing.
    """

    queries: Float32
    matrix: Float32
    take: Int64
    starts: Int64
    scores: Float32
    memory: dict[str, Any] = field(default_factory=dict)
    """What rules keep of the evidence between questions."""

    @classmethod
    def of(cls, queries: ArrayLike, vectors: ArrayLike, video: ArrayLike) -> tuple[Bag, Int64]:
        """Return a bag of the evidence (n, d) of videos (n,), and the videos it holds, sorted.

        Evidence in which any number is missing (NaN) is left out.
        """
        asked = np.atleast_2d(np.asarray(queries, dtype=np.float32))
        matrix = np.asarray(vectors, dtype=np.float32).reshape(-1, asked.shape[1])
        owner = np.asarray(video, dtype=np.int64)
        known = np.flatnonzero(~np.isnan(matrix).any(axis=1))
        take = known[np.argsort(owner[known], kind="stable")]
        starts = np.flatnonzero(np.diff(owner[take], prepend=-1)).astype(np.int64)
        bag = cls(asked, matrix, take, starts, asked @ matrix[take].T)
        return bag, owner[take][starts]

    @property
    def vectors(self) -> Float32:
        """(n, d) the evidence itself."""
        return np.asarray(self.matrix[self.take])

    @cached_property
    def sizes(self) -> Int64:
        """(g,) pieces of evidence of each video."""
        return np.diff(np.append(self.starts, len(self.take)))

    @cached_property
    def group(self) -> Int64:
        """(n,) the number, below g, of each piece's video."""
        return np.repeat(np.arange(len(self.starts)), self.sizes)

    @property
    def best(self) -> Float64:
        """(n,) the best score of each piece over the texts."""
        return np.asarray(self.scores.max(axis=0), dtype=np.float64)

    def total(self, values: Float64) -> Float64:
        """Return the sums (..., g) of values (..., n) over each video's evidence."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=-1))

    def highest(self, values: Float64 | Float32) -> Float64:
        """Return the maxima (..., g) of values (..., n) over each video's evidence."""
        highest: Float64 = np.maximum.reduceat(values.astype(np.float64), self.starts, axis=-1)
        return highest

    def shares(self, values: Float64) -> Float64:
        """Return the softmax of values (..., n) over each video's evidence."""
        raised = np.exp(values - self.highest(values)[..., self.group])
        return np.asarray(raised / self.total(raised)[..., self.group])


def pooled(
    rule: str | Choice, queries: ArrayLike, vectors: ArrayLike, video: ArrayLike, n_videos: int
) -> Float64:
    """Return the score (V,) of each video under a rule, NaN for one without evidence.

    `queries` (q, d) or (d,), `vectors` (n, d) of evidence in time order and `video` (n,) the
    number of the video of each. Raises ConfigError for an unknown rule.
    """
    choice = chosen(rule)
    bag, videos = Bag.of(queries, vectors, video)
    scores = np.full(n_videos, np.nan)
    if len(videos):
        scores[videos] = choice.bound(bag)
    return scores


def chosen(rule: str | Choice) -> Choice:
    """Return the rule that a text such as `top(m=5)` names. Raises ConfigError."""
    if not isinstance(rule, str):
        return rule
    from q2e.plugins import registry

    return registry().one("pool", rule)


# -- what several rules share -----------------------------------------------------------------
def weighted(bag: Bag, weight: Float64) -> Float64:
    """Return the best over the texts of cos(t, sum_i w_i f_i), of t not of unit length t.v / |v|.

    `weight` is (q, n), or (1, n) for all texts.
    """
    vectors = bag.vectors
    found = []
    for number, scores in enumerate(bag.scores):
        own = weight[number if len(weight) > 1 else 0]
        pooled = np.add.reduceat(own[:, None].astype(np.float32) * vectors, bag.starts, axis=0)
        length = np.linalg.norm(pooled, axis=1).astype(np.float64)
        along = bag.total(own * scores)
        found.append(np.divide(along, length, out=np.zeros(len(length)), where=length > 0))
    return np.asarray(np.max(found, axis=0))


def unit(vectors: Float32) -> Float32:
    """Return vectors (..., d) of unit length; those of length 0 stay so."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return np.asarray(scaled, dtype=np.float32)
