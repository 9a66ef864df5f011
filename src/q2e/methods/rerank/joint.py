"""MMI-TVR's joint score of requests and videos of one store, with what is kept between calls.

Relevance L_r comes from the frame vectors in the store through a head, untrained unless the
profile names one; L_s from skeletons, by a language or vision-language model where one answers in
time, else from the decomposition and the video's evidence by likeness of texts.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from q2e.arrays import Float32, Float64, Int64, UInt8
from q2e.decoding.doors import frames_at
from q2e.errors import ConfigError, MediaError, ModelError
from q2e.media.scan import uniform_times
from q2e.mmi.knowledge import (
    Demonstration,
    Question,
    Rule,
    demonstrations,
    languages,
    pool,
    vectors,
)
from q2e.mmi.reason import Head, HeadConfig
from q2e.mmi.scorer import TOP, Judged, joint_scores, judge, likeness
from q2e.mmi.skeletons import Skeleton, from_decomposition, from_evidence, of_request, of_video
from q2e.mmi.ways import KnowledgeWays
from q2e.models.base import ImageTextEncoder, LanguageModel, TextEncoder, VisionLanguageModel
from q2e.store.base import Searched
from q2e.text.fence import clean
from q2e.types import Decomposition, Video

#: Frames of a video that a vision-language model sees.
FRAMES = 4

#: Frames of a video that a tuned model makes its vector of.
SEEN = 16


class TunedModel(Protocol):
    """A vision-language model that makes vectors of texts and of videos; see `q2e.mmi.tuned`."""

    space: str

    def pictures(self, images: Sequence[UInt8]) -> Float32: ...

    def text_vectors(self, texts: Sequence[str]) -> Float32: ...

    def video_vector(self, frames: Float32) -> Float32: ...

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[Float32]: ...


Direction = Literal["text_to_video", "video_to_text"]
Side = Literal["text", "visual"]


@dataclass(eq=False)
class Mmi:
    """Scores requests against videos of one store; keeps skeletons and vectors between calls."""

    store: Searched
    image: ImageTextEncoder
    text: TextEncoder
    head: Head | None = None
    tuned: TunedModel | None = None
    """Makes h_T, h_v and the vectors of questions, instead of the head and the profile's models."""
    model: LanguageModel | None = None
    vision: VisionLanguageModel | None = None
    """Makes skeletons of videos from their frames, and judges where there is no `model`."""
    ways: KnowledgeWays = field(default_factory=KnowledgeWays)
    timeout_s: float = 30.0
    """Longest time of one answer of a model."""
    deadline: float = math.inf
    """Time of `time.monotonic` after which no model is asked."""
    shown: dict[tuple[Side, str], tuple[Demonstration, ...]] = field(default_factory=dict)
    """Answers in whose manner a model is asked for skeletons, by side and language."""
    how: Counter[str] = field(default_factory=Counter)
    """How many pairs were judged in which way."""
    _questions: dict[tuple[Side, str], list[Question]] = field(default_factory=dict)
    _skeletons: dict[str, Skeleton] = field(default_factory=dict)
    _said: dict[str, Float32] = field(default_factory=dict)
    _seen: dict[str, Float32 | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.head is not None and self.head.space not in ("", self.image.space):
            raise ConfigError(
                f"the head was trained on {self.head.space}, the profile's image model makes "
                f"{self.image.space}; train one on features of that model"
            )
        if self.head is not None and self.head.config.grid:
            raise ConfigError(
                "the head was trained on regions of frames, which a collection does not keep; "
                "train one on features without regions"
            )

    def scores(
        self,
        requests: Sequence[Decomposition],
        videos: Sequence[Video],
        direction: Direction = "text_to_video",
        top: int = TOP,
    ) -> Float64:
        """Return joint scores (Q, V); skeletons are compared for the `top` of each request.

        In the direction `video_to_text`, for the `top` requests of each video. A video without
        frames has relevance 0.
        """
        relevance = self.relevance([one.query for one in requests], videos)
        shares = self.ways.relevance, self.ways.skeleton

        def pair(request: int, video: int) -> float | None:
            found = self._judged(requests[request], videos[video])
            self.how[found.how] += 1
            return found.probability

        if direction == "text_to_video":
            return joint_scores(relevance, pair, top, shares)
        if direction == "video_to_text":
            back = joint_scores(
                relevance.T, lambda video, request: pair(request, video), top, shares
            )
            return back.T
        raise ConfigError(f"direction {direction!r}; known: text_to_video, video_to_text")

    def relevance(self, texts: Sequence[str], videos: Sequence[Video]) -> Float64:
        """Return L_r (Q, V), the cosine of h_T and h_v."""
        if self.tuned is not None:
            return self._by_tuned(self.tuned, texts, videos)
        said = self.image.encode_texts(list(texts))
        head = self.head or Head.untrained(HeadConfig(said.shape[1]))
        asked = np.stack([head.text(one[None]) for one in said])
        table = self.store.table()
        rows, matrix = self.store.vectors(self.image.space)
        number = {name: place for place, name in enumerate(table.video_ids)}
        owner = table.video[rows]
        found = np.zeros((len(texts), len(videos)))
        for column, video in enumerate(videos):
            own = np.flatnonzero(owner == number.get(video.id, -1))
            if not len(own):
                continue
            times_s = self._times_s(rows[own])
            in_time = np.argsort(times_s, kind="stable")
            own, times_s = own[in_time], times_s[in_time]
            frames = matrix[own].astype(np.float32)
            if head.config.alpha == "query" or head.config.beta == "query":
                found[:, column] = [h @ head.video(frames, times_s, query=h) for h in asked]
            else:
                found[:, column] = asked @ head.video(frames, times_s)
        return found

    def _by_tuned(
        self, tuned: TunedModel, texts: Sequence[str], videos: Sequence[Video]
    ) -> Float64:
        """Return L_r by a tuned model, which sees frames of each video's file, once."""
        asked = tuned.text_vectors(texts).astype(np.float64)
        found = np.zeros((len(texts), len(videos)))
        for column, video in enumerate(videos):
            if video.id not in self._seen:
                times_s = uniform_times(video.duration_s, SEEN)
                frames = self._frames(video, times_s)
                whole = tuned.video_vector(tuned.pictures(frames)) if frames else None
                self._seen[video.id] = whole
            seen = self._seen[video.id]
            if seen is not None:
                found[:, column] = asked @ seen
        return found

    def _times_s(self, rows: Int64) -> Float64:
        """Return when each frame (n,) is shown, which is not when its shot begins."""
        shown = self.store.evidence(rows.tolist())
        return np.array([one.start_s if one.frame_s is None else one.frame_s for one in shown])

    # -- skeletons ------------------------------------------------------------------------------
    def _judged(self, request: Decomposition, video: Video) -> Judged:
        asked = self._of_request(request)
        shown = self._of_video(video, spoken(request.language))
        model = self.model or self.vision
        if model is not None and self._left_s > 0:
            images = () if self.model else self._frames(video)
            found = judge(model, asked, shown, images, timeout_s=self._left_s)
            if found.probability is not None:
                return found
        return likeness(self._vectors(asked, True), self._vectors(shown, False))

    def _of_request(self, request: Decomposition) -> Skeleton:
        key = f"request {request.language} {request.query}"
        if key not in self._skeletons:
            language = spoken(request.language)
            questions, shown = self.questions("text", language), self._shown("text", language)
            made = self._asked(
                lambda model, left_s: of_request(model, request.query, questions, shown, left_s),
                self.model,
            )
            self._skeletons[key] = self.ways.kept(made or from_decomposition(request, questions))
        return self._skeletons[key]

    def outline_of_request(self, request: Decomposition) -> tuple[str, str]:
        """Return the skeleton of a request written out, and who made it."""
        made = self._of_request(request)
        return str(made), made.origin

    def outline_of_video(
        self, video: Video, language: str = "en", without: Collection[str] = ()
    ) -> tuple[str, str]:
        """Return the skeleton of a video written out, and who made it.

        Channels of `without`, and `title`, are not read.
        """
        made = self._of_video(video, language, frozenset(without))
        return str(made), made.origin

    def _of_video(
        self, video: Video, language: str = "en", without: frozenset[str] = frozenset()
    ) -> Skeleton:
        key = " ".join(("video", language, video.id, *sorted(without)))
        if key not in self._skeletons:
            questions, shown = self.questions("visual", language), self._shown("visual", language)
            evidence = [
                one for one in self.store.evidence_of(video.id) if one.channel not in without
            ]
            if "title" in without:
                video = replace(video, title="")
            images = self._frames(video) if self.vision is not None else ()
            made = self._asked(
                lambda model, left_s: of_video(
                    model, video, evidence, questions, images, shown, left_s
                ),
                self.vision if images else self.model,
            )
            self._skeletons[key] = self.ways.kept(made or from_evidence(video, evidence, questions))
        return self._skeletons[key]

    # -- demonstrations -------------------------------------------------------------------------
    def demonstrate(
        self,
        example: Decomposition,
        videos: Sequence[Video],
        rule: Rule = "lexicographic",
        side: Side = "text",
    ) -> tuple[Demonstration, ...]:
        """Ask the questions nearest each centre about one example and keep the best of each.

        A demonstration is a question, the model's answer, and the video that it finds (eqs. 6 and
        7): of the side `text` about the request, of `visual` about the video that the request finds
        best. Skeletons of that side and language that are made afterwards are asked for in this
        manner. Raises ConfigError without a model or videos, ModelError where none gives a valid
        answer.
        """
        language = spoken(example.language)
        model = self.model if side == "text" else self.vision or self.model
        if model is None or not videos:
            raise ConfigError("demonstrations need a language model and videos to find")
        questions = pool(side, language)
        by_text = {question.text: question for question in questions}
        best = self._found(example.query, videos)
        seen = self.store.evidence_of(best.id) if side == "visual" else []
        images = self._frames(best) if side == "visual" and self.vision is not None else []
        looks = self.vision if images and self.vision is not None else self.model or model

        def ask(text: str) -> tuple[str, str]:
            asked = [by_text[text]]
            left_s = self._left_s
            if left_s <= 0:
                raise ModelError("no time is left for demonstrations")
            if side == "text" and self.model is not None:
                said = of_request(self.model, example.query, asked, timeout_s=left_s)
            else:
                said = of_video(looks, best, seen, asked, images, timeout_s=left_s)
            answer = said.answers[0][1] if said.answers else ""
            words = f"{example.query} {answer}" if side == "text" else answer or example.query
            return answer, _name(self._found(words, videos))

        clusters = self.ways.clusters(vectors(self._reader, questions))
        self.shown[side, language] = tuple(demonstrations(questions, clusters, ask, rule))
        self._skeletons.clear()
        return self.shown[side, language]

    def _found(self, text: str, videos: Sequence[Video]) -> Video:
        return videos[int(self.relevance([text], videos)[0].argmax())]

    def _shown(self, side: Side, language: str) -> tuple[Demonstration, ...]:
        return self.shown.get((side, language), ())

    def _asked(self, ask: Callable[[Any, float], Skeleton], model: Any) -> Skeleton | None:
        """Return what a model makes of it, None without one, out of time, or where it fails."""
        if model is None or self._left_s <= 0:
            return None
        try:
            return ask(model, self._left_s)
        except ModelError:
            self.how["skeleton without model"] += 1
            return None

    @property
    def _reader(self) -> TextEncoder | TunedModel:
        """What makes the vectors of questions: the tuned model, or the profile's of texts."""
        return self.text if self.tuned is None else self.tuned

    @property
    def _left_s(self) -> float:
        return min(self.timeout_s, self.deadline - time.monotonic())

    def _frames(self, video: Video, times_s: Sequence[float] | None = None) -> list[UInt8]:
        """Return a few frames of a video's file, or none where it cannot be read."""
        if times_s is None:
            times_s = uniform_times(video.duration_s, FRAMES)
        try:
            return [frame.image for frame in frames_at(video.path, times_s)]
        except (MediaError, OSError):
            return []

    def questions(self, side: Side, language: str = "en") -> list[Question]:
        """Return the questions asked of one side in a language that has pools."""
        if not self.ways.asks(side):
            return []
        if (side, language) not in self._questions:
            questions = pool(side, language)
            chosen = self.ways.chosen(questions, vectors(self._reader, questions))
            self._questions[side, language] = chosen
        return self._questions[side, language]

    def _vectors(self, skeleton: Skeleton, asks: bool) -> Float32:
        said = skeleton.statements()
        encode = self.text.encode_queries if asks else self.text.encode_passages
        new = [text for text in said if f"{asks} {text}" not in self._said]
        if new:
            made = encode(new)
            self._said |= {f"{asks} {text}": one for text, one in zip(new, made, strict=True)}
        if not said:
            return np.zeros((0, 1), np.float32)
        return np.stack([self._said[f"{asks} {text}"] for text in said])


def spoken(language: str | None) -> str:
    """Return the language of the pools that a request is asked by: its own, or English."""
    return language if language in languages() else "en"


def _name(video: Video) -> str:
    return clean(video.title or Path(video.path).name, 80)
