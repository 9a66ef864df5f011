"""Turns runs and judgements round: from texts that find videos to videos that find texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from q2e.evaluate.judging import Qrels, Run

#: What is asked for; `both` measures the second direction beside the first.
DIRECTIONS = ("text-to-video", "video-to-text", "both")
_Number = TypeVar("_Number", int, float)


def turned(run: Run, qrels: Qrels) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """Return run and judgements as {video: {query: number}}, of videos that answer a query.

    A video ranks the queries by the score that each gave it; where it has several captions, all
    of them are right (the video-to-text protocol of MSVD and of the full MSR-VTT). Videos that
    answer no query have no right text and are not asked.
    """
    right = {video for items in qrels.values() for video, grade in items.items() if grade > 0}
    return _columns(run, right), _columns(qrels, right)


def unscored(run: Run, qrels: Qrels) -> str:
    """Return a warning where a run does not score every pair that `turned` ranks, else nothing."""
    right = {video for items in qrels.values() for video, grade in items.items() if grade > 0}
    pairs = len(right) * len(qrels)
    held = sum(len(right & run.get(query, {}).keys()) for query in qrels)
    if held == pairs:
        return ""
    return (
        f"{pairs - held} of {pairs} pairs of query and video have no score and count as not "
        "found; a run for this direction lists all videos of each query (q2e run --top)"
    )


def _columns(
    table: Mapping[str, Mapping[str, _Number]], videos: set[str]
) -> dict[str, dict[str, _Number]]:
    found: dict[str, dict[str, _Number]] = {}
    for query, items in table.items():
        for video in items.keys() & videos:
            found.setdefault(video, {})[query] = items[video]
    return found
