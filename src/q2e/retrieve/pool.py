"""How the scores of one video's evidence become one score: published rules by name, pure numpy.

Shapes: q texts of one part of a question, n pieces of evidence of one channel, g videos, d
dimensions. Evidence lies video after video and in time order within a video; `starts` (g,) says
where each video begins. Every rule answers on the scale of a single inner product of a text and a
piece of evidence, so the zero and unit measured for these hold for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.errors import FusionError

#: Pieces of evidence that `top` averages.
BEST = 3
#: Key events that a video is summed up in.
EVENTS = 4
#: Softness of the weights in CLIP-Hitchhiker, and of the transport in OST, as published.
TAU = 0.1
#: Softness of the soft maximum, in units of an inner product.
SOFT = 0.02
_ROUNDS = 100
_SETTLED = 1e-3
_TINY = 1e-300


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


# -- rules: a bag -> (g,) ------------------------------------------------------------------------
def best(bag: Bag) -> Float64:
    """max_i s_i: the best frame (CLIP meets GamePhysics; Q2E's many-to-many score).

    More evidence never lowers it.
    """
    return bag.highest(bag.best)


def top(bag: Bag, m: int = BEST) -> Float64:
    """Mean of the `m` best s_i, of all where there are fewer; m = 1 is `best`."""
    score = bag.best
    order = np.lexsort((-score, bag.group))
    place = np.arange(len(order)) - np.repeat(bag.starts, bag.sizes)
    return bag.total(np.where(place < m, score[order], 0.0)) / np.minimum(bag.sizes, m)


def mean(bag: Bag) -> Float64:
    """cos(t, sum_i f_i): mean pooling (CLIP4Clip's parameter-free head; Q2E's video score)."""
    return _weighted(bag, np.ones(bag.scores.shape[1])[None])


def hitchhiker(bag: Bag, tau: float = TAU) -> Float64:
    """cos(t, sum_i w_i f_i), w = softmax_i(s_i / tau): CLIP-Hitchhiker's query scoring.

    Bain et al. 2022, A CLIP-Hitchhiker's Guide to Long Video Retrieval. `tau` near 0 tends to
    `best`, a large one to `mean`; meant for videos with many frames.
    """
    _above_zero(tau)
    return _weighted(bag, bag.shares(bag.scores.astype(np.float64) / tau))


def soft(bag: Bag, tau: float = SOFT) -> Float64:
    """tau log mean_i exp(s_i / tau): a maximum that all evidence has a say in.

    Log-mean-exp, as in multiple-instance learning (Ramon and De Raedt 2000). `tau` near 0 tends
    to `best`, a large one to the mean score.
    """
    _above_zero(tau)
    raised = bag.best / tau
    peak = bag.highest(raised)
    total = bag.total(np.exp(raised - peak[bag.group]))
    return np.asarray(tau * (peak + np.log(total / bag.sizes)))


def mean_max_sim(bag: Bag) -> Float64:
    """1/2 [mean_j max_i q_j.f_i + mean_j max_i q_j.u_i]: Video-ColBERT's MeanMaxSim.

    Reddy et al. 2025. Texts stand for query tokens; u_i, there the output of a trained temporal
    transformer, is here the mean of three neighbouring pieces of a video, of unit length. The
    paper adds its two halves; halving keeps the scale.
    """
    vectors = bag.vectors
    around = vectors.copy()
    within = np.diff(bag.group) == 0
    around[1:][within] += vectors[:-1][within]
    around[:-1][within] += vectors[1:][within]
    smooth = bag.queries @ _unit(around).T
    pair = bag.highest(bag.scores).mean(axis=0) + bag.highest(smooth).mean(axis=0)
    return np.asarray(pair / 2)


def chamfer(bag: Bag) -> Float64:
    """1/2 [mean_j max_i s_ji + mean_i max_j s_ji]: Chamfer similarity of texts and evidence.

    Escorcia et al. 2019, Finding Moments in Video Collections Using Natural Language, whose
    squared distance of unit vectors is 2 - 2s.
    """
    there = bag.highest(bag.scores).mean(axis=0)
    return np.asarray((there + bag.total(bag.best) / bag.sizes) / 2)


def transport(bag: Bag) -> Float64:
    """1/2 [<P, S> + mean S], P the entropic plan between texts and evidence: OST.

    Chen et al. 2024, OST: Refining Text Knowledge with Optimal Spatio-Temporal Descriptor: cost
    1 - s, K = exp(-cost / 0.1), uniform marginals, at most 100 Sinkhorn rounds. Its two kinds of
    descriptor are here the parts of a question, fused by their rows.
    """
    scores = bag.scores.astype(np.float64)
    plan = transport_plan(bag, scores)
    alike = bag.total(scores).mean(axis=0) / bag.sizes
    return np.asarray((bag.total((plan * scores).sum(axis=0)) + alike) / 2)


def transport_plan(bag: Bag, scores: Float64, tau: float = TAU) -> Float64:
    """Return P (q, n): for each video a plan whose columns sum to 1/n_v and rows to 1/q."""
    # A shift of the cost of a video changes nothing in P, and keeps exp in range.
    kernel = np.exp((scores - bag.highest(scores).max(axis=0)[bag.group]) / tau)
    share = (1.0 / bag.sizes)[bag.group]
    texts = np.ones((len(scores), len(bag.starts)))
    pieces = np.zeros(scores.shape[1])
    moving = np.ones(len(bag.starts), dtype=bool)
    for _ in range(_ROUNDS):
        fresh = share / np.maximum((kernel * texts[:, bag.group]).sum(axis=0), _TINY)
        # A video stops by itself, so that the others have no say in its plan.
        moved = np.where(moving[bag.group], fresh, pieces)
        moving = bag.highest(np.abs(moved - pieces) / moved) > _SETTLED
        pieces = moved
        texts = 1.0 / np.maximum(len(scores) * bag.total(kernel * pieces), _TINY)
        if not moving.any():
            break
    return np.asarray(kernel * pieces * texts[:, bag.group])


def cross_alignment(bag: Bag, tau: float = 1.0) -> Float64:
    """sum_ij w_i v_j s_ji with w = softmax_i cos(mean f, f_i), v = softmax_j cos(y, y_j): WCA.

    Li et al. 2024, Visual-Text Cross Alignment. There f_i are crops of one picture and y_j its
    described class; here the pieces of a video, and the part's texts beside its first one, y.
    """
    _above_zero(tau)
    vectors = bag.vectors
    middle = _unit(np.add.reduceat(vectors, bag.starts, axis=0))
    weight = bag.shares(np.einsum("nd,nd->n", vectors, middle[bag.group]).astype(np.float64) / tau)
    texts = _unit(bag.queries)
    near = np.exp((texts @ texts[0]).astype(np.float64) / tau)
    return bag.total(weight * ((near / near.sum()) @ bag.scores))


def key_events(bag: Bag, k: int = EVENTS) -> Float64:
    """max_c q.c over the `k` key events of a video, the unit means of its clusters: MeVTR.

    Zhang et al. 2023, Multi-event Video-Text Retrieval, whose clustering is k-medoids; see
    `centres`. A video of at most `k` pieces has its own as key events.
    """
    if f"centres {k}" not in bag.memory:
        bag.memory[f"centres {k}"] = centres(bag, k)
    middle, video = bag.memory[f"centres {k}"]
    return np.asarray(
        np.maximum.reduceat(
            (bag.queries @ middle.T).max(axis=0).astype(np.float64),
            np.flatnonzero(np.diff(video, prepend=-1)),
        )
    )


def centres(bag: Bag, k: int = EVENTS, rounds: int = 3) -> tuple[Float32, Int64]:
    """Return the unit means (c, d) of at most `k` clusters a video, and their video (c,), sorted.

    Spherical k-means from pieces that lie farthest apart, the same for equal videos. It does not
    depend on the question.
    """
    vectors, group = _unit(bag.vectors), bag.group
    middle = _unit(np.add.reduceat(vectors, bag.starts, axis=0))
    nearest = np.einsum("nd,nd->n", vectors, middle[group])
    chosen = [_first_lowest(nearest, bag)]
    nearest = np.einsum("nd,nd->n", vectors, vectors[chosen[0]][group])
    while len(chosen) < k:
        chosen.append(_first_lowest(nearest, bag))
        near = np.einsum("nd,nd->n", vectors, vectors[chosen[-1]][group])
        nearest = np.maximum(nearest, near)
    heart = np.stack([vectors[index] for index in chosen])
    for _ in range(rounds):
        cosines = np.stack([np.einsum("nd,nd->n", vectors, own[group]) for own in heart])
        member = cosines.argmax(axis=0)
        for number in range(k):
            mine: Bool = np.equal(member[:, None], number)
            found = np.add.reduceat(np.where(mine, vectors, 0.0), bag.starts, axis=0)
            heart[number] = np.where(
                np.any(found, axis=1, keepdims=True), _unit(found), heart[number]
            )
    count = np.minimum(bag.sizes, k)
    video = np.repeat(np.arange(len(count)), count)
    return heart[np.concatenate([np.arange(own) for own in count]), video], video


def ordered(bag: Bag, steps: ArrayLike) -> tuple[Float64, Int64]:
    """Match steps to evidence in time order: scores (s, g) and positions (s, g) of the matches.

    `steps` (s, n) is the score of each step with each piece. Of all ways in which a later step
    has no earlier piece, the one with the largest sum: ordered matching of a schema, after
    Yang et al. 2021, Induce, Edit, Retrieve. Never above each step's own maximum, and equal to
    it where these are in order already.
    """
    table = np.atleast_2d(np.asarray(steps, dtype=np.float64))
    until: list[Int64] = []
    reached = np.zeros(table.shape[1])
    for row in table:
        sum_here = row + reached
        last = _running_best(sum_here, bag)
        until.append(last)
        reached = sum_here[last]
    ends = bag.starts + bag.sizes - 1
    place = np.empty((len(table), len(bag.starts)), dtype=np.int64)
    for number in range(len(table) - 1, -1, -1):
        ends = until[number][ends]
        place[number] = ends
    return np.take_along_axis(table, place, axis=1), place


def schema(bag: Bag) -> Float64:
    """Mean over the texts, taken as steps in their order, of their `ordered` matches.

    In a search the steps are the kinds of sub-event, matched across parts of the question.
    """
    return np.asarray(ordered(bag, bag.scores)[0].mean(axis=0))


Formula = Callable[[Bag], Float64]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pooling rule as data."""

    formula: Formula
    source: str


#: Pooling rules by name.
POOLS: Mapping[str, Rule] = MappingProxyType(
    {
        "max": Rule(best, "best frame: CLIP meets GamePhysics; Q2E"),
        "top": Rule(top, "mean of the three best"),
        "mean": Rule(mean, "mean pooling: CLIP4Clip; Q2E"),
        "hitchhiker": Rule(hitchhiker, "query scoring: CLIP-Hitchhiker"),
        "soft": Rule(soft, "log-mean-exp"),
        "meanmaxsim": Rule(mean_max_sim, "Video-ColBERT"),
        "chamfer": Rule(chamfer, "Finding Moments in Video Collections"),
        "transport": Rule(transport, "optimal transport: OST"),
        "cross_alignment": Rule(cross_alignment, "weighted cross alignment: WCA"),
        "key_events": Rule(key_events, "key-event sets: MeVTR"),
        "schema": Rule(schema, "ordered steps: Induce, Edit, Retrieve"),
    }
)


def pool(
    rule: str, queries: ArrayLike, vectors: ArrayLike, video: ArrayLike, n_videos: int
) -> Float64:
    """Return the score (V,) of each video under a rule, NaN for one without evidence.

    `queries` (q, d) or (d,), `vectors` (n, d) of evidence in time order and `video` (n,) the
    number of the video of each. Raises FusionError for an unknown rule.
    """
    formula = pool_by(rule)
    bag, videos = Bag.of(queries, vectors, video)
    pooled = np.full(n_videos, np.nan)
    if len(videos):
        pooled[videos] = formula(bag)
    return pooled


def pool_by(rule: str) -> Formula:
    """Return the formula of a rule. Raises FusionError for an unknown one."""
    if rule not in POOLS:
        raise FusionError(f"unknown pooling rule {rule!r}; known: {', '.join(POOLS)}")
    return POOLS[rule].formula


def _above_zero(tau: float) -> None:
    if not tau > 0:
        raise FusionError(f"tau must be above 0, got {tau}")


def _weighted(bag: Bag, weight: Float64) -> Float64:
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


def _first_lowest(values: Float32, bag: Bag) -> Int64:
    """Return the position (g,) of the first lowest value (n,) of each video."""
    lowest = np.minimum.reduceat(values, bag.starts)
    at = np.flatnonzero(np.asarray(lowest)[bag.group] == values)
    return at[np.searchsorted(at, bag.starts)].astype(np.int64)


def _running_best(values: Float64, bag: Bag) -> Int64:
    """Return (n,) the position of the best value of the same video up to each place."""
    spread = float(np.ptp(values)) + 1.0
    highest = np.maximum.accumulate(values + spread * bag.group)
    fresh = np.diff(highest, prepend=-np.inf) > 0
    return np.maximum.accumulate(np.where(fresh, np.arange(len(values)), 0)).astype(np.int64)


def _unit(vectors: Float32) -> Float32:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return np.asarray(unit, dtype=np.float32)
