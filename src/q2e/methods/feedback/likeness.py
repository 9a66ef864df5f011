"""Videos that look alike lend each other score, and the best ones speak for the question.

Videos of one event resemble each other more than they resemble the question, above all across
languages. Two rules use this, one question at a time and without training; pure functions on
arrays. Shapes: V videos, d dimensions, k neighbours. A video without a vector has a row of NaN
or zeros: it neither gives nor takes. Scores are finite and on any scale that allows addition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.methods.feedback.base import First
from q2e.registry import method

NEIGHBOURS, TOP, AGREEMENT, KEPT, POOL = 5, 3, 0.4, 0.5, 1_000


@method("feedback", source="Diaz 2005, score regularization; Rocchio 1971")
def likeness(
    first: First,
    *,
    when: Annotated[
        Literal["events", "always"],
        Field(
            description="For events and for subjects named in a word or two, of which there may be "
            "many videos, or for all questions."
        ),
    ] = "events",
    top: Annotated[
        int, Field(ge=2, le=100, description="Best videos that speak, at most a tenth of all.")
    ] = TOP,
    neighbours: Annotated[
        int, Field(ge=0, le=100, description="Neighbours that may lend to a video.")
    ] = NEIGHBOURS,
    agreement: Annotated[
        float,
        Field(gt=0, le=1, description="Likeness of the best from which they are fully believed."),
    ] = AGREEMENT,
    kept: Annotated[
        float, Field(ge=0, le=100, description="Share that the first ranking keeps.")
    ] = KEPT,
    pool: Annotated[
        int, Field(ge=1, description="Best videos ranked again; the others stay behind.")
    ] = POOL,
) -> Float64 | None:
    """Videos that look alike lend each other score, and the best speak for the question.

    See `refine`.
    """
    if when == "events" and not first.many:
        return None
    return refine(
        first.query,
        first.meaning,
        first.other,
        first.unit(),
        first.score,
        top=top,
        k=neighbours,
        agreement=agreement,
        kept=kept,
        pool=pool,
        many=first.stands_for,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The `index` (V, k) of each video's nearest others and the `weight` (V, k) of each."""

    index: Int64
    weight: Float64


def centred(vectors: ArrayLike, many: Float64 | None = None) -> Float32:
    """Return (V, d) unit vectors of what sets each video apart from the mean of them all.

    Text encoders put all texts into a narrow cone; without its axis, unrelated texts have a
    similarity near 0. In the mean each counts as often as `many` (V,) says.
    """
    found: Float32 = np.nan_to_num(np.asarray(vectors, dtype=np.float32))
    known: Bool = np.linalg.norm(found, axis=1) > 0
    if not known.any():
        return found
    own = found[known]
    middle = own.mean(0, dtype=np.float64) if many is None else np.average(own, 0, many[known])
    apart = found - middle.astype(np.float32)
    length = np.linalg.norm(apart, axis=1)
    # Rounding must not make a direction of what is not apart from the mean at all.
    share = np.divide(1.0, length, out=np.zeros_like(length), where=known & (length > 1e-6))
    return np.asarray(apart * share[:, None], dtype=np.float32)


def neighbours(unit: ArrayLike, k: int = NEIGHBOURS) -> Neighbours:
    """Return each video's `k` nearest with max(0, cos)^2 as weight, from `centred` vectors."""
    # Single precision, and the best one after the other rather than a partition, which takes six
    # times as long: a thousand videos are compared while somebody waits.
    narrow = np.asarray(unit, dtype=np.float32)
    cosines = narrow @ narrow.T
    np.fill_diagonal(cosines, -2.0)
    k = max(0, min(k, len(narrow) - 1))
    index, nearness = np.zeros((len(narrow), k), np.int64), np.zeros((len(narrow), k))
    each = np.arange(len(narrow))
    for place in range(k):
        index[:, place] = best = cosines.argmax(axis=1)
        nearness[:, place] = cosines[each, best]
        cosines[each, best] = -2.0
    return Neighbours(index, np.maximum(nearness, 0.0) ** 2)


def smooth(scores: ArrayLike, near: Neighbours) -> Float64:
    """Return (s_v + sum_u w_uv s_u) / (1 + sum_u w_uv) over the neighbours u of each video.

    One step of score diffusion (Diaz 2005, score regularization); a video that resembles no
    other keeps its score.
    """
    own = np.asarray(scores, dtype=np.float64)
    lent = (near.weight * own[near.index]).sum(axis=1)
    return np.asarray((own + lent) / (1.0 + near.weight.sum(axis=1)))


def moved(
    query: ArrayLike,
    scores: ArrayLike,
    unit: ArrayLike,
    top: int = TOP,
    agreement: float = AGREEMENT,
    many: Float64 | None = None,
) -> Float64:
    """Return the question's vector (d,) moved towards the best videos; Rocchio's rule, held back.

    q / |q| + a m / |m| with m the mean of the best `top` rows of `unit` and a their agreement:
    their mean similarity to each other over `agreement`, in [0, 1]. Where the best videos have
    nothing in common, or the collection has fewer than 20 videos, the question stays as it is.
    """
    value = np.asarray(scores, dtype=np.float64)
    asked = _unit(np.asarray(query, dtype=np.float64))
    top = min(top, int(len(value) if many is None else many.sum()) // 10)
    if top < 2:
        return asked
    best = np.asarray(unit)[np.argsort(-value, kind="stable")[:top]].astype(np.float64)
    total = best.sum(axis=0)
    alike = (total @ total - (best * best).sum()) / (top * (top - 1))
    return asked + float(np.clip(alike / agreement, 0.0, 1.0)) * _unit(total)


def refine(
    query: ArrayLike,
    meaning: ArrayLike,
    other: ArrayLike,
    unit: Float32,
    score: Callable[[Float64], ArrayLike],
    *,
    top: int = TOP,
    k: int = NEIGHBOURS,
    agreement: float = AGREEMENT,
    kept: float = KEPT,
    pool: int = POOL,
    many: Float64 | None = None,
) -> Float64:
    """Return the scores (V,) of a question after smoothing, feedback and smoothing again.

    `query` (d,) is the corrected question (`subtract_bank`), `meaning` (V,) its scores,
    `other` (V,) what words add to them on the same scale, `unit` (V, d) the mean vector of each
    video's evidence, `centred`, and `score` the function that gives (V,) the scores of another
    vector. Only the `pool` best videos are ranked again, and the first ranking keeps a share. Each
    video stands for as many as `many` (V,) says, for itself alone where it is None.
    """
    first = np.asarray(meaning, dtype=np.float64)
    rest = np.asarray(other, dtype=np.float64)
    hybrid = first + rest
    best = np.sort(np.argsort(-hybrid, kind="stable")[:pool])
    near = neighbours(unit[best], k)
    smoothed = hybrid.copy()
    smoothed[best] = smooth(hybrid[best], near)
    asked = moved(query, smoothed, unit, top, agreement, many)
    again = _matched(np.asarray(score(asked), dtype=np.float64), first, many)
    both = (again + rest + kept * hybrid) / (1.0 + kept)
    refined = hybrid.copy()
    refined[best] = smooth(both[best], near)
    if len(best) < len(refined):
        behind = np.ones(len(refined), dtype=bool)
        behind[best] = False
        refined[behind] -= max(0.0, float(refined[behind].max() - refined[best].min()))
    return refined


def _matched(values: Float64, like: Float64, many: Float64 | None) -> Float64:
    """Return `values` with the mean and standard deviation of `like`."""
    own, other = np.average(values, weights=many), np.average(like, weights=many)
    spread = math.sqrt(float(np.average((values - own) ** 2, weights=many)))
    wanted = math.sqrt(float(np.average((like - other) ** 2, weights=many)))
    return np.asarray((values - own) * (wanted / spread if spread > 0 else 0.0) + other)


def _unit(vectors: Float64) -> Float64:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0))
