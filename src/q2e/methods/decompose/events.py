"""Unfolds a question into events with the knowledge base: no language model, nothing invented.

The event type is the one whose words lie nearest to the question in the space of a text encoder.
Questions that are not read as about an event (`q2e.query.reading`) pass through unchanged.
Phrases come from the knowledge base, everything particular (time, place, subject) from the question
itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from q2e.arrays import Float32, Int64
from q2e.cache import content_key
from q2e.methods.decompose.base import WEIGHT, Backend, EventWeight, Unfolder
from q2e.methods.decompose.refine import fold, refine
from q2e.models.base import TextEncoder
from q2e.models.remembered import remembered
from q2e.query import reading
from q2e.query.knowledge import EventType, Knowledge, bank, load
from q2e.query.reading import Anchors, Reading, means_of_best
from q2e.query.slots import Slots, find_slots, languages_by_script
from q2e.registry import method
from q2e.types import EVENT_KINDS, Decomposition

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

#: The note of a question without an event, which is nothing unusual.
NO_EVENT = "the question names no event; it is searched as it is"
_PLAIN = -1


@dataclass(frozen=True, slots=True)
class Nearest:
    """The event types nearest to a question, best first, with their advantage in cosine.

    `level` is the log-odds that it is about an event at all.
    """

    types: tuple[str, ...]
    margins: tuple[float, ...]
    level: float = -math.inf

    @property
    def is_event(self) -> bool:
        return self.beats(reading.LEVEL)

    def beats(self, level: float) -> bool:
        """Return whether the log-odds are above a level."""
        return self.level > level


class EventsBackend:
    """The decomposition backend that needs no language model.

    The vectors of the built-in knowledge base in the space of the `local` profile come with the
    package; others are computed once a language and kept in the folder `cache`, by default Q2E's
    own (see q2e.cache).
    """

    name = "events"

    def __init__(
        self,
        text_encoder: TextEncoder,
        knowledge: Knowledge | None = None,
        cache: Path | None = None,
        level: float = reading.LEVEL,
    ) -> None:
        self._encoder = text_encoder
        self.knowledge = knowledge or load()
        self.version = f"events/{self.knowledge.version}"
        self._level = level
        self._cache = cache
        self._anchors: dict[str, Anchors] = {}
        self._readings: dict[tuple[str, ...], Reading] = {}
        self._lock = Lock()

    def decompose(self, text: str, language: str | None = None) -> Decomposition:
        """Return the events before, during and after the asked one, or none for a plain question.

        `language` is an ISO 639-1 code; without it the script decides which words are compared.
        """
        slots = find_slots(text, language)
        choice = self.choose(text, language)
        if not choice.beats(self._level):
            return Decomposition(
                query=text,
                language=language,
                time=slots.time,
                place=slots.place,
                subject=slots.subject,
                backend=self.name,
                prompt_version=self.version,
                note=NO_EVENT,
            )
        event_type = self.knowledge[choice.types[0]]
        return Decomposition(
            query=text,
            language=language,
            english=_english(text, event_type, slots, language),
            time=slots.time,
            place=slots.place,
            subject=slots.subject,
            events=tuple(
                event
                for kind in EVENT_KINDS
                for event in refine(
                    kind,
                    event_type.say(kind, language),
                    time=slots.time,
                    place=slots.place,
                    subject=slots.subject,
                )
            ),
            event_type=event_type.id,
            backend=self.name,
            prompt_version=self.version,
        )

    def choose(self, text: str, language: str | None = None, top: int = 3) -> Nearest:
        """Return the `top` event types nearest to `text`, with their advantage over plain text.

        A type's nearness is the mean cosine of its three nearest names, definitions and
        questions, that of plain text the mean of its three nearest descriptions.
        """
        if not text.strip() or not self.knowledge.types:
            return Nearest((), ())
        languages = self._languages(text, language)
        anchors = self._compared(languages)
        query = self._encoder.encode_queries([text])[0]
        kinds, means = means_of_best((anchors.vectors @ query).astype(np.float64), anchors.types)
        nearness = np.zeros(len(self.knowledge.types))
        nearness[kinds[kinds >= 0]] = means[kinds >= 0]
        margins = nearness - float(means[kinds == _PLAIN].sum())
        best = np.argsort(-margins, kind="stable")[:top]
        return Nearest(
            tuple(self.knowledge.types[position].id for position in best),
            tuple(float(margins[position]) for position in best),
            self._reading(languages).level(text, language, query, anchors),
        )

    def _compared(self, languages: Sequence[str]) -> Anchors:
        found = [self._of(code) for code in languages]
        return Anchors(
            np.concatenate([one.vectors for one in found]),
            np.concatenate([one.types for one in found]),
        )

    def _reading(self, languages: tuple[str, ...]) -> Reading:
        space = self._encoder.space
        if languages not in self._readings:
            self._readings[languages] = reading.shipped(space) or reading.kept(
                space, languages, self.version, lambda: self.fitted(languages)
            )
        return self._readings[languages]

    def fitted(self, languages: Sequence[str]) -> Reading:
        """Return what tells events from plain questions in some languages, fitted now."""
        asked = [
            one for one in reading.examples() if one.row % 2 == 0 and one.language in languages
        ]
        vectors = [self._encoder.encode_queries([one.text for one in asked])] if asked else []
        for code in languages:
            words, types = _words(self.knowledge, code)
            asked += reading.known(code, words, types)
            vectors.append(self._of(code).vectors)
        compared = cache(lambda code: self._compared(tuple(dict.fromkeys((code, "en")))))
        return reading.fit(asked, np.concatenate(vectors), compared)

    def prepare(self, languages: Sequence[str] | None = None) -> None:
        """Compute or load the vectors of `languages`, by default all, before they are needed."""
        for language in self.knowledge.languages if languages is None else languages:
            self._of(language)

    def bank_vectors(self, language: str, plain: bool = False) -> Float32:
        """Return the (n, d) vectors of the generic questions in `language`.

        They are questions about events, or with `plain` those about what is simply seen.
        """
        _, chosen = self._bank(language, plain)
        return np.asarray(self._of(language).vectors[chosen])

    def bank_texts(self, language: str, plain: bool = False) -> list[str]:
        """Return the generic questions whose vectors `bank_vectors` gives, in the same order."""
        texts, chosen = self._bank(language, plain)
        return [texts[number] for number in chosen.tolist()]

    def _bank(self, language: str, plain: bool) -> tuple[Sequence[str], Int64]:
        texts, types = _words(self.knowledge, language)
        if plain:
            return texts, np.flatnonzero(types == _PLAIN).astype(np.int64)
        asked = set(bank(language, self.knowledge))
        return texts, np.array([i for i, text in enumerate(texts) if text in asked], np.int64)

    def _languages(self, text: str, language: str | None) -> tuple[str, ...]:
        known = self.knowledge.banks
        own = (language,) if language and language in known else languages_by_script(text)
        return tuple(dict.fromkeys((*(code for code in own if code in known), "en")))

    def _of(self, language: str) -> Anchors:
        with self._lock:
            if language not in self._anchors:
                texts, types = _words(self.knowledge, language)
                self._anchors[language] = Anchors(self._vectors(texts), types)
            return self._anchors[language]

    def vector_files(self) -> list[str]:
        """Return the names of the files that hold the vectors, one a language."""
        languages = self.knowledge.languages
        return [self._file_name(_words(self.knowledge, language)[0]) for language in languages]

    def write_vectors(self, folder: Path) -> None:
        """Write the files that hold the vectors, those of `vector_files`, as they are shipped."""
        for language in self.knowledge.languages:
            texts, _ = _words(self.knowledge, language)
            file = folder / self._file_name(texts)
            if not file.is_file():
                rounded, scale = _rounded(self._encoder.encode_queries(texts))
                np.savez(file, vectors=rounded, scale=np.float32(scale))

    def _file_name(self, texts: Sequence[str]) -> str:
        return f"{content_key(self._encoder.space, *texts)}.npz"

    def _vectors(self, texts: Sequence[str]) -> Float32:
        folder = resources.files("q2e") / "data" / "events" / "vectors"
        shipped = _read(folder / self._file_name(texts))
        if shipped is not None and shipped.shape[:1] == (len(texts),):
            return shipped

        def encode(some: list[str]) -> Float32:
            rounded, scale = _rounded(self._encoder.encode_queries(some))
            return rounded.astype(np.float32) * np.float32(scale)

        # In the steps of those that are shipped, so that it is the same who made them.
        form = "query in 8 bits"
        return remembered(self._encoder.space, form, texts, encode, self._cache)


@method("decompose", source="after Q2E: Dipta and Ferraro 2025")
@dataclass(frozen=True, kw_only=True)
class Events(Unfolder):
    """Phrases of a knowledge base of events, in the question's language; no language model.

    The event type is the one whose words lie nearest to the question; a question that names no
    event is searched as it is.
    """

    level: Annotated[
        float,
        Field(ge=-50, le=50, description="Least log-odds of a question that is about an event."),
    ] = reading.LEVEL
    weight: EventWeight = WEIGHT

    def backends(self, settings: Settings, models: Models) -> tuple[Backend, ...]:
        return (EventsBackend(models.text, level=self.level),)


def _words(knowledge: Knowledge, language: str) -> tuple[list[str], Int64]:
    """Return what is compared with a question in `language`, and the event type of each line."""
    texts: list[str] = []
    types: list[int] = []
    questions = knowledge.banks.get(language, {})
    for position, event_type in enumerate(knowledge.types):
        own = [
            *questions.get(event_type.id, ()),
            *(words[language] for words in (event_type.name, event_type.definition)
              if language in words),
        ]  # fmt: skip
        texts += own
        types += [position] * len(own)
    plain = knowledge.plain.get(language, ())
    return [*texts, *plain], np.array(types + [_PLAIN] * len(plain), dtype=np.int64)


def _english(text: str, event_type: EventType, slots: Slots, language: str | None) -> str | None:
    """Return an English form of a question in another language from what is known of it."""
    if language == "en" or (language is None and text.isascii()):
        return None
    subjects = [subject for subject in slots.subject if subject.isascii()]
    return fold(event_type.name["en"], *subjects, *slots.place_english, *slots.time)


def _rounded(vectors: Float32) -> tuple[NDArray[np.int8], float]:
    """Return `vectors` in steps of the returned size, which a byte can count."""
    scale = float(np.abs(vectors).max(initial=1e-12)) / 127
    return np.round(vectors / scale).astype(np.int8), scale


def _read(file: Traversable | Path) -> Float32 | None:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as content:
            vectors: Float32 = content["vectors"].astype(np.float32) * content["scale"]
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
    return vectors
