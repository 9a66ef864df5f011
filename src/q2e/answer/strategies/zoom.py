"""Answers by a search in time: from minutes down to seconds, until a vision model is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from pydantic import Field

from q2e.answer import looking
from q2e.answer.base import Calls, Options, Seconds, Step, Strategy, Tokens, Tools, Work, listed
from q2e.answer.clips import Clip, clips_of, videos_of
from q2e.answer.collect import weigh
from q2e.answer.lines import seen
from q2e.answer.quotes import cited
from q2e.answer.strategies.extractive import read
from q2e.answer.zooming import LETTERS, choose, images_of, search
from q2e.cache import ResultCache, as_json, fingerprint
from q2e.errors import ModelError
from q2e.registry import method
from q2e.text.prompt import beside, prompt_version
from q2e.types import Sentence

#: Seconds of a first window, and frames of one that is described.
WINDOW_S, DESCRIBED = 60.0, (4, 32)

_captions: ResultCache[str] = ResultCache("windows", as_json(str))


@method(
    "answer",
    source="FALCONEye: Finding Answers and Localizing Content in ONE-hour-long videos with "
    "multi-modal LLMs, Plou et al. 2025, section 4 and its code",
    needs=("language", "vision"),
)
@dataclass(frozen=True, kw_only=True)
class Zoom(Strategy):
    """A vision model answers about windows that are halved down to two seconds, until it is sure.

    1. `collect`: the best videos in windows of 60 s; of each what is said and described, or where
       nothing is described at most 15 words of the vision model (4 to 32 frames, one each 2 s).
    2. `filter`: the language model names the five windows likeliest to show the answer.
    3. `look again`: the vision model answers about each. How sure it is: the geometric mean of the
       probabilities of the answer's tokens; of a server that gives none the share that agree of
       three looks at other frames. From .8 on (.9 with options) the language model says whether the
       answer is final; with options it is. Else it names the windows to go on with, which are
       halved, down to 2 s; under 8 s it is not asked. The vision model is asked at most `questions`
       times.
    4. `write`: the answer with its window of at most 60 s; where none was sure the language model
       chooses among all.

    The paper's summary of the whole video is left out, and its code cuts at 20 and 5 s where this
    halves. Descriptions are kept in the cache.
    """

    videos: Annotated[int, Field(ge=1, le=20, description="Videos that are searched.")] = 2
    questions: Annotated[
        int, Field(ge=1, le=500, description="Times that the vision model is asked the question.")
    ] = 45
    described: Annotated[
        int, Field(ge=0, le=500, description="Windows that are described anew, at most.")
    ] = 60
    options: Options = ""
    calls: Calls = 150
    tokens: Tokens = 1_000_000
    seconds: Seconds = 900.0

    def steps(self) -> Mapping[str, Step]:
        options = listed(self.options)[: len(LETTERS)]
        return {
            "plan": read,
            "collect": partial(collect, videos=self.videos, most=self.described),
            "filter": choose,
            "look again": partial(search, most=self.questions, options=options),
            "write": write,
        }


def collect(work: Work, tools: Tools, videos: int, most: int) -> Work:
    """Cut the best videos into windows, and have those described of which nothing is told."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    found = clips_of(videos_of(results, videos), tools, WINDOW_S, results.query.filters)
    clips = [clip for clip in found if clip.number >= 0]
    lines = [line for clip in found for line in clip.lines]
    work = replace(work, lines=tuple(weigh(work, work.question, results, lines, tools)))
    told: list[Clip] = []
    for clip in clips:
        if most and not clip.told("caption"):
            try:
                said = _described(clip, tools)
            except ModelError as error:
                work, most = work.noting(f"not every window was described: {error}"), 0
                said = ""
            if said:
                most -= 1
                line = seen(clip.video, clip.start_s, clip.end_s, said)
                clip = replace(clip, lines=(line, *clip.lines))
        told.append(clip)
    return replace(work, clips=tuple(told))


def _described(clip: Clip, tools: Tools) -> str:
    """Return at most 15 words of the vision model on a window; kept by window and model."""
    prompt = beside(__file__)
    name = looking.model_id(tools)
    stretch = f"{clip.start_s:.3f}-{clip.end_s:.3f}"
    key = fingerprint(
        clip.video.id, stretch, method="window", version=prompt_version(prompt), space=name
    )
    if (known := _captions.get(key)) is not None:
        return known
    images = images_of(clip, DESCRIBED)
    if not images:
        return ""
    said = looking.look(tools, images, prompt, 64)
    _captions.put(key, said, about=[clip.video.id])
    return said


def write(work: Work, tools: Tools) -> Work:
    """Tell the answer that was found, with its window."""
    del tools
    if not work.kept:
        return work
    line = work.kept[0]
    return replace(work, draft=(Sentence(line.text, (cited(line),), quoted=False),))
