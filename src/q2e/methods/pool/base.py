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

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float32, Float64, Int64
from q2e.registry import Choice

#: Softness of weights, in units of an inner product.
Softness = Annotated[
    float, Field(ge=1e-9, le=1e9, description="Softness: near 0 the best, large all alike.")
]


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
