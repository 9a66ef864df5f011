"""Answers by a frozen model that fills a gap, with frames before the question and speech behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from q2e.answer.base import Calls, Options, Seconds, Step, Strategy, Tools, Work, listed
from q2e.answer.choosing import looks_like, told, words_in
from q2e.answer.clips import videos_of
from q2e.answer.collect import weigh
from q2e.answer.lines import Line, lines_of
from q2e.answer.quotes import NOTHING
from q2e.answer.strategies.extractive import read
from q2e.arrays import Float32
from q2e.errors import ConfigError
from q2e.models.base import MASK
from q2e.models.language import masked_model
from q2e.registry import method
from q2e.text.fence import clean
from q2e.text.tokens import tokens
from q2e.types import Video

#: Characters of the subtitles and of the question before the model.
SUBTITLES, ASKED = 1_500, 200


@method(
    "answer",
    source="FrozenBiLM: Zero-Shot Video Question Answering via Frozen Bidirectional Language "
    "Models, Yang et al. 2022, section 3",
)
@dataclass(frozen=True, kw_only=True)
class Frozen(Strategy):
    """The answer likeliest at the gap of `Question: Q? Answer: [MASK]. Subtitles: S`.

    1. `collect`: frames of the best video, at most ten and evenly in time, by the vectors that the
       index keeps; and what is said in it.
    2. `write`: the model of `masked_model` reads the frames through a linear map before the text,
       and says how probable each answer is at the gap (sections 3.1 and 3.4). Without the file of
       FrozenBiLM's added weights it reads the text alone, and the notes say so.

    Answers are `options`, else words said, written and seen in that video; the paper takes those of
    the training set. Its training is not here: weights are brought along, see
    `q2e.models.torch.masked`. It calls no server.
    """

    one_of: ClassVar[tuple[str, ...]] = ("masked",)
    answers: Annotated[int, Field(ge=2, le=1_000, description="Answers that are weighed.")] = 100
    options: Options = ""
    calls: Calls = 1
    seconds: Seconds = 60.0
    tokens: Annotated[int, Field(ge=0, le=1_000_000, description="Tokens, estimated.")] = 5_000

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": plan,
            "collect": collect,
            "write": partial(write, options=listed(self.options), most=self.answers),
        }


def plan(work: Work, tools: Tools) -> Work:
    """Note what is asked for. Raises ConfigError without a model that fills gaps."""
    if masked_model(tools.settings, tools.models) is None:
        raise ConfigError(
            "this needs a model that fills gaps: set masked_model to a folder of one such as "
            "`file:deberta` (in q2e.toml, or as Q2E_MASKED_MODEL), or name one in the profile"
        )
    return read(work, tools)


def collect(work: Work, tools: Tools) -> Work:
    """Collect what is told of the best video, in order of time."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    videos = videos_of(results, 1)
    if not videos:
        return work.noting(f"{NOTHING}: the search found nothing")
    pieces = tools.store.evidence_of(videos[0].id)
    lines = [line for one in pieces for line in lines_of(videos[0], one)]
    lines = weigh(work, work.question, results, lines, tools)
    return replace(work, lines=tuple(lines), pictures=((videos[0], 0.0),))


def write(work: Work, tools: Tools, options: tuple[str, ...], most: int) -> Work:
    """Choose the answer that is likeliest at the gap."""
    if not work.pictures:
        return work
    video = work.pictures[0][0]
    model = masked_model(tools.settings, tools.models)
    assert model is not None
    labels = _labels(video, tools)
    texts = [*(one.text for one in work.lines), *labels]
    answers = list(options) or words_in(texts, work.question, work.language, most)
    if not answers:
        return work.noting(f"{NOTHING}: no word of the video could answer")
    frames = None
    if model.features is None:
        work = work.noting("the model was shown no frames: it has no weights for them")
    else:
        frames = frames_of(video, tools, model.frames)
    text = gap(work.question, [one.text for one in work.lines if one.channel == "speech"])
    tools.budget.take(len(text), 1)
    shares = model.fill(text, answers, frames)
    best = int(np.argmax(shares))
    return told(work, answers[best], float(shares[best]), _speaking(work, video, answers[best]))


def gap(question: str, said: Sequence[str]) -> str:
    """Return the text with a gap that the model fills; strangers' gaps are taken out of it."""
    asked = clean(question, ASKED).replace(MASK, "").rstrip("?？؟ ")
    subtitles = clean(" ".join(said), SUBTITLES).replace(MASK, "")
    return f"Question: {asked}? Answer: {MASK}." + (f" Subtitles: {subtitles}" if subtitles else "")


def frames_of(video: Video, tools: Tools, most: int) -> Float32 | None:
    """Return the vectors of at most so many frames of a video, evenly in time; None without any."""
    if not tools.models.has("image"):
        return None
    with tools.store.snapshot():
        table = tools.store.table()
        rows, matrix = tools.store.vectors(tools.models.image.space)
        own = table.video[rows] == table.video_ids.index(video.id)
        vectors = np.asarray(matrix[own], np.float32)
        times_s = tools.store.times_s(rows[own])[:, 0]
    if not len(vectors):
        return None
    order = np.argsort(times_s, kind="stable")
    some = np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int)
    return np.asarray(vectors[order[some]], np.float32)


def _labels(video: Video, tools: Tools) -> list[str]:
    """Return the labels of what is seen in a video."""
    tags = [tag.label for one in tools.store.evidence_of(video.id) for tag in one.tags]
    return list(dict.fromkeys(tags))


def _speaking(work: Work, video: Video, answer: str) -> list[Line]:
    """Return the best line that says the answer, else the video as what looks like it."""
    wanted = set(tokens(answer))
    says = [one for one in work.lines if wanted <= set(tokens(one.text))]
    if says:
        return [max(says, key=lambda one: one.worth)]
    return [looks_like(video, 0.0, video.duration_s, answer)]
