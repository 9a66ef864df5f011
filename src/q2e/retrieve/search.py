"""Answers a question: knows the order of the second line, from text to hits with reasons."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.config import Settings
from q2e.errors import IndexMismatch, QueryError
from q2e.models.registry import Models
from q2e.query.decompose import Decomposer
from q2e.query.expand import Expansion, asked_words
from q2e.query.knowledge import load
from q2e.query.names import Names
from q2e.query.slots import languages_by_script
from q2e.retrieve.again import ranked_again
from q2e.retrieve.bank import Bank, Form
from q2e.retrieve.calibrate import Calibrator, by_videos, by_words
from q2e.retrieve.explain import Explainer
from q2e.retrieve.feedback import refine
from q2e.retrieve.fuse import Fusion, fuse
from q2e.retrieve.normalise import normalise
from q2e.retrieve.scan import Scanner, ScoreRow, Vectors
from q2e.retrieve.widen import Widener, widened
from q2e.store.base import Store
from q2e.text.language import detect
from q2e.types import EVENT_KINDS, Decomposition, Hit, Query, Results

#: Longest question, in characters; a whole article is not a question.
LONGEST = 4000


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Fused score rows of one question, and the videos it may answer with, best first.

    `score` (V,) is that of the fusion, or what feedback made of it.
    """

    rows: list[ScoreRow]
    fusion: Fusion
    score: Float64
    order: Int64


class Searcher:
    """Searches one store with one set of models; safe to share between threads."""

    def __init__(self, store: Store, models: Models) -> None:
        self.store = store
        self.models = models
        self.scanner = Scanner(store)
        self._decomposers: dict[str, Decomposer] = {}

    def search(
        self,
        query: Query,
        settings: Settings,
        moments: bool = True,
        offset: int = 0,
        decomposition: Decomposition | None = None,
    ) -> Results:
        """Return the best videos with reasons, and with their moments where asked for.

        The first `offset` are left out; `decomposition` replaces what the settings would make.
        Raises QueryError for an empty or overlong question, IndexMismatch where the index was
        made by another text model.
        """
        # Row numbers must mean the same from the first look at the store to the last.
        with self.store.snapshot():
            return self._search(query, settings, moments, offset, decomposition)

    def _search(
        self,
        query: Query,
        settings: Settings,
        moments: bool,
        offset: int,
        given: Decomposition | None,
    ) -> Results:
        if offset < 0:
            raise QueryError(f"offset is {offset}; pages begin at 0")
        clock = _Clock()
        query = self._checked(query)
        with clock("decompose"):
            if given is None:
                decomposition = self._decomposer(settings).decompose(query)
            else:
                decomposition = replace(
                    given, query=query.text, language=query.language, backend="given"
                )
        mask = self.store.rows(query.filters)
        form = _form(decomposition)

        def first() -> list[ScoreRow]:
            return self._rows(query, form, self._parts(decomposition, settings), settings, mask)

        with clock("expand"):
            more = self._widener.expand(decomposition, settings, first)
        with clock("encode"):
            parts = self._parts(decomposition, settings, more)
        with clock("score"):
            rows = self._rows(query, form, parts, settings, mask, more.words)
        with clock("fuse"):
            fusion = self._fused(rows, settings)
        with clock("feedback"):
            score = fusion.score
            wanted = settings.feedback == "always" or (
                settings.feedback == "events" and decomposition.events
            )
            if wanted and rows:
                score = self._refined(rows, fusion, parts[0], form, settings, mask)
        ranking = self._ranked(rows, fusion, score, settings)
        explainer = self._explainer(ranking)
        again: Mapping[str, Any] = {"strategy": "none"}
        if settings.rerank != "none":
            with clock("rerank"):
                added, order, again = ranked_again(
                    query.text, explainer, ranking.order, settings, self.models
                )
                explainer = self._explainer(ranking, added)
                ranking = replace(ranking, score=ranking.score + added, order=order)
        with clock("explain"):
            hits = self._hits(ranking, explainer, settings, moments, offset)
        table = self.store.table()
        info = {
            "videos": len(table.video_ids),
            "evidence": len(table),
            "version": table.version,
            "profile": settings.profile,
            "fuse": settings.fuse,
            "normalise": settings.normalise,
            "pool": settings.pool,
            "expand": {"method": more.method, "backend": more.backend, "note": more.note},
            "rerank": dict(again),
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
    def _parts(
        self, decomposition: Decomposition, settings: Settings, more: Expansion | None = None
    ) -> list[Vectors]:
        """Return the question with what expansion adds, and its sub-events, as text vectors."""
        encoder = self.models.text
        asked = [decomposition.query]
        if decomposition.english and decomposition.english != decomposition.query:
            asked.append(decomposition.english)
        plain = Vectors("query", tuple(asked), encoder.encode_queries(asked))
        parts = widened(plain, more or Expansion(), encoder, settings.expand_weight)
        for kind in EVENT_KINDS:
            events = decomposition.of_kind(kind)
            if not events:
                continue
            if decomposition.backend == "events":
                # Phrases of the knowledge base come again and again, so their vectors are
                # known; the question is folded into them as a vector, not as words.
                phrases = encoder.encode_queries([event.source for event in events])
                matrix = _unit(phrases + plain.matrix[:1])
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
        form: Form,
        parts: list[Vectors],
        settings: Settings,
        mask: Bool | None,
        words: Sequence[str] = (),
    ) -> list[ScoreRow]:
        """Return the rows of all parts and channels, on one scale.

        `words` are texts whose words are searched beside the question's own.
        """
        self._check_spaces()
        image = self.models.image
        picture = Vectors("query", (query.text,), image.encode_texts([query.text]))
        dense = partial(self.scanner.dense, mask=mask, pool=settings.pool)
        meanings = dense(self.models.text.space, "meaning", parts)
        pictures = dense(image.space, "picture", [picture])
        rows = [self._on_scale(row, form, settings) for row in meanings]
        if settings.normalise == "bank":
            rows += [self._calibrator.by_descriptions(row, image, form) for row in pictures]
        else:
            rows += [by_videos(row) for row in pictures]
        rows += self._lexical_rows(query, mask, words)
        allowed = query.filters.channels
        return [row for row in rows if not allowed or row.channel in allowed]

    def _lexical_rows(
        self, query: Query, mask: Bool | None, words: Sequence[str]
    ) -> list[ScoreRow]:
        """Return rows of words and of names, which are alike across languages and scripts."""
        table = self.store.table()
        rows = []
        for how, terms in (
            ("words", asked_words(query.text, words)),
            ("names", self._names.grams(query.text, query.language)),
        ):
            for row in self.scanner.lexical(how, query.text, terms, mask):
                rows.append(by_words(row, terms, table))
        return rows

    @cached_property
    def _widener(self) -> Widener:
        return Widener(self.store, self.models)

    @cached_property
    def _names(self) -> Names:
        return Names(load())

    def _on_scale(self, row: ScoreRow, form: Form, settings: Settings) -> ScoreRow:
        if settings.normalise == "bank":
            return self._calibrator.by_bank(row, self.models.text.space, form)
        return by_videos(row)

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

    def _fused(self, rows: list[ScoreRow], settings: Settings) -> Fusion:
        """Fuse rows on one scale, where 0 says that nothing answers: the value of the missing."""
        if not rows:
            videos = len(self.store.table().video_ids)
            return Fusion(np.zeros(0), np.zeros(0), np.zeros((0, videos)))
        scores = np.stack([row.video for row in rows])
        floor = np.zeros(len(rows))
        level = normalise(scores, "none", temperature=settings.temperature, floor=floor)
        weights = [1.0 if row.part == "query" else settings.event_weight for row in rows]
        return fuse(level, settings.fuse, weights)

    def _refined(
        self,
        rows: list[ScoreRow],
        fusion: Fusion,
        asked: Vectors,
        form: Form,
        settings: Settings,
        mask: Bool | None,
    ) -> Float64:
        """Return scores (V,) after the best videos and those like them had their say."""
        space = self.models.text.space
        own = {
            row.channel: number
            for number, row in enumerate(rows)
            if row.how == "meaning" and row.part == "query"
        }
        if not own:
            return fusion.score

        def meaning(vector: Float64) -> Float64:
            again = Vectors("query", asked.texts[:1], vector[None].astype(np.float32))
            total = np.zeros(len(fusion.score))
            rows = self.scanner.dense(space, "meaning", [again], mask=mask, pool=settings.pool)
            for row in rows:
                worth = np.nan_to_num(self._on_scale(row, form, settings).video)
                total += fusion.weight[own[row.channel]] * np.maximum(worth, 0.0)
            return total

        first = fusion.contribution[list(own.values())].sum(axis=0)
        vectors = self.scanner.mean_vectors(space)
        return refine(asked.matrix[0], first, fusion.score - first, vectors, meaning)

    def _ranked(
        self, rows: list[ScoreRow], fusion: Fusion, score: Float64, settings: Settings
    ) -> Ranking:
        if not rows:
            return Ranking(rows, fusion, score, np.zeros(0, np.int64))
        found = ~np.isnan(np.stack([row.video for row in rows])).all(axis=0)
        if settings.confidence > 0:
            own = [number for number, row in enumerate(rows) if row.part == "query"]
            found &= fusion.normalised[own].max(axis=0, initial=0.0) >= settings.confidence
        present = np.flatnonzero(found)
        # Equal scores are told apart by the video's id, never by the order of indexing.
        names = np.array(self.store.table().video_ids)[present]
        order = present[np.lexsort((names, -score[present]))]
        return Ranking(rows, fusion, score, order.astype(np.int64))

    # -- hits -----------------------------------------------------------------------------------
    def _explainer(self, ranking: Ranking, reranked: Float64 | None = None) -> Explainer:
        table = self.store.table()
        return Explainer(self.store, table, ranking.rows, ranking.fusion, ranking.score, reranked)

    def _hits(
        self,
        ranking: Ranking,
        explainer: Explainer,
        settings: Settings,
        moments: bool,
        offset: int,
    ) -> list[Hit]:
        table = self.store.table()
        chosen = ranking.order[offset : offset + settings.top]
        hits = []
        for rank, number in enumerate(chosen.tolist(), offset + 1):
            video = self.store.video(table.video_ids[number])
            if video is None:
                continue
            hits.append(
                Hit(
                    rank=rank,
                    video=video,
                    score=float(ranking.score[number]),
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
