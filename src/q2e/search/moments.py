"""Ranks the moments of all hits together, whatever video they lie in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from q2e.types import Hit, Moment, Results


def ranked(results: Results, top: int, offset: int = 0) -> Results:
    """Return hits of one moment each, best first, of what a search found with its moments.

    The best moment of a video is worth the video's score, another the share of it that its own
    score has of the best one's; the terms of the reasons shrink alike, so that they still add up.
    A video brings no moment before its own best, so the first k videos hold the first k moments.
    Certainty is that of the video.
    """
    placed: list[tuple[float, int, int, Hit]] = []
    ceiling = float("inf")
    for hit in results.hits:
        # What ranked the videos again may not follow the scores: their order is kept.
        ceiling = min(ceiling, hit.score)
        for number, (moment, share) in enumerate(_shares(hit)):
            worth = ceiling * share if ceiling > 0 else ceiling
            placed.append((-worth, hit.rank, number, _of(hit, moment, share)))
    placed.sort(key=lambda one: one[:3])
    hits = tuple(
        replace(one[3], rank=rank)
        for rank, one in enumerate(placed[offset : offset + top], offset + 1)
    )
    more = len(placed) > offset + top
    return replace(results, hits=hits, info={**results.info, "more": more})


def _shares(hit: Hit) -> Iterator[tuple[Moment, float]]:
    """Yield the moments of a hit with what each has of the best one's score, in their order."""
    best = max((one.score for one in hit.moments), default=0.0)
    for one in hit.moments:
        yield one, min(max(one.score / best, 0.0), 1.0) if best > 0 else 1.0


def _of(hit: Hit, moment: Moment, share: float) -> Hit:
    """Return a hit as one moment of it is shown."""
    if hit.score <= 0:
        share = 1.0
    why = tuple(
        replace(one, weight=one.weight * share, contribution=one.contribution * share)
        for one in hit.why
    )
    return replace(hit, score=hit.score * share, moments=(moment,), why=why)
