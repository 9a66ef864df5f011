"""Answers from a log that models write for one another: what is seen, perhaps done, and said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import written
from q2e.answer.base import Calls, Most, Seconds, Spent, Step, Strategy, Tokens, Tools, Work
from q2e.answer.clips import Clip, clips_of, likeness, videos_of
from q2e.answer.collect import weigh
from q2e.answer.lines import Line, seen
from q2e.answer.quotes import NOTHING
from q2e.answer.strategies.extractive import read
from q2e.errors import ModelError
from q2e.registry import method
from q2e.text.fence import clean, fence
from q2e.text.prompt import beside

#: Seconds of a moment, labels of it, and characters of what is said there.
MOMENT_S, LABELS, SAID = 15.0, 6, 600

_Activity = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Activities(BaseModel):
    """What may be going on, in short phrases."""

    model_config = ConfigDict(extra="forbid")

    activities: list[_Activity] = Field(max_length=10)


@method(
    "answer",
    source="Socratic Models: Composing Zero-Shot Multimodal Reasoning with Language, Zeng et al. "
    "2022, section 5.2",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Socratic(Strategy):
    """A language model reads a log of moments that it wrote together with a picture model.

    1. `collect`: the moments nearest the question, by their frames or by what is told of them, in
       order of time (the paper's video search).
    2. `look again`: of each moment the labels that the picture model saw and what is said there are
       put to the language model, which proposes activities; of these the picture model takes the
       one whose text is nearest the moment's frames. Labels and activity are an entry of the log
       (its world-state history).
    3. `write`: the language model answers from the log and what is said, as reading comprehension.

    Entries count as a model's word, and are counted in the notes. Labels are those that the index
    keeps, in place of lists of places and objects ranked by CLIP; sounds have no part of their own.
    """

    moments: Annotated[int, Field(ge=1, le=50, description="Moments of the log.")] = 6
    videos: Annotated[int, Field(ge=1, le=20, description="Videos that are looked into.")] = 3
    proposals: Annotated[
        int, Field(ge=0, le=10, description="Activities that are proposed for a moment.")
    ] = 5
    sentences: Most = 4
    calls: Calls = 20
    tokens: Tokens = 60_000
    seconds: Seconds = 240.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": read,
            "collect": partial(collect, videos=self.videos, most=self.moments),
            "look again": partial(log, most=self.proposals),
            "write": partial(write, most=self.sentences),
        }


def collect(work: Work, tools: Tools, videos: int, most: int) -> Work:
    """Choose the moments nearest the question, in order of time."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    found = clips_of(videos_of(results, videos), tools, MOMENT_S, results.query.filters)
    chosen = nearest(found, work.question, tools, most)
    lines = weigh(
        work, work.question, results, [line for clip in chosen for line in clip.lines], tools
    )
    return replace(work, lines=tuple(lines), clips=tuple(chosen))


def nearest(clips: Sequence[Clip], question: str, tools: Tools, most: int) -> list[Clip]:
    """Return clips in time order: those nearest in frames and in texts by turns, best first.

    Cosines of two spaces are not compared, so that each space gives every second moment.
    """
    told = likeness(tools.models.text.encode_queries([question])[0], [clip.text for clip in clips])
    orders = [np.argsort(-told, kind="stable")[: np.isfinite(told).sum()].tolist()]
    if tools.models.has("image"):
        looks = likeness(
            tools.models.image.encode_texts([question])[0], [clip.seen for clip in clips]
        )
        orders.append(np.argsort(-looks, kind="stable")[: np.isfinite(looks).sum()].tolist())
    longest = max(map(len, orders))
    turns = [order[at] for at in range(longest) for order in orders if at < len(order)]
    kept = set(list(dict.fromkeys(turns))[:most])
    return [clip for at, clip in enumerate(clips) if at in kept]


def log(work: Work, tools: Tools, most: int) -> Work:
    """Add an entry for each moment: what is seen there, and what may be going on."""
    entries: list[Line] = []
    for clip in work.clips:
        if clip.number < 0:
            continue
        labels = _labels(clip, tools)
        activity = ""
        if most and labels:
            try:
                said = tools.ask(
                    beside(__file__),
                    Activities,
                    200,
                    labels=", ".join(labels),
                    said=fence(clip.told("speech") or "nothing is said", SAID),
                    most=most,
                )
                activity = likeliest(clip, said.activities[:most], tools)
            except Spent as error:
                work, most = work.noting(f"activities were left out from here on: {error}"), 0
            except ModelError as error:
                work = work.noting(f"an activity was left out: {error}")
        if labels:
            text = f"Seen: {', '.join(labels)}." + (f" Perhaps: {activity}." if activity else "")
            entries.append(seen(clip.video, clip.start_s, clip.end_s, text))
    return replace(work, lines=(*work.lines, *entries))


def likeliest(clip: Clip, proposals: Sequence[str], tools: Tools) -> str:
    """Return the proposal whose text is nearest the frames of a clip; empty without frames."""
    if not proposals or clip.seen is None:
        return ""
    near = tools.models.image.encode_texts(list(proposals)) @ clip.seen
    return clean(proposals[int(near.argmax())], 120)


def _labels(clip: Clip, tools: Tools) -> list[str]:
    """Return the labels of a stretch of a video, the surest first."""
    sure: defaultdict[str, float] = defaultdict(float)
    for one in tools.store.evidence_of(clip.video.id):
        if one.start_s < clip.end_s and clip.start_s <= one.end_s:
            for tag in one.tags:
                sure[clean(tag.label, 60)] += tag.probability
    return sorted(sure, key=lambda label: -sure[label])[:LABELS]


def write(work: Work, tools: Tools, most: int) -> Work:
    """Have the language model answer from the log and what is said, in order of time."""
    order = {clip.video.id: at for at, clip in reversed(list(enumerate(work.clips)))}
    kept = sorted(work.lines, key=lambda line: (order.get(line.video.id, 0), line.start_s))
    if not kept:
        return work.noting(f"{NOTHING}: the search found nothing")
    told = [line for line in kept if not line.seen]
    work = replace(work, kept=tuple(kept), confidence=written.sure(told))
    return written.write(work, tools, most)
