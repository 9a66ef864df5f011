"""Moments and highlights of one video measured as QVHighlights does; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float64
from q2e.evaluate.moment_measures import VideoMoment, iou

#: Moments of a query that count, best first, and the overlaps whose precision is averaged.
MOST = 10
#: Marks of a highlight from which it counts, by the authors' names for them.
MARKS = {"Fair": 2, "Good": 3, "VeryGood": 4}
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


def highlight_scores(
    found: Mapping[str, ArrayLike], marks: Mapping[str, ArrayLike]
) -> dict[str, float]:
    """Return HL-mAP and HIT@1 as QVHighlights' authors count them (Lei et al. 2021).

    `found` holds how salient each clip of 2 s is (n,), `marks` what people gave each (m, people),
    from 0 to 4. A clip is a highlight where a mark is at least 2, 3 or 4, each measured for itself.
    HIT@1 is the share of queries whose most salient clip is one to anybody; HL-mAP the mean over
    queries and people of `clip_precision`. Clips beyond the marks are left out, missing ones are 0.
    Queries without marks are left out, and those not found, as in the authors' code.
    """
    values: dict[str, float] = {}
    asked = [query for query in marks if query in found]
    for name, least in MARKS.items():
        precision, hits = [], []
        for query in asked:
            true = np.asarray(marks[query], np.float64) >= least
            given = np.asarray(found[query], np.float64)
            best = int(given.argmax()) if len(given) else len(true)
            hits.append(best < len(true) and bool(true[best].any()))
            salient = np.zeros(len(true))
            salient[: len(given)] = given[: len(true)]
            precision += [clip_precision(one, salient) for one in true.T]
        values[f"HL-mAP {name}"] = float(np.mean(precision)) if asked else 0.0
        values[f"HIT@1 {name}"] = float(np.mean(hits)) if asked else 0.0
    return values


def clip_precision(true: Bool, salient: Float64) -> float:
    """Return the mean, over recalls that are reached, of the highest precision at or beyond each.

    Clips that are equally salient are taken together. It is 0 where none is true, 1 where all are.
    """
    if not true.any() or true.all():
        return float(true.all())
    order = np.argsort(-salient, kind="stable")
    last = np.append(np.diff(salient[order]) != 0, True)
    right = np.cumsum(true[order])[last]
    precision = right / (np.arange(len(true)) + 1)[last]
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(highest[np.diff(right, prepend=0) > 0].mean())


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
