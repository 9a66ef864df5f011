"""Says what stands out, and what a video loses where that is not wanted.

Every video scores something on everything: the best of its many pieces of evidence lies above
generic questions by chance alone. Only what lies above that counts for a step of an order, or
against a video.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64
from q2e.channel_facts import is_timeless
from q2e.methods.rows import ScoreRow

#: Ways of scoring by vectors, whose scores are about normal on the scale of the bank.
_DENSE = ("meaning", "picture")
#: Score that one piece of evidence in forty reaches by chance.
STANDS_OUT = 2.0
#: Deviations from where something stands out to where it is sure, and back to where it may be.
RAMP = 0.5


def by_chance(pieces: ArrayLike) -> Float64:
    """Return what the best of n standard normal scores is expected to be, 0 for n < 2.

    Blom's approximation: the quantile (n - 3/8) / (n + 1/4) of the normal law.
    """
    counts = np.asarray(pieces, dtype=np.int64)
    quantile = NormalDist().inv_cdf
    different, which = np.unique(counts, return_inverse=True)
    known = [quantile((n - 0.375) / (n + 0.25)) if n > 1 else 0.0 for n in different.tolist()]
    return np.array(known, dtype=np.float64)[which]


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


def shown(
    rows: Sequence[ScoreRow], told: Float64, video_of: Int64, least: float
) -> tuple[Float64, Float64]:
    """Return (E,) how surely each piece of evidence shows something, and (S, V) by how much.

    A video shows it as surely as its best piece stands out in a row that is believed, `told`
    (S, V) being what rows add for it: not at all at `stands_above`, fully `RAMP` higher. In such a
    video a piece counts that nearly stands out too, as with the two thresholds of Canny (1986): it
    shows the same from aside. What a title or a summary vaguely means shows nothing;
    the words in it do.
    """
    videos = told.shape[1]
    above = np.zeros((len(rows), videos))
    piece = np.full(len(video_of), -np.inf)
    for number, row in enumerate(rows):
        if row.how == "meaning" and is_timeless(row.channel):
            continue
        own = video_of[row.rows]
        excess = row.scores - stands_above(row, video_of, videos, least)[own]
        believed = np.isfinite(excess) & (told[number, own] > 0)
        excess = np.where(believed, excess, -np.inf)
        np.maximum.at(above[number], own, excess)
        piece[row.rows] = np.maximum(piece[row.rows], excess)  # each piece stands there once
    sure = np.clip(above.max(axis=0, initial=0.0) / RAMP, 0.0, 1.0)
    return sure[video_of] * np.clip((piece + RAMP) / RAMP, 0.0, 1.0), above


def share_lost(worth: Float64, seen: Float64, whole: Float64, video_of: Int64) -> Float64:
    """Return (V,) the share of what videos offer that shows the unwanted at the same time.

    `worth` (n,) is what pieces of evidence that stand out say for the question, `seen` (n,) how
    surely each shows the unwanted, `whole` (V,) how surely each video does. A video with another
    moment that answers loses but the difference; one of which nothing stands out loses it all.
    """
    before, after = np.full(len(whole), -np.inf), np.full(len(whole), -np.inf)
    np.maximum.at(before, video_of, worth)
    np.maximum.at(after, video_of, worth * (1.0 - seen))
    some = before > 0
    lost = 1.0 - np.divide(after, before, out=np.zeros(len(whole)), where=some)
    return np.where(some, np.minimum(lost, whole), whole)


def fall(score: Float64, share: Float64, above: Float64) -> Float64:
    """Return (V,) what is taken off scores (V,) for a share (V,) of the unwanted.

    What shows it alone falls below all that does not, the deeper the more it stands out (`above`
    (S, V)).
    """
    least = min(0.0, float(score.min(initial=0.0)))
    deep: Float64 = share * (score - least + above.max(axis=0, initial=0.0))
    return deep
