"""How well moments were found in time; pure functions on intervals in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64


@dataclass(frozen=True, slots=True)
class VideoMoment:
    """`[start_s, end_s)` of a video; `relevance` is read of ground truths alone."""

    video: str
    start_s: float
    end_s: float
    relevance: float = 1.0


#: Seconds of the 21 moments that a video of DiDeMo has, and the people of each query that count.
DIDEMO_S = np.array([(5.0 * a, 5.0 * b) for a in range(6) for b in range(a + 1, 7)])
PEOPLE = 3


def iou(one: ArrayLike, other: ArrayLike) -> Float64:
    """Return (n, m) shared time over covered time of intervals (n, 2) and (m, 2).

    Intervals without extent share nothing.
    """
    first = np.asarray(one, dtype=np.float64).reshape(-1, 1, 2)
    second = np.asarray(other, dtype=np.float64).reshape(1, -1, 2)
    shared = np.minimum(first[..., 1], second[..., 1]) - np.maximum(first[..., 0], second[..., 0])
    shared = np.maximum(shared, 0.0)
    covered = (first[..., 1] - first[..., 0]) + (second[..., 1] - second[..., 0]) - shared
    return np.asarray(np.divide(shared, covered, out=np.zeros(shared.shape), where=covered > 0))


def moment_recall(
    predictions: Sequence[ArrayLike], truths: Sequence[ArrayLike], n: int, threshold: float
) -> float:
    """Return R@n at IoU m: the share of queries with one of the first n moments at IoU >= m.

    Each query has predictions (p, 2), best first, and truths (t, 2); any truth may be met. A
    query without predictions counts as missed.
    """
    return _mean(
        bool(_best(given, truth, n) >= threshold)
        for given, truth in zip(predictions, truths, strict=True)
    )


def mean_iou(predictions: Sequence[ArrayLike], truths: Sequence[ArrayLike], n: int = 1) -> float:
    """Return mIoU: the mean over queries of the best IoU of the first n moments."""
    return _mean(_best(given, truth, n) for given, truth in zip(predictions, truths, strict=True))


def tvr_ndcg(
    predictions: Sequence[VideoMoment],
    truths: Sequence[VideoMoment],
    k: int,
    threshold: float,
) -> float:
    """Return nDCG@k at IoU above `threshold` of one query's ranked moments over all videos.

    TVR-Ranking (Liang et al. 2024): predictions are walked in order; the truth of the same video
    with the highest IoU that was not met before gives its relevance where that IoU is above the
    threshold; of several with the same IoU the most relevant, as its authors' code has it. Gain is
    2 ** relevance - 1, the ideal takes the k largest relevances.
    """
    unmet = sorted(truths, key=lambda truth: -truth.relevance)
    gains = np.zeros(k)
    for place, given in enumerate(predictions[:k]):
        near = [truth for truth in unmet if truth.video == given.video]
        if not near:
            continue
        shares = iou([_interval(given)], [_interval(truth) for truth in near])[0]
        if shares.max() > threshold:
            met = near[int(shares.argmax())]
            gains[place] = met.relevance
            unmet = [truth for truth in unmet if truth is not met]
    ideal = np.sort([truth.relevance for truth in truths])[::-1][:k]
    best = _dcg(np.asarray(ideal, dtype=np.float64))
    return _dcg(gains) / best if best > 0 else 0.0


def score_moments(
    found: Mapping[str, Sequence[VideoMoment]],
    truths: Mapping[str, Sequence[VideoMoment]],
    ranks: Sequence[int],
    thresholds: Sequence[float],
) -> dict[str, float]:
    """Return R@n and nDCG@n of each n and IoU m over all videos, and mIoU of the first moment.

    A moment of another video has IoU 0. Queries of `truths` without moments found count as 0.
    """
    best = {
        query: [_overlap(one, own) for one in found.get(query, ())] for query, own in truths.items()
    }
    values = {"mIoU": _mean(max(row[:1], default=0.0) for row in best.values())}
    for n in ranks:
        for m in thresholds:
            values[f"R@{n} IoU {m:g}"] = _mean(
                float(max(row[:n], default=0.0) >= m) for row in best.values()
            )
    for n in ranks:
        for m in thresholds:
            values[f"nDCG@{n} IoU {m:g}"] = _mean(
                tvr_ndcg(found.get(query, ()), own, n, m) for query, own in truths.items()
            )
    return values


def didemo_scores(
    found: Mapping[str, Sequence[VideoMoment]], marks: Mapping[str, Sequence[VideoMoment]]
) -> dict[str, float]:
    """Return Rank@1, Rank@5 and mIoU as DiDeMo's authors count them (Hendricks et al. 2017).

    A moment is one of the 21 runs of the six stretches of 5 s of a video of 30 s. Of each query
    `marks` holds what every person marked, the same stretch as often as it was marked. Rank@k is
    the share of queries whose mean rank over the three people best met is at most k, mIoU the mean
    IoU of the first moment with the three marks it meets best. A moment found counts as the run
    with the highest IoU, one of another video as none; runs that were not found follow in order of
    begin and length. A query without moments found is ranked by that order too.
    """
    ranks, shares = [], []
    for query, own in marks.items():
        people = [(one.start_s, one.end_s) for one in own]
        given = [one for one in found.get(query, ()) if own and one.video == own[0].video]
        near = [iou([_interval(one)], DIDEMO_S)[0] for one in given]
        met = [int(row.argmax()) for row in near if row.max() > 0]
        order = list(dict.fromkeys([*met, *range(len(DIDEMO_S))]))
        marked = iou(people, DIDEMO_S).argmax(axis=1)
        places = np.sort([order.index(int(mark)) + 1 for mark in marked])
        ranks.append(float(places[:PEOPLE].mean()))
        first = iou([DIDEMO_S[order[0]]], DIDEMO_S[marked])[0]
        shares.append(float(np.sort(first)[-PEOPLE:].mean()))
    return {
        "Rank@1": _mean(rank <= 1 for rank in ranks),
        "Rank@5": _mean(rank <= 5 for rank in ranks),
        "mIoU": _mean(shares),
    }


def _overlap(moment: VideoMoment, truths: Sequence[VideoMoment]) -> float:
    own = [_interval(truth) for truth in truths if truth.video == moment.video]
    return float(iou([_interval(moment)], own).max(initial=0.0))


def _interval(moment: VideoMoment) -> tuple[float, float]:
    return moment.start_s, moment.end_s


def _dcg(gains: Float64) -> float:
    return float(((np.exp2(gains) - 1) / np.log2(np.arange(len(gains)) + 2)).sum())


def _best(given: ArrayLike, truth: ArrayLike, n: int) -> float:
    shares = iou(np.asarray(given, dtype=np.float64).reshape(-1, 2)[:n], truth)
    return float(shares.max(initial=0.0))


def _mean(values: Iterable[float]) -> float:
    found = np.fromiter(values, dtype=np.float64)
    return float(found.mean()) if len(found) else 0.0
