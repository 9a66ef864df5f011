"""Answers from the few clips of videos whose description or subtitles are nearest the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.answer import written
from q2e.answer.base import Calls, Most, Seconds, Step, Strategy, Tokens, Tools, Work
from q2e.answer.clips import Clip, clips_of, likeness, videos_of
from q2e.answer.collect import weigh
from q2e.answer.strategies.extractive import read
from q2e.arrays import Float32
from q2e.registry import method

#: Seconds of a clip, and clips that are answered from.
CLIP_S, NEIGHBOURS = 90.0, 3


@method(
    "answer",
    source="Goldfish: Vision-Language Understanding of Arbitrarily Long Videos, Ataallah et al. "
    "2024, section 3.1",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Goldfish(Strategy):
    """A language model answers from the clips with the nearest description or subtitles.

    1. `collect`: the best videos are cut into clips that do not overlap; each has a vector of its
       description and one of what is said and written in it.
    2. `filter`: clips are ranked by the better of the two cosines with the question, and the first
       `neighbours` kept (retrieval module, section 3.1; k = 3).
    3. `write`: one call, with the descriptions and subtitles of those clips (answer module).

    Descriptions are those that the index keeps (`captions`), a clip's vector the mean of its
    pieces', where the paper describes each clip in one text and embeds that.
    """

    neighbours: Annotated[int, Field(ge=1, le=20, description="Clips that are answered from.")] = (
        NEIGHBOURS
    )
    clip_s: Annotated[float, Field(ge=5, le=600, description="Seconds of a clip.")] = CLIP_S
    videos: Annotated[int, Field(ge=1, le=50, description="Videos that are cut into clips.")] = 10
    lines: Annotated[int, Field(ge=1, le=200, description="Lines that the model is shown.")] = 60
    sentences: Most = 4
    calls: Calls = 2
    tokens: Tokens = 20_000
    seconds: Seconds = 120.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": read,
            "collect": partial(
                collect,
                videos=self.videos,
                seconds=self.clip_s,
                neighbours=self.neighbours,
                most=self.lines,
            ),
            "filter": written.keep_all,
            "write": partial(written.write, most=self.sentences),
        }


def collect(
    work: Work, tools: Tools, videos: int, seconds: float, neighbours: int, most: int
) -> Work:
    """Keep the lines of the nearest clips, the nearest clip first, each in order of time."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    clips = clips_of(videos_of(results, videos), tools, seconds, results.query.filters)
    asked = tools.models.text.encode_queries([work.question])[0]
    lines = [line for clip in nearest(clips, asked, neighbours) for line in clip.lines][:most]
    return replace(work, lines=tuple(weigh(work, work.question, results, lines, tools)))


def nearest(clips: Sequence[Clip], asked: Float32, most: int) -> list[Clip]:
    """Return the clips whose better vector is nearest: max(cos(q, described), cos(q, said))."""
    better = np.maximum(
        likeness(asked, [clip.described for clip in clips]),
        likeness(asked, [clip.said for clip in clips]),
    )
    best = np.argsort(-better, kind="stable")[:most]
    return [clips[at] for at in best.tolist() if np.isfinite(better[at])]
