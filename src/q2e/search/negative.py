"""Says what stands out, and turns a must-not into a loss where it does.

Every video scores something on everything: the best of its many pieces of evidence lies above
generic questions by chance alone. Only what lies above that counts for a step of an order, or
against a video.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64
from q2e.channel_facts import is_timeless
from q2e.methods.fuse.base import Fusion
from q2e.methods.rows import ScoreRow

#: Ways of scoring by vectors, whose scores are about normal on the scale of the bank.
_DENSE = ("meaning", "picture")
#: Score that one piece of evidence in forty reaches by chance.
STANDS_OUT = 2.0


def by_chance(pieces: ArrayLike) -> Float64:
    """Return what the best of n standard normal scores is expected to be, 0 for n < 2.

    Blom's approximation: the quantile (n - 3/8) / (n + 1/4) of the normal law.
    """
    counts = np.asarray(pieces, dtype=np.int64)
    quantile = NormalDist().inv_cdf
    known = {n: quantile((n - 0.375) / (n + 0.25)) if n > 1 else 0.0 for n in set(counts.tolist())}
    return np.array([known[n] for n in counts.tolist()], dtype=np.float64)


def stands_above(row: ScoreRow, video_of: Int64, videos: int, least: float) -> Float64:
    """Return (V,) the score from which a row's evidence stands out in each video.

    It is `least`, or what chance makes of as many pieces of evidence as the video has in the
    channel. `video_of` (E,) is the video of each piece of evidence.
    """
    limit = np.full(videos, max(least, STANDS_OUT))
    if row.how not in _DENSE:
        return limit
    chance: Float64 = by_chance(np.bincount(video_of[row.rows], minlength=videos))
    return np.asarray(np.maximum(limit, chance))


def held_against(
    rows: list[ScoreRow], fusion: Fusion, video_of: Int64, least: float
) -> tuple[list[ScoreRow], Fusion]:
    """Return the rows of a must-not with what they hold against each video (V,), at least 0.

    A row holds against a video its weight times what its score has above `stands_above`. What a
    title or a summary vaguely means is held against nobody; the words in it are.
    """
    vague = [row.how == "meaning" and is_timeless(row.channel) for row in rows]
    own = [number for number, out in enumerate(vague) if not out]
    rows = [rows[number] for number in own]
    fusion = Fusion(fusion.weight[own], fusion.entropy[own], fusion.normalised[own])
    videos = fusion.normalised.shape[1]
    held = np.zeros((len(rows), videos))
    shifted = []
    for number, row in enumerate(rows):
        limit = stands_above(row, video_of, videos, least)
        held[number] = np.maximum(np.nan_to_num(fusion.normalised[number]) - limit, 0.0)
        shifted.append(
            replace(row, scores=(row.scores - limit[video_of[row.rows]]).astype(np.float32))
        )
    return shifted, Fusion(-fusion.weight, fusion.entropy, held)


def taken_off(worth: Float64, lost: Float64, video_of: Int64, videos: int) -> Float64:
    """Return (V,) what a must-not takes off the best that each video has to offer.

    `worth` (n,) is what pieces of evidence say for the question, `lost` (n,) what speaks against
    it at the same time. A video with another moment that answers loses but the difference.
    """
    before, after = np.full(videos, -np.inf), np.full(videos, -np.inf)
    np.maximum.at(before, video_of, worth)
    np.maximum.at(after, video_of, worth - lost)
    some = np.isfinite(before)
    return np.where(some, np.where(some, before, 0.0) - np.where(some, after, 0.0), np.inf)
