"""Turns what a question must not be answered with into a loss, only where it stands out.

Every video scores something on everything: the best of its many pieces of evidence lies above
generic questions by chance alone. Only what lies above that is held against a video.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64
from q2e.retrieve.fuse import Fusion
from q2e.retrieve.scan import ScoreRow

#: Ways of scoring by vectors, whose scores are about normal on the scale of the bank.
_DENSE = ("meaning", "picture")


def by_chance(pieces: ArrayLike) -> Float64:
    """Return what the best of n standard normal scores is expected to be, 0 for n < 2.

    Blom's approximation: the quantile (n - 3/8) / (n + 1/4) of the normal law.
    """
    counts = np.asarray(pieces, dtype=np.int64)
    quantile = NormalDist().inv_cdf
    known = {n: quantile((n - 0.375) / (n + 0.25)) if n > 1 else 0.0 for n in set(counts.tolist())}
    return np.array([known[n] for n in counts.tolist()], dtype=np.float64)


def held_against(
    rows: list[ScoreRow], fusion: Fusion, video_of: Int64, least: float, strength: float
) -> tuple[list[ScoreRow], Fusion]:
    """Return the rows of a must-not with what they take off each video (V,), never less than 0.

    A row takes off `strength` times its weight times what its score has above `least` and above
    chance. `video_of` (E,) is the video of each piece of evidence.
    """
    videos = fusion.normalised.shape[1]
    taken = np.zeros((len(rows), videos))
    shifted = []
    for number, row in enumerate(rows):
        limit = np.full(videos, least)
        if row.how in _DENSE:
            pieces = np.bincount(video_of[row.rows], minlength=videos)
            limit = np.maximum(limit, by_chance(pieces))
        above = np.nan_to_num(fusion.normalised[number]) - limit
        taken[number] = np.maximum(above, 0.0)
        shifted.append(
            replace(row, scores=(row.scores - limit[video_of[row.rows]]).astype(np.float32))
        )
    return shifted, Fusion(-strength * fusion.weight, fusion.entropy, taken)
