"""Moments of one video measured as QVHighlights does, by detection; pure functions on intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.moment_measures import VideoMoment, iou

#: Moments of a query that count, best first, and the overlaps whose precision is averaged.
MOST = 10
OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


def qvhighlights_scores(
    found: Mapping[str, Sequence[VideoMoment]], truths: Mapping[str, Sequence[VideoMoment]]
) -> dict[str, float]:
    """Return R@1 and mAP as QVHighlights' authors count them (Lei et al. 2021).

    R@1 is the share of queries whose first moment overlaps any true one by at least .5, or .7; mAP
    the mean over queries of the average precision of the first ten at overlaps of at least .5, .75,
    and the mean over .5 to .95 in steps of .05. A moment of another video overlaps nothing, and a
    query without moments found counts as 0, where the authors' code leaves it out.
    """
    shares = {query: _shares(found.get(query, ())[:MOST], own) for query, own in truths.items()}
    first = np.array([row[:1].max(initial=0.0) for row in shares.values()])
    precision = np.array([[average_precision(row, m) for m in OVERLAPS] for row in shares.values()])
    by_overlap = precision.mean(axis=0) if len(precision) else np.zeros(len(OVERLAPS))
    values = {
        f"R@1 IoU {m:g}": float((first >= m).mean()) if len(first) else 0.0 for m in (0.5, 0.7)
    }
    values |= {f"mAP IoU {m:g}": float(by_overlap[OVERLAPS.index(m)]) for m in (0.5, 0.75)}
    return values | {"mAP": float(by_overlap.mean())}


def average_precision(shares: Float64, least: float) -> float:
    """Return the interpolated average precision of moments found, best first.

    `shares` (p, t) holds the overlap of each with each true one. A moment is right where it
    overlaps one by at least `least` that no better moment has taken: the one it overlaps most.
    """
    count, true = shares.shape
    if not count or not true:
        return 0.0
    taken = np.zeros(true, bool)
    right = np.zeros(count)
    for place, row in enumerate(shares):
        for one in np.argsort(row)[::-1].tolist():
            if row[one] < least:
                break
            if not taken[one]:
                taken[one], right[place] = True, 1.0
                break
    recall = np.cumsum(right) / true
    precision = np.cumsum(right) / np.arange(1, count + 1)
    # Of all places with at least a recall the highest precision counts (VOC 2011).
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * highest).sum())


def _shares(given: Sequence[VideoMoment], truths: Sequence[VideoMoment]) -> Float64:
    if not given or not truths:
        return np.zeros((len(given), len(truths)))
    made = iou(
        [(one.start_s, one.end_s) for one in given], [(one.start_s, one.end_s) for one in truths]
    )
    same = np.array([[one.video == other.video for other in truths] for one in given])
    return np.asarray(np.where(same, made, 0.0))
