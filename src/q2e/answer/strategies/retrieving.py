"""Answers from texts that a video looks like: each is read with the question, all have a say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from q2e.answer import replies, written
from q2e.answer.base import (
    Calls,
    Options,
    Seconds,
    Step,
    Strategy,
    Tokens,
    Tools,
    Work,
    listed,
)
from q2e.answer.choosing import looks_like, told, words_in
from q2e.answer.clips import Clip, clips_of, videos_of
from q2e.answer.quotes import NOTHING
from q2e.answer.strategies.extractive import read
from q2e.arrays import Float32, Float64
from q2e.cache import ARRAY, ResultCache, fingerprint
from q2e.errors import ConfigError, ModelError
from q2e.models.base import MASK
from q2e.models.language import language_model, masked_model
from q2e.registry import method
from q2e.text.fence import clean, fence
from q2e.text.prompt import beside, render

#: Channels whose texts are the corpus, characters of one, and how many of them.
CORPUS, LETTERS, TEXTS = ("caption", "metadata"), 300, 2_000
#: Characters of a text and a question before a masked model.
_CONTEXT, _ASKED = 300, 200

_vectors: ResultCache[Float32] = ResultCache("texts-seen", ARRAY)


@method(
    "answer",
    source="Retrieving-to-Answer: Zero-Shot Video Question Answering with Frozen Large Language "
    "Models, Pan et al. 2023, section 3",
)
@dataclass(frozen=True, kw_only=True)
class Retrieving(Strategy):
    """The answer that is likeliest on average after each of the texts that a video looks like.

    1. `collect`: the mean of the frame vectors of the best video, or of each of its `parts`, is
       compared with the captions and titles of the whole collection in the space of pictures.
    2. `filter`: the `texts` nearest are kept, whichever videos they are of.
    3. `write`: argmax over answers of the mean over texts of p(answer | question, text), by a model
       that fills gaps (`masked_model`), as in the paper, or else by the probabilities of a language
       model's first word, in a call a text.

    Answers are `options`, else the words of those texts that stand in most of them; the paper has
    those of the training sets. The texts are of videos that look alike, not words of this one: they
    are cited as what it looks like, and the notes count that. The template is ours, the paper's was
    not at hand, and so is the corpus, which is millions of captions of the web there.
    """

    one_of: ClassVar[tuple[str, ...]] = ("masked", "language")
    texts: Annotated[int, Field(ge=1, le=50, description="Texts that are read.")] = 10
    parts: Annotated[int, Field(ge=1, le=20, description="Stretches that a video is cut into.")] = 1
    options: Options = ""
    calls: Calls = 60
    tokens: Tokens = 30_000
    seconds: Seconds = 180.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": plan,
            "collect": partial(collect, texts=self.texts, parts=self.parts),
            "write": partial(write, options=listed(self.options)),
        }


def plan(work: Work, tools: Tools) -> Work:
    """Note what is asked for. Raises ConfigError where no model can weigh answers."""
    if masked_model(tools.settings, tools.models) is None:
        try:
            language_model(tools.settings, tools.models)
        except ConfigError as error:
            raise ConfigError(f"{error}; or set masked_model to a model that fills gaps") from None
    return read(work, tools)


def collect(work: Work, tools: Tools, texts: int, parts: int) -> Work:
    """Find the texts of the collection that the best video, or each part of it, looks like."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    videos = videos_of(results, 1)
    if not videos or not tools.models.has("image"):
        return work
    length_s = max(videos[0].duration_s / parts, 1e-3)
    found = clips_of(videos, tools, length_s, results.query.filters)
    clips = [clip for clip in found if clip.seen is not None]
    corpus = _corpus(tools)
    if not clips or not corpus:
        return work
    vectors = _of_texts(corpus, tools)
    lines = [
        looks_like(clip.video, clip.start_s, clip.end_s, corpus[at])
        for clip in clips
        for at in nearest(clip, vectors, max(1, texts // len(clips)))
    ]
    return replace(work, lines=tuple(lines), kept=tuple(lines), clips=tuple(clips))


def nearest(clip: Clip, vectors: Float32, most: int) -> list[int]:
    """Return the texts nearest the mean frame of a clip, best first."""
    if clip.seen is None:
        return []
    order: list[int] = np.argsort(-(vectors @ clip.seen), kind="stable")[:most].tolist()
    return order


def _corpus(tools: Tools) -> list[str]:
    with tools.store.snapshot():
        table = tools.store.table()
        rows = np.flatnonzero(table.of_channels(CORPUS) & (table.length > 0))[:TEXTS]
        texts = [clean(one.text, LETTERS) for one in tools.store.evidence(rows.tolist())]
    return list(dict.fromkeys(one for one in texts if one))


def _of_texts(corpus: Sequence[str], tools: Tools) -> Float32:
    """Return the vectors of texts in the space of pictures; those of a corpus are kept."""
    image = tools.models.image
    key = fingerprint(*corpus, method="texts seen", space=image.space)
    return _vectors.of(key, lambda: image.encode_texts(list(corpus)), about=("*",))


def write(work: Work, tools: Tools, options: tuple[str, ...]) -> Work:
    """Choose the answer of the greatest mean probability, and cite the texts that say it."""
    texts = [one.text for one in work.kept]
    answers = list(options) or words_in(texts, work.question, work.language)
    if not texts or not answers:
        return work.noting(f"{NOTHING}: no text of the collection is like the video")
    weigh = _weighing(tools, work.question)
    rows: list[tuple[float, ...]] = []
    for number, text in enumerate(texts):
        try:
            rows.append(tuple(weigh(text, answers)))
        except ModelError as error:
            if not rows:
                raise
            work = work.noting(f"{number} of {len(texts)} texts were read: {error}")
            break
    share = np.array(rows, np.float64)
    best = averaged(share)
    speaks = np.argsort(-share[:, best], kind="stable")[:2].tolist()
    return told(work, answers[best], float(share[:, best].mean()), [work.kept[at] for at in speaks])


def averaged(share: Float64) -> int:
    """Return argmax_a mean_t p(a | question, text t) of probabilities (texts, answers)."""
    return int(share.mean(axis=0).argmax())


def _weighing(tools: Tools, question: str) -> Callable[[str, Sequence[str]], Sequence[float]]:
    """Return what weighs answers after a text: the masked model, else the language model."""
    masked = masked_model(tools.settings, tools.models)
    asked = written.asked(question)

    def fill(text: str, answers: Sequence[str]) -> Sequence[float]:
        gap = f"Question: {clean(question, _ASKED)} Answer: {MASK}. Context: {text[:_CONTEXT]}"
        tools.budget.take(len(gap), 1)
        assert masked is not None
        return masked.fill(gap.replace(MASK, "", gap.count(MASK) - 1), answers)

    def weigh(text: str, answers: Sequence[str]) -> Sequence[float]:
        weighs = getattr(tools.model, "probability", None)
        if weighs is None:
            raise ModelError(f"{tools.model.info.id} says no probabilities; set masked_model")
        shown = ", ".join(clean(one, 60) for one in answers)
        prompt = render(
            beside(__file__), question=asked, text=fence(text, LETTERS + 1), answers=shown
        )
        own = f"{tools.model.info.id} {tools.model.info.source} {tools.settings.language_model}"
        reply = replies.which_look(prompt, (), len(answers), own, "answers weighed")
        if (known := replies.kept_look(reply)) is not None:
            return tuple(known["shares"])
        tools.budget.take(len(prompt), 1)
        left_s = tools.budget.left_s
        found: tuple[float, ...] = weighs(prompt, tuple(answers), timeout_s=left_s)
        replies.keep_look(reply, shares=[float(one) for one in found])
        return found

    return weigh if masked is None else fill
