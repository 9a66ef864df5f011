"""Answers a question: knows the order of the second line, from text to hits with reasons."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from q2e.arrays import Bool, Float32, Int64
from q2e.config import Settings
from q2e.errors import IndexMismatch, QueryError
from q2e.models.registry import Models
from q2e.query.decompose import Decomposer
from q2e.query.slots import languages_by_script
from q2e.retrieve.bank import Bank, Form
from q2e.retrieve.calibrate import Calibrator, by_videos, by_words
from q2e.retrieve.explain import Explainer
from q2e.retrieve.fuse import Fusion, fuse
from q2e.retrieve.normalise import normalise
from q2e.retrieve.scan import Scanner, ScoreRow, Vectors
from q2e.store.base import Store
from q2e.text.language import detect
from q2e.text.tokens import tokens
from q2e.types import EVENT_KINDS, Decomposition, Hit, Query, Results

#: Longest question, in characters; a whole article is not a question.
LONGEST = 4000


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Fused score rows of one question, and the videos it may answer with, best first."""

    rows: list[ScoreRow]
    fusion: Fusion
    order: Int64


class Searcher:
    """Searches one store with one set of models; safe to share between threads."""

    def __init__(self, store: Store, models: Models) -> None:
        self.store = store
        self.models = models
        self.scanner = Scanner(store)
        self._decomposers: dict[str, Decomposer] = {}

    def search(self, query: Query, settings: Settings, moments: bool = True) -> Results:
        """Return the best videos with reasons, and with their moments where asked for.

        Raises QueryError for an empty or overlong question, IndexMismatch where the index was
        made by another text model.
        """
        clock = _Clock()
        query = self._checked(query)
        with clock("decompose"):
            decomposition = self._decomposer(settings).decompose(query)
        with clock("encode"):
            parts = self._parts(decomposition, settings)
        with clock("score"):
            mask = self.store.rows(query.filters)
            rows = self._rows(query, decomposition, parts, settings, mask)
        with clock("fuse"):
            ranking = self._rank(rows, settings)
        with clock("explain"):
            hits = self._hits(ranking, settings, moments)
        table = self.store.table()
        info = {
            "videos": len(table.video_ids),
            "evidence": len(table),
            "version": table.version,
            "profile": settings.profile,
            "fuse": settings.fuse,
            "normalise": settings.normalise,
            "models": {"text": self.models.text.space, "image": self.models.image.space},
        }
        return Results(query, tuple(hits), decomposition, info, clock.seconds)

    def _checked(self, query: Query) -> Query:
        text = " ".join(query.text.split())
        if not any(character.isalnum() for character in text):
            raise QueryError("the question is empty; ask for what is seen, said or written")
        if len(text) > LONGEST:
            raise QueryError(
                f"the question has {len(text)} characters; at most {LONGEST} are searched"
            )
        language = query.language or detect(text) or next(iter(languages_by_script(text)), None)
        return replace(query, text=text, language=language)

    def _decomposer(self, settings: Settings) -> Decomposer:
        key = f"{settings.decompose} {settings.language_model}"
        if key not in self._decomposers:
            self._decomposers[key] = Decomposer.from_settings(settings, self.models)
        return self._decomposers[key]

    @cached_property
    def _bank(self) -> Bank:
        return Bank(self.models.text)

    # -- scores ---------------------------------------------------------------------------------
    def _parts(self, decomposition: Decomposition, settings: Settings) -> list[Vectors]:
        """Return the question and its sub-events as vectors of the text model."""
        encoder = self.models.text
        asked = [decomposition.query]
        if decomposition.english and decomposition.english != decomposition.query:
            asked.append(decomposition.english)
        parts = [Vectors("query", tuple(asked), encoder.encode_queries(asked))]
        for kind in EVENT_KINDS:
            events = decomposition.of_kind(kind)
            if not events:
                continue
            if decomposition.backend == "events":
                # Phrases of the knowledge base come again and again, so their vectors are
                # known; the question is folded into them as a vector, not as words.
                phrases = encoder.encode_queries([event.source for event in events])
                matrix = _unit(phrases + parts[0].matrix[:1])
            else:
                matrix = encoder.encode_queries([event.text for event in events])
            parts.append(Vectors(kind, tuple(event.text for event in events), matrix))
        if settings.normalise == "bank":
            parts = [
                replace(part, matrix=self._bank.correct(part.matrix, _form(decomposition)))
                for part in parts
            ]
        return parts

    def _rows(
        self,
        query: Query,
        decomposition: Decomposition,
        parts: list[Vectors],
        settings: Settings,
        mask: Bool | None,
    ) -> list[ScoreRow]:
        """Return the rows of all parts and channels, on one scale."""
        self._check_spaces()
        table = self.store.table()
        image = self.models.image
        picture = Vectors("query", (query.text,), image.encode_texts([query.text]))
        meanings = self.scanner.dense(self.models.text.space, "meaning", parts, mask=mask)
        pictures = self.scanner.dense(image.space, "picture", [picture], mask=mask)
        if settings.normalise == "bank":
            calibrate, form = self._calibrator, _form(decomposition)
            rows = [calibrate.by_bank(row, self.models.text.space, form) for row in meanings]
            rows += [calibrate.by_descriptions(row, image, form) for row in pictures]
        else:
            rows = [by_videos(row) for row in meanings + pictures]
        words = tokens(query.text)
        for row in self.scanner.lexical("query", query.text, words, mask):
            rows.append(by_words(row, words, table))
        allowed = query.filters.channels
        return [row for row in rows if not allowed or row.channel in allowed]

    @cached_property
    def _calibrator(self) -> Calibrator:
        return Calibrator(self.store, self._bank)

    def _check_spaces(self) -> None:
        """Refuse an index whose vectors were made by other models."""
        for kind, ours in (("text", self.models.text), ("image", self.models.image)):
            held = self.store.setting(f"space.{kind}")
            if held is not None and held != ours.space:
                raise IndexMismatch(
                    f"the index holds {kind} vectors of {held}, the profile searches with "
                    f"{ours.space}; run  q2e index  again on the same files, or choose the "
                    "profile the index was made with"
                )

    def _rank(self, rows: list[ScoreRow], settings: Settings) -> Ranking:
        videos = self.store.table().video_ids
        if not rows:
            empty = Fusion(np.zeros(0), np.zeros(0), np.zeros((0, len(videos))))
            return Ranking([], empty, np.zeros(0, np.int64))
        scores = np.stack([row.video for row in rows])
        # On this scale 0 says that nothing answers: the floor, and the value of what is missing.
        floor = np.zeros(len(rows))
        level = normalise(scores, "none", temperature=settings.temperature, floor=floor)
        weights = [1.0 if row.part == "query" else settings.event_weight for row in rows]
        fusion = fuse(level, settings.fuse, weights)
        found = ~np.isnan(scores).all(axis=0)
        if settings.confidence > 0:
            own = [number for number, row in enumerate(rows) if row.part == "query"]
            found &= level.value[own].max(axis=0, initial=0.0) >= settings.confidence
        present = np.flatnonzero(found)
        # Equal scores are told apart by the video's id, never by the order of indexing.
        names = np.array(videos)[present]
        order = present[np.lexsort((names, -fusion.score[present]))]
        return Ranking(rows, fusion, order.astype(np.int64))

    # -- hits -----------------------------------------------------------------------------------
    def _hits(self, ranking: Ranking, settings: Settings, moments: bool) -> list[Hit]:
        table = self.store.table()
        chosen = ranking.order[: settings.top]
        explainer = Explainer(self.store, table, ranking.rows, ranking.fusion)
        hits = []
        for rank, number in enumerate(chosen.tolist(), 1):
            video = self.store.video(table.video_ids[number])
            if video is None:
                continue
            hits.append(
                Hit(
                    rank=rank,
                    video=video,
                    score=float(ranking.fusion.score[number]),
                    moments=(
                        explainer.moments(number, video, settings.moments_per_video)
                        if moments
                        else ()
                    ),
                    why=explainer.reasons(number) if moments else (),
                )
            )
        return hits


def _form(decomposition: Decomposition) -> Form:
    asks_event = bool(decomposition.events) or decomposition.backend == "none"
    return Form(decomposition.language, event=asks_event)


def _unit(vectors: Float32) -> Float32:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class _Clock:
    """Seconds spent in each named phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[phase] = time.perf_counter() - began
