"""Scores candidates of a search by MMI-TVR: key-images against the request, and skeletons.

Relevance L_r comes from the frame vectors in the store through a head, untrained unless the
profile names one; L_s from skeletons, by a language or vision-language model where one answers in
time, else from the decomposition and the video's evidence by likeness of texts.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import Field

from q2e.arrays import Float32, Float64, Int64, UInt8
from q2e.decoding.doors import frames_at
from q2e.errors import ConfigError, MediaError, ModelError
from q2e.media.scan import uniform_times
from q2e.methods.decompose.base import Decomposer
from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Unfold, Weight
from q2e.mmi.knowledge import (
    ASKED,
    Demonstration,
    Question,
    Rule,
    choose,
    cluster,
    demonstrations,
    pool,
    vectors,
)
from q2e.mmi.reason import Head, HeadConfig
from q2e.mmi.scorer import TOP, Judged, joint_scores, judge, likeness
from q2e.mmi.skeletons import Skeleton, from_decomposition, from_evidence, of_request, of_video
from q2e.models.base import ImageTextEncoder, LanguageModel, TextEncoder, VisionLanguageModel
from q2e.models.language import language_model
from q2e.registry import method
from q2e.store.base import Store
from q2e.text.fence import clean
from q2e.types import Decomposition, Query, Video

#: Frames of a video that a vision-language model sees.
FRAMES = 4
#: Vectors of statements kept between questions.
KEPT = 50_000

Direction = Literal["text_to_video", "video_to_text"]


@dataclass(eq=False)
class Mmi:
    """Scores requests against videos of one store; keeps skeletons and vectors between calls."""

    store: Store
    image: ImageTextEncoder
    text: TextEncoder
    head: Head | None = None
    model: LanguageModel | None = None
    vision: VisionLanguageModel | None = None
    """Makes skeletons of videos from their frames, and judges where there is no `model`."""
    language: str = "en"
    """Language of the questions, `en` or `zh`."""
    timeout_s: float = 30.0
    """Longest time of one answer of a model."""
    deadline: float = math.inf
    """Time of `time.monotonic` after which no model is asked."""
    shown: tuple[Demonstration, ...] = ()
    """Answers in whose manner the model is asked for skeletons; see `demonstrate`."""
    how: Counter[str] = field(default_factory=Counter)
    """How many pairs were judged in which way."""
    _questions: dict[str, list[Question]] = field(default_factory=dict)
    _skeletons: dict[str, Skeleton] = field(default_factory=dict)
    _said: dict[str, Float32] = field(default_factory=dict)

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

        def pair(request: int, video: int) -> float | None:
            found = self._judged(requests[request], videos[video])
            self.how[found.how] += 1
            return found.probability

        if direction == "text_to_video":
            return joint_scores(relevance, pair, top)
        if direction == "video_to_text":
            back = joint_scores(relevance.T, lambda video, request: pair(request, video), top)
            return back.T
        raise ConfigError(f"direction {direction!r}; known: text_to_video, video_to_text")

    def relevance(self, texts: Sequence[str], videos: Sequence[Video]) -> Float64:
        """Return L_r (Q, V), the cosine of h_T and h_v."""
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

    def _times_s(self, rows: Int64) -> Float64:
        """Return when each frame (n,) is shown, which is not when its shot begins."""
        shown = self.store.evidence(rows.tolist())
        return np.array([one.start_s if one.frame_s is None else one.frame_s for one in shown])

    # -- skeletons ------------------------------------------------------------------------------
    def _judged(self, request: Decomposition, video: Video) -> Judged:
        asked, shown = self._of_request(request), self._of_video(video)
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
            questions = self.questions("text")
            made = self._asked(
                lambda model, left_s: of_request(
                    model, request.query, questions, self.shown, left_s
                ),
                self.model,
            )
            self._skeletons[key] = made or from_decomposition(request, questions)
        return self._skeletons[key]

    def _of_video(self, video: Video) -> Skeleton:
        key = f"video {video.id}"
        if key not in self._skeletons:
            questions = self.questions("visual")
            evidence = self.store.evidence_of(video.id)
            images = self._frames(video) if self.vision is not None else ()
            made = self._asked(
                lambda model, left_s: of_video(
                    model, video, evidence, questions, images, self.shown, left_s
                ),
                self.vision if images else self.model,
            )
            self._skeletons[key] = made or from_evidence(video, evidence, questions)
        return self._skeletons[key]

    def demonstrate(
        self, example: Decomposition, videos: Sequence[Video], rule: Rule = "lexicographic"
    ) -> tuple[Demonstration, ...]:
        """Ask the questions nearest each centre about one request and keep the best of each.

        A demonstration is a question, the model's answer, and the video that request and answer
        find (eqs. 6 and 7). Skeletons made afterwards are asked for in this manner. Raises
        ConfigError without a language model, ModelError where it gives no valid answer.
        """
        if self.model is None or not videos:
            raise ConfigError("demonstrations need a language model and videos to find")
        model, questions = self.model, pool("text", self.language)
        by_text = {question.text: question for question in questions}

        def ask(text: str) -> tuple[str, str]:
            said = of_request(model, example.query, [by_text[text]], timeout_s=self.timeout_s)
            answer = said.answers[0][1] if said.answers else ""
            best = int(self.relevance([f"{example.query} {answer}"], videos)[0].argmax())
            return answer, clean(videos[best].title or Path(videos[best].path).name, 80)

        clusters = cluster(vectors(self.text, questions))
        self.shown = tuple(demonstrations(questions, clusters, ask, rule))
        self._skeletons.clear()
        return self.shown

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
    def _left_s(self) -> float:
        return min(self.timeout_s, self.deadline - time.monotonic())

    def _frames(self, video: Video) -> list[UInt8]:
        """Return a few frames of a video's file, or none where it cannot be read."""
        times_s = uniform_times(video.duration_s, FRAMES)
        try:
            return [frame.image for frame in frames_at(video.path, times_s)]
        except (MediaError, OSError):
            return []

    def questions(self, side: Literal["text", "visual"]) -> list[Question]:
        """Return the questions asked of one side: one of each cluster of its pool."""
        if side not in self._questions:
            questions = pool(side, self.language)
            self._questions[side] = choose(questions, vectors(self.text, questions), ASKED)
        return self._questions[side]

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


@method("rerank", source="MMI-TVR, eq. 10")
@dataclass(frozen=True, kw_only=True)
class MmiReranker(Reranker):
    """Rate by MMI-TVR's joint score: key-images against the request, and skeletons."""

    depth: Depth = 20
    weight: Weight = 0.5
    top: Annotated[
        int, Field(ge=1, le=1_000, description="Candidates whose skeletons are compared.")
    ] = TOP

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        if tools.store is None:
            return Rating(np.full(len(candidates), np.nan), note="mmi needs the store")
        # Searches at the same time share skeletons and vectors, not time and counts.
        scorer = replace(_scorer(tools.store, tools), deadline=tools.deadline, how=Counter())
        unfold = tools.unfold or _by_events(tools)
        decomposition = unfold(question)
        videos = [candidate.video for candidate in candidates]
        scores = scorer.scores([decomposition], videos, top=self.top)[0]
        how = ", ".join(f"{count} by {name}" for name, count in sorted(scorer.how.items()))
        name = "untrained head" if scorer.head is None else f"head of {scorer.head.space}"
        return Rating(scores, f"mmi ({name})", f"skeletons: {how}")


def _by_events(tools: Tools) -> Unfold:
    decomposer = Decomposer.of("events", tools.settings, tools.models)
    return lambda question: decomposer.decompose(Query(question))


#: The scorer of each open store, so that skeletons are made once for many questions.
_scorers: WeakKeyDictionary[Store, tuple[tuple[object, ...], Mmi]] = WeakKeyDictionary()
_making = Lock()


def _scorer(store: Store, tools: Tools) -> Mmi:
    models = tools.models
    key = (store.table().version, models.profile, tools.settings)
    with _making:
        kept = _scorers.get(store)
        if kept is not None and kept[0] == key and len(kept[1]._said) < KEPT:
            return kept[1]
        named = tools.settings.language_model is not None or models.has("language")
        made = Mmi(
            store,
            models.image,
            models.text,
            head=models.load("mmi") if models.has("mmi") else None,
            model=language_model(tools.settings, models) if named else None,
            vision=models.vision if models.has("vision") else None,
        )
        _scorers[store] = key, made
        return made
