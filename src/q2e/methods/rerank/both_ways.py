"""MMI-TVR's joint score of a whole collection, in both directions.

A search asks which videos fit a request. The paper also asks which requests fit a video: then
skeletons are compared for the best requests of each video, which are other pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.methods.rerank.base import Tools
from q2e.methods.rerank.joint import Direction
from q2e.methods.rerank.mmi import MmiReranker, unfolded
from q2e.types import Video


@dataclass(frozen=True, slots=True, eq=False)
class BothWays:
    """Joint scores (Q, V) by direction, and how many pairs were judged in which way."""

    scores: Mapping[Direction, Float64]
    judged: Mapping[Direction, Mapping[str, int]]


def both_ways(
    way: MmiReranker, requests: Sequence[str], videos: Sequence[Video], tools: Tools
) -> BothWays:
    """Return the joint scores of requests and videos as `way` makes them, in both directions.

    Skeletons are compared for the `top` videos of each request, and the `top` requests of each
    video. Raises ConfigError without a store.
    """
    if tools.store is None:
        raise ConfigError("the joint score of a collection needs its store")
    asked = [unfolded(request, tools) for request in requests]
    found, judged = {}, {}
    directions: tuple[Direction, ...] = ("text_to_video", "video_to_text")
    for direction in directions:
        scorer = way.scorer(tools.store, tools)
        found[direction] = scorer.scores(asked, videos, direction, way.top)
        judged[direction] = dict(scorer.how)
    return BothWays(found, judged)
