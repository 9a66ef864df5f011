"""Finds the best among named videos by looking at all of their evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Float32, Int64
from q2e.store.engine import Best, Engine, Pieces, Request
from q2e.types import Filters

#: Videos whose evidence is held at a time.
_AT_ONCE = 500
#: By how much rounding may raise a score above what is told.
MARGIN = 1e-3
#: Channel -> score of each video.
Scores = dict[str, dict[str, float]]


def among(
    engine: Engine, videos: Sequence[str], asked: Sequence[Request], filters: Filters
) -> list[Scores]:
    """Return for each request the scores of those of `videos` that have one, by channel."""
    found: list[Scores] = [{} for _ in asked]
    for start in range(0, len(videos), _AT_ONCE):
        pieces = engine.complete(videos[start : start + _AT_ONCE])
        mask = engine.rows(filters, pieces.table.evidence_id)
        for request, scores in zip(asked, found, strict=True):
            rows, values = _scored(engine, pieces, request)
            if mask is not None:
                rows, values = rows[mask[rows]], values[mask[rows]]
            _take(pieces, request, rows, values, scores)
    return found


def _scored(engine: Engine, pieces: Pieces, asked: Request) -> tuple[Int64, Float32]:
    if asked.matrix is None:
        return engine.lexical(asked.terms, pieces.table.evidence_id)
    if asked.space not in pieces.vectors:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows, matrix = pieces.vectors[asked.space]
    return rows, (asked.matrix.astype(np.float32) @ matrix.T).max(axis=0)


def _take(pieces: Pieces, asked: Request, rows: Int64, values: Float32, scores: Scores) -> None:
    table = pieces.table
    for row, value in zip(rows.tolist(), values.tolist(), strict=True):
        channel = table.channels[table.channel[row]]
        if not asked.channels or channel in asked.channels:
            own, video = scores.setdefault(channel, {}), table.video_ids[table.video[row]]
            own[video] = max(value, own.get(video, -np.inf))


def cut(channel: str, scores: dict[str, float], floor: float, k: int) -> Best:
    """Return the k best of scores, and a bound for all others; `floor` is one for the unseen."""
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > k:
        floor = max(floor, ranked[k][1] + MARGIN)
    return Best(channel, tuple(video for video, _ in ranked[:k]), floor)
