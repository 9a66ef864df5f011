"""From scores of evidence to one score per video; pure functions on arrays.

Shapes: E rows of evidence in the index, V videos, n scored rows, q question vectors, d dimensions.
A video without evidence has no score: NaN, never zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64


def video_scores(
    rows: ArrayLike, scores: ArrayLike, video_of_row: ArrayLike, n_videos: int
) -> tuple[Float64, Int64]:
    """Return the best score (V,) of each video and the row (V,) of evidence that has it.

    `rows` (n,) are row numbers of evidence, `scores` (n,) their scores (NaN counts as not
    scored) and `video_of_row` (E,) the video of every row. A video without a score gets NaN and
    row -1. Among equal scores the lowest row number wins. The maximum over a video's frames is
    the max-frame score of CLIP meets GamePhysics; adding evidence never lowers it.
    """
    row, score, video = _scored(rows, scores, video_of_row)
    order = np.lexsort((row, -score, video))
    first = order[_starts(video[order])]
    best = np.full(n_videos, np.nan)
    argbest = np.full(n_videos, -1, dtype=np.int64)
    best[video[first]] = score[first]
    argbest[video[first]] = row[first]
    return best, argbest


def video_scores_top(
    rows: ArrayLike, scores: ArrayLike, video_of_row: ArrayLike, n_videos: int, m: int = 3
) -> Float64:
    """Return the mean (V,) of each video's `m` best scores, of all it has where it has fewer.

    Arguments as in `video_scores`, which is the case m = 1; NaN for a video without a score.
    """
    if m < 1:
        raise ValueError(f"m must be at least 1, got {m}")
    _, score, video = _scored(rows, scores, video_of_row)
    order = np.lexsort((-score, video))
    score, video = score[order], video[order]
    starts = _starts(video)
    place = np.arange(len(video)) - np.repeat(starts, np.diff(np.append(starts, len(video))))
    kept = place < m
    return _group_mean(score[kept], video[kept], n_videos)


def many_to_many(scores: ArrayLike, floor: float | None = None) -> tuple[Float64, Int64]:
    """Return the best score (n,) of each item over q question vectors, and which one (n,) has it.

    `scores` is (q, n), NaN where a pair has no score; an item without any gets NaN and -1. Q2E's
    many-to-many score is this followed by `video_scores`. With `floor` nothing falls below it:
    the reference code starts its maximum at 0, which clips negative similarities.
    """
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if table.shape[0] == 0:
        return np.full(table.shape[1], np.nan), np.full(table.shape[1], -1, dtype=np.int64)
    present = ~np.isnan(table)
    filled = np.where(present, table, -np.inf)
    which = np.where(present.any(axis=0), filled.argmax(axis=0), -1).astype(np.int64)
    best = np.where(which >= 0, filled.max(axis=0), np.nan)
    return (best if floor is None else np.maximum(best, floor)), which


def _scored(
    rows: ArrayLike, scores: ArrayLike, video_of_row: ArrayLike
) -> tuple[Int64, Float64, Int64]:
    row = np.asarray(rows, dtype=np.int64)
    score = np.asarray(scores, dtype=np.float64)
    if row.shape != score.shape or row.ndim != 1:
        raise ValueError(f"rows and scores must be (n,) both, got {row.shape} and {score.shape}")
    known = ~np.isnan(score)
    row, score = row[known], score[known]
    return row, score, np.asarray(video_of_row, dtype=np.int64)[row]


def _starts(groups: Int64) -> Int64:
    """Return where each group begins in a sorted array of group numbers."""
    return np.flatnonzero(np.diff(groups, prepend=-1)).astype(np.int64)


def _group_mean(values: Float64, group: Int64, n_groups: int) -> Float64:
    count = np.bincount(group, minlength=n_groups)
    total = np.bincount(group, weights=values, minlength=n_groups)
    return np.asarray(np.divide(total, count, out=np.full(n_groups, np.nan), where=count > 0))
