"""Says how likely videos are to be some of many that answer, as those about an event are.

Certainty is won against all other videos. Where many answer they would stand in each other's way:
such videos are known by standing above those that are not among the best, and by likeness.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float32, Float64, Int64

#: Videos at the head of the ranking that do not count against one another.
BEST = 10
#: Of these, how many a video is compared with.
COMPARED = 4


class Fellows(NamedTuple):
    """Log-odds that a video is one of many that answer: at an evidence of 0, and by each sign.

    By nat of evidence above what videos beyond the best, and none at all, have; by size, the share
    n / (n + 4) of n other videos, and by both; by what its best text says, as in `Law`; by its
    likeness to the best, and by that times the size.
    """

    start: float
    above: float
    size: float
    above_by_size: float
    text: float
    alike: float
    alike_by_size: float


def above_the_rest(
    evidence: Float64, ranking: Int64, nothing: float, many: Float64 | None = None
) -> Float64:
    """Return evidence (V,) in nats less the logarithm of what all but the best videos have.

    `nothing` videos that know nothing stand beside them; each stands for as many as `many` says.
    """
    rest = np.delete(evidence, ranking[:BEST])
    often = np.zeros(len(rest)) if many is None else np.log(np.delete(many, ranking[:BEST]))
    others = float(np.logaddexp.reduce(np.append(rest + often, np.log(nothing))))
    return np.asarray(evidence - others, np.float64)


def likeness(unit: Float32, ranking: Int64, videos: ArrayLike) -> Float64:
    """Return (n,) the mean cosine of videos to the best others, by `centred` vectors (V, d)."""
    asked = np.asarray(videos, np.int64)
    best = ranking[:COMPARED]
    other = asked[:, None] != best
    # Without BLAS, whose last digits tell how many are asked for.
    cosine = np.nan_to_num(np.einsum("nd,bd->nb", unit[asked], unit[best]))
    return np.asarray((cosine * other).sum(axis=1) / np.maximum(other.sum(axis=1), 1), np.float64)


def by_fellows(
    law: Fellows, above: ArrayLike, size: ArrayLike, text: ArrayLike, alike: ArrayLike
) -> Float64:
    """Return (n,) the chance that videos are some of many that answer, of the signs of each."""
    high, like, share = (np.asarray(one, np.float64) for one in (above, alike, size))
    told = np.stack((high, share, share * high, np.asarray(text, np.float64), like, share * like))
    level = law.start + (np.array(law[1:])[:, None] * told.reshape(6, -1)).sum(axis=0)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(level, -40.0, 40.0))))
