"""The knowledge base's questions and phrases as vectors: what people ask, at large.

Scores are measured by them: what generic questions find is what chance finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from q2e.arrays import Float32
from q2e.methods.decompose.events import EventsBackend
from q2e.models.base import ImageTextEncoder, TextEncoder, VideoEncoder
from q2e.models.remembered import remembered
from q2e.query.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Form:
    """What a question is like: its language, and whether it asks for an event.

    Evidence is near to questions of one form more than to others, so each has its own bank.
    """

    language: str | None
    event: bool


class Questions:
    """Generic questions of each form, plain descriptions and phrases of events as vectors."""

    def __init__(self, encoder: TextEncoder, knowledge: Knowledge | None = None) -> None:
        self.encoder = encoder
        self._phrases: dict[tuple[str, ...], Float32] = {}
        self._events = EventsBackend(encoder, knowledge)
        self._vectors: dict[Form, Float32] = {}
        self._pictured: dict[tuple[str, str], Float32] = {}
        self._lock = Lock()

    def texts(self, form: Form) -> list[str]:
        """Return the generic questions of a form."""
        known = self.known(form)
        return self._events.bank_texts(known.language or "en", plain=not known.event)

    def vectors(self, form: Form) -> Float32:
        """Return the (n, d) vectors of `texts`; English ones for languages without a bank."""
        form = self.known(form)
        with self._lock:
            if form not in self._vectors:
                language = form.language or "en"
                self._vectors[form] = self._events.bank_vectors(language, plain=not form.event)
            return self._vectors[form]

    def pictured(self, encoder: ImageTextEncoder | VideoEncoder, form: Form) -> Float32:
        """Return the (n, d) vectors, among pictures, of plain descriptions in a language."""
        plain = self._events.knowledge.plain
        language = form.language if form.language and plain.get(form.language) else "en"
        key = encoder.space, language
        if key not in self._pictured:
            texts = plain[language]
            self._pictured[key] = remembered(encoder.space, "text", texts, encoder.encode_texts)
        return self._pictured[key]

    def phrases(self, texts: Sequence[str]) -> Float32:
        """Return the (n, d) vectors of phrases of the knowledge base, which come again and again.

        What was asked of another process is on disk.
        """
        key = tuple(texts)
        if key not in self._phrases:
            encode = self.encoder.encode_queries
            self._phrases[key] = remembered(self.encoder.space, "query", key, encode)
        return self._phrases[key]

    def known(self, form: Form) -> Form:
        """Return the form whose questions stand for a form: its own, or the English one."""
        known = form.language in self._events.knowledge.languages
        return form if known else Form("en", form.event)
