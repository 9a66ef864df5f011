"""Asks one text of all evidence: its parts as vectors and words, on one scale, made one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from q2e.arrays import Bool, Float32, Float64
from q2e.errors import IndexMismatch
from q2e.methods.expand.base import Expansion, asked_words
from q2e.methods.fuse.base import Fusion, fuse
from q2e.methods.normalise.base import normalise
from q2e.methods.pool.base import Pools
from q2e.models.base import ImageTextEncoder, VideoEncoder
from q2e.models.registry import Models
from q2e.models.remembered import remembered
from q2e.plugins import registry
from q2e.query.knowledge import load
from q2e.query.names import Names
from q2e.search.bank import Bank, Form
from q2e.search.calibrate import Calibrator, Scale, by_videos, by_words, on_scale
from q2e.search.candidates import restricted, union
from q2e.search.clock import Clock
from q2e.search.confidence import Confidence
from q2e.search.feedback import refine
from q2e.search.kept import Kept
from q2e.search.scan import Scanner, ScoreRow, Vectors
from q2e.search.widen import Widener, pictured, widened
from q2e.settings import Settings
from q2e.store.base import Store
from q2e.types import EVENT_KINDS, Decomposition, Filters, Query

#: Generic questions whose scores are held at a time.
_TOGETHER = 12


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What all videos (V,) say to a question, or to one clause of it.

    `score` is the sum of the contributions of the rows, or what feedback made of it; `found` tells
    the videos it may be answered with. `alarm` is the chance that a question without an answer
    finds as much, None where that is not known.
    """

    rows: list[ScoreRow]
    fusion: Fusion
    score: Float64
    found: Bool
    alarm: Float64 | None = None
    expansion: Expansion = field(default_factory=Expansion)


class Asker:
    """Asks texts of one store with one set of models; safe to share between threads."""

    def __init__(self, store: Store, models: Models) -> None:
        self.store = store
        self.models = models
        self.scanner = Scanner(store)
        self.kept = Kept(store)

    def ask(
        self,
        query: Query,
        decomposition: Decomposition,
        settings: Settings,
        mask: Bool | None,
        clock: Clock,
        *,
        moved: Mapping[str, Float32] | None = None,
        chance: bool = True,
    ) -> Answer:
        """Return what the evidence (E,) that `mask` leaves says to the text of a question.

        `moved` (d,) is added to the question's vector of each space named; `chance` says whether
        the answer's `alarm` is wanted. Raises IndexMismatch where the index was made by other
        models.
        """
        form = form_of(decomposition)
        moved = moved or {}

        def first() -> list[ScoreRow]:
            parts = self._parts(decomposition, settings, Expansion(), moved)
            return self._rows(query, form, parts, settings, mask, moved=moved)

        with clock("expand"):
            more = self._widener.expand(decomposition, settings, first)
        with clock("encode"):
            parts = self._parts(decomposition, settings, more, moved)
        with clock("score"):
            everything = self._rows(query, form, parts, settings, mask, more, moved)
            rows, mask = self._candidates(everything, settings, mask)
        with clock("fuse"):
            fusion = self.fused(rows, settings)
        with clock("feedback"):
            score = fusion.score
            wanted = settings.feedback == "always" or (
                settings.feedback == "events" and decomposition.events
            )
            if wanted and rows:
                score = self._refined(rows, fusion, parts[0], form, settings, mask)
        with clock("confidence"):
            alarm = self._false_alarm(query, everything, form, settings) if chance else None
        return Answer(rows, fusion, score, found_in(rows, fusion, settings), alarm, more)

    def _candidates(
        self, rows: list[ScoreRow], settings: Settings, mask: Bool | None
    ) -> tuple[list[ScoreRow], Bool | None]:
        """Return the rows of what any of them retrieves, and the mask (E,) of its evidence."""
        if not settings.candidates or not rows:
            return rows, mask
        table = self.store.table()
        kept = union(rows, settings.candidates)
        chosen = kept[table.video]
        return restricted(rows, kept, table), chosen if mask is None else chosen & mask

    @property
    def seeing(self) -> dict[str, ImageTextEncoder | VideoEncoder]:
        """The encoders of what is seen; one of which the index holds nothing is not loaded."""
        found: dict[str, ImageTextEncoder | VideoEncoder] = {}
        if self.store.setting("space.image") is not None:
            found["image"] = self.models.image
        if self.store.setting("space.video") is not None and self.models.clips is not None:
            found["video"] = self.models.clips
        return found

    @cached_property
    def _bank(self) -> Bank:
        return Bank(self.models.text)

    def ask_like(
        self, vectors: Sequence[Float32], scale: Scale, settings: Settings, mask: Bool | None
    ) -> Answer:
        """Return what the pictures that `mask` leaves have in common with examples.

        `vectors` (d,) are of the image space, `scale` that of likeness among pictures.
        """
        self._check_spaces()
        asked = Vectors("query", ("like the example",) * len(vectors), np.stack(vectors))
        found = self.scanner.dense(self.models.image.space, "picture", [asked], mask=mask)
        rows = [on_scale(row, scale) for row in found]
        fusion = self.fused(rows, settings)
        return Answer(rows, fusion, fusion.score, found_in(rows, fusion, settings))

    # -- scores ---------------------------------------------------------------------------------
    def _parts(
        self,
        decomposition: Decomposition,
        settings: Settings,
        more: Expansion,
        moved: Mapping[str, Float32],
    ) -> list[Vectors]:
        """Return the question with what expansion adds, and its sub-events, as text vectors."""
        encoder = self.models.text
        asked = [decomposition.query]
        if decomposition.english and decomposition.english != decomposition.query:
            asked.append(decomposition.english)
        plain = Vectors("query", tuple(asked), encoder.encode_queries(asked))
        if encoder.space in moved:
            plain = replace(plain, matrix=plain.matrix + moved[encoder.space])
        parts = widened(plain, more, encoder, settings.expand_weight)
        form = form_of(decomposition)
        calm = settings.normalise == "bank" and len(parts) == 1 and parts[0] is plain
        if settings.normalise == "bank":
            parts = [replace(one, matrix=self._bank.correct(one.matrix, form)) for one in parts]
        events = [event for kind in EVENT_KINDS for event in decomposition.of_kind(kind)]
        if not events:
            return parts
        if decomposition.backend == "events":
            # Phrases of the knowledge base come again and again, so their vectors are known; the
            # question is folded into them as a vector, not as words.
            matrix, folded = self._bank.folded(
                [event.source for event in events], plain.matrix[0], form
            )
        else:
            matrix, folded = encoder.encode_queries([event.text for event in events]), None
        if settings.normalise == "bank":
            matrix = self._bank.correct(matrix, form)
        for kind in EVENT_KINDS:
            own = [number for number, event in enumerate(events) if event.kind == kind]
            if own:
                texts = tuple(events[number].text for number in own)
                quick = folded.some(own) if folded is not None and calm else None
                parts.append(Vectors(kind, texts, matrix[own], folded=quick))
        return parts

    def _rows(
        self,
        query: Query,
        form: Form,
        parts: list[Vectors],
        settings: Settings,
        mask: Bool | None,
        more: Expansion | None = None,
        moved: Mapping[str, Float32] | None = None,
    ) -> list[ScoreRow]:
        """Return the rows of all parts and channels, on one scale.

        `more` is what expansion adds to the question among pictures and words.
        """
        more = more or Expansion()
        self._check_spaces()
        dense = partial(self.scanner.dense, mask=mask, pool=settings.pool)
        meanings = dense(self.models.text.space, "meaning", parts)
        rows = [self._on_scale(row, form, settings) for row in meanings]
        for encoder in self.seeing.values():
            picture = pictured(query.text, more, encoder, settings.expand_weight)
            if moved and encoder.space in moved:
                picture = replace(picture, matrix=picture.matrix + moved[encoder.space])
            pictures = dense(encoder.space, "picture", [picture])
            if settings.normalise == "bank":
                rows += [self._calibrator.by_descriptions(row, encoder, form) for row in pictures]
            else:
                rows += [by_videos(row) for row in pictures]
        rows += self._lexical_rows(query, mask, more.words)
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
                speaks = query.language if how == "words" else None
                share = self._calibrator.share(row.channel, speaks)
                rows.append(by_words(row, terms, table, share))
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
        for kind, ours in {"text": self.models.text, **self.seeing}.items():
            held = self.store.setting(f"space.{kind}")
            if held is not None and held != ours.space:
                raise IndexMismatch(
                    f"the index holds {kind} vectors of {held}, the profile searches with "
                    f"{ours.space}; run  q2e index  again on the same files, or choose the "
                    "profile the index was made with"
                )

    def fused(self, rows: list[ScoreRow], settings: Settings) -> Fusion:
        """Fuse rows on one scale, where 0 says that nothing answers: the value of the missing."""
        if not rows:
            videos = len(self.store.table().video_ids)
            return Fusion(np.zeros(0), np.zeros(0), np.zeros((0, videos)))
        scores = np.stack([row.video for row in rows])
        floor = np.zeros(len(rows))
        level = normalise(scores, "none", floor=floor)
        weights = [1.0 if row.part == "query" else settings.event_weight for row in rows]
        rule = registry().one("fuse", settings.fuse).filled(temperature=settings.temperature)
        return fuse(level, rule, weights)

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
        unit = self.kept.centred_means(space)
        return refine(asked.matrix[0], first, fusion.score - first, unit, meaning)

    def _false_alarm(
        self, query: Query, rows: list[ScoreRow], form: Form, settings: Settings
    ) -> Float64 | None:
        """Return, for each video (V,), the chance that a question without an answer finds as much.

        None where scores are not on the scale of the bank, by which chance is known.
        """
        if settings.normalise != "bank" or not rows:
            return None
        allowed = Filters(channels=query.filters.channels)

        def best(texts: Sequence[str], vectors: Float32) -> list[float]:
            return self.best_of(texts, vectors, form, settings, allowed)

        kind = f"{settings.fuse} {settings.pool} {settings.temperature:g} {allowed.channels}"
        law = self._confidence.law(form, kind, best)
        if law is None:
            return None
        return law.false_alarm(self._plainly(rows, settings))

    def best_of(
        self,
        texts: Sequence[str],
        vectors: Float32,
        form: Form,
        settings: Settings,
        allowed: Filters,
    ) -> list[float]:
        """Return the best score that each of several generic questions finds in the collection.

        `vectors` (n, d) are the questions', corrected by the bank. Their products with the
        evidence are taken together: one by one they would take as long as n searches.
        """
        # An order of sub-events is nothing to questions that have none.
        pool = Pools.of(settings.pool).without_steps()
        seen = [
            (encoder, remembered(encoder.space, "text", texts, encoder.encode_texts))
            for encoder in self.seeing.values()
        ]
        found = []
        for first in range(0, len(texts), _TOGETHER):
            some = range(first, min(first + _TOGETHER, len(texts)))

            def parts(matrix: Float32, some: range = some) -> list[Vectors]:
                return [Vectors(str(n), (texts[n],), matrix[n : n + 1]) for n in some]

            scan = partial(self.scanner.dense, mask=None, pool=pool)
            meanings = scan(self.models.text.space, "meaning", parts(vectors))
            rows = [self._on_scale(row, form, settings) for row in meanings]
            for encoder, matrix in seen:
                pictures = scan(encoder.space, "picture", parts(matrix))
                rows += [self._calibrator.by_descriptions(row, encoder, form) for row in pictures]
            for number in some:
                own = [replace(row, part="query") for row in rows if row.part == str(number)]
                own += self._lexical_rows(Query(texts[number], form.language), None, ())
                kept = [
                    row for row in own if not allowed.channels or row.channel in allowed.channels
                ]
                found.append(float(self._plainly(kept, settings).max(initial=0.0)))
        return found

    def _plainly(self, rows: list[ScoreRow], settings: Settings) -> Float64:
        """Return the scores (V,) of a question without its sub-events."""
        return self.fused([row for row in rows if row.part == "query"], settings).score

    @cached_property
    def _confidence(self) -> Confidence:
        return Confidence(self.store, self._bank)


def found_in(rows: Sequence[ScoreRow], fusion: Fusion, settings: Settings) -> Bool:
    """Return (V,) the videos that any row knows and one of the question's own makes stand out."""
    if not rows:
        return np.zeros(fusion.normalised.shape[1], dtype=bool)
    found: Bool = np.asarray(~np.isnan(np.stack([row.video for row in rows])).all(axis=0))
    if settings.confidence > 0:
        own = [number for number, row in enumerate(rows) if row.part == "query"]
        best = fusion.normalised[own].max(axis=0, initial=0.0)
        found = np.logical_and(found, best >= settings.confidence)
    return found


def form_of(decomposition: Decomposition) -> Form:
    """Return the form of a question: its language, and whether it asks for an event."""
    asks_event = bool(decomposition.events) or decomposition.backend == "none"
    return Form(decomposition.language, event=asks_event)
