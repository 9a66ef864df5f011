"""Lets what expansion adds to a question into its vectors, its words and its first look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from q2e.channels.known import of_style
from q2e.methods.expand.base import STYLES, Expansion, Found, expand, mixed
from q2e.methods.expand.lamer import rarity
from q2e.models.base import ImageTextEncoder, LanguageModel, TextEncoder, VideoEncoder
from q2e.models.language import language_model
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.search.scan import ScoreRow, Vectors
from q2e.settings import Settings
from q2e.store.base import Store
from q2e.types import Decomposition

#: Lines of evidence that a first search finds, unless the way says how many it reads.
LINES = 10


class Widener:
    """Expands the questions of one store's searches; keeps the language model between them."""

    def __init__(self, store: Store, models: Models) -> None:
        self._store = store
        self._models = models
        self._language: dict[str, LanguageModel] = {}
        self._lock = Lock()

    def expand(
        self, asked: Decomposition, settings: Settings, first: Callable[[], Sequence[ScoreRow]]
    ) -> Expansion:
        """Return what the settings add to a question; `first` gives the rows of a plain search."""
        way = registry().choose("expand", settings.expand)
        if way is None:
            return Expansion()
        found = None
        if way.method.facts.get("reads"):
            most = way["lines"] if "lines" in way.method.parameters else LINES
            found = self._found(first(), most)
        way = way.filled(weight=settings.expand_weight)
        return expand(way, asked, self._model(settings), found)

    def _model(self, settings: Settings) -> LanguageModel | None:
        if settings.language_model is None and not self._models.has("language"):
            return None
        key = f"{settings.profile} {settings.language_model}"
        with self._lock:
            if key not in self._language:
                self._language[key] = language_model(settings, self._models)
            return self._language[key]

    def _found(self, rows: Sequence[ScoreRow], most: int) -> Found:
        """Return at most so many lines of the best evidence over all rows of the question."""
        own = [row for row in rows if row.part == "query" and len(row.rows)]
        if not own:
            return Found()
        places = np.concatenate([row.rows for row in own])
        scores = np.concatenate([row.scores for row in own])
        best = list(dict.fromkeys(places[np.argsort(-scores, kind="stable")].tolist()))
        evidence = self._store.evidence(best[: 2 * most])
        total = len(self._store.table())

        def how_rare(word: str) -> float:
            return rarity(len(self._store.lexical([word])[0]), total)

        told = [one for one in evidence if one.text][:most]
        videos = dict.fromkeys(one.video for one in told)
        return Found(tuple(one.text for one in told), how_rare, tuple(videos))


def widened(
    part: Vectors, expansion: Expansion, encoder: TextEncoder, weight: float
) -> list[Vectors]:
    """Return the question (1, d or more) with what was added to it, style by style.

    Rewritings count in all channels, imagined texts each in the channels that read like them.
    """
    if expansion.requests:
        more = encoder.encode_queries(list(expansion.requests))
        part = replace(part, matrix=mixed(part.matrix, more, weight))
    if not expansion.passages:
        return [part]
    parts = []
    for style in STYLES:
        texts = expansion.passages.get(style, ())
        more = encoder.encode_passages(list(texts))
        own = mixed(part.matrix, more, weight)
        parts.append(replace(part, matrix=own, channels=of_style(style)))
    return parts


def pictured(
    text: str, expansion: Expansion, encoder: ImageTextEncoder | VideoEncoder, weight: float
) -> Vectors:
    """Return the question as a description of pictures, with imagined captions and rewritings."""
    more = [*expansion.requests, *expansion.passages.get("caption", ())]
    own = encoder.encode_texts([text])
    if more:
        own = mixed(own, encoder.encode_texts(more), weight)
    return Vectors("query", (text,), own)
