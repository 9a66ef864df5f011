"""Takes hubness out of question vectors by means of a bank of generic questions.

Some evidence is near to every question in a language, and crowds out the rest: mostly evidence
in the question's own language, and texts that say little. How near it is to questions at large is
measured by a bank of them, in the language and form of what people ask, and subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from q2e.arrays import Float32
from q2e.methods.decompose.events import EventsBackend
from q2e.models.base import ImageTextEncoder, TextEncoder, VideoEncoder
from q2e.models.remembered import remembered
from q2e.query.knowledge import Knowledge
from q2e.search.scan import Folded

#: Share of the mean similarity to the bank that is subtracted.
ALPHA = 0.75


def subtract_bank(queries: Float32, mean: Float32, alpha: float = ALPHA) -> Float32:
    """Return (q, d) vectors whose inner product with any e is q.e - alpha * mean_b(b.e).

    `queries` (q, d), `mean` (d,) the mean vector of the bank. Nearest Neighbour Normalization
    (Chowdhury et al. 2024) with the whole bank as neighbours is linear in the evidence, so it
    folds into the question and costs nothing per item. The result is not of unit length.
    """
    return np.asarray(queries - np.float32(alpha) * mean, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Form:
    """What a question is like: its language, and whether it asks for an event.

    Evidence is near to questions of one form more than to others, so each has its own bank.
    """

    language: str | None
    event: bool


class Bank:
    """The knowledge base's questions and phrases as vectors."""

    def __init__(self, encoder: TextEncoder, knowledge: Knowledge | None = None) -> None:
        self._encoder = encoder
        self._phrases: dict[tuple[str, ...], Float32] = {}
        self._events = EventsBackend(encoder, knowledge)
        self._vectors: dict[Form, Float32] = {}
        self._lock = Lock()

    def correct(self, queries: Float32, form: Form) -> Float32:
        """Return the (q, d) question vectors less their share of the mean of their bank."""
        return subtract_bank(queries, self.vectors(form).mean(axis=0))

    def pictured(self, encoder: ImageTextEncoder | VideoEncoder, form: Form) -> Float32:
        """Return the (n, d) vectors, among pictures, of plain descriptions in a language."""
        plain = self._events.knowledge.plain
        texts = plain.get(form.language or "en") or plain["en"]
        return remembered(encoder.space, "text", texts, encoder.encode_texts)

    def folded(self, phrases: Sequence[str], query: Float32, form: Form) -> tuple[Float32, Folded]:
        """Return phrases of the knowledge base with a question (d,) folded into each, (n, d).

        Also as sums for the corrected question; see `subtract_bank`.
        """
        fixed = self._phrase_vectors(tuple(phrases))
        matrix = fixed + query
        share = 1.0 / np.linalg.norm(matrix, axis=1, keepdims=True)
        # p_i = s_i (f_i + q), so that p_i - a m = s_i f_i + s_i (q - a m) + a (s_i - 1) m.
        weights = np.hstack((np.diag(share[:, 0]), ALPHA * (share - 1.0))).astype(np.float32)
        mean = self.vectors(form).mean(axis=0)
        name = "\n".join((repr(self._known(form)), *phrases))
        return (
            np.asarray(matrix * share, np.float32),
            Folded(name, np.vstack((fixed, mean)), weights, np.asarray(share[:, 0], np.float32)),
        )

    def _phrase_vectors(self, texts: tuple[str, ...]) -> Float32:
        """Return (n, d) vectors; what was asked of another process is on disk."""
        if texts not in self._phrases:
            encode = self._encoder.encode_queries
            self._phrases[texts] = remembered(self._encoder.space, "query", texts, encode)
        return self._phrases[texts]

    def questions(self, form: Form) -> tuple[list[str], Float32]:
        """Return the generic questions of a form with their (n, d) corrected vectors."""
        texts = self._events.bank_texts(self._known(form).language or "en", plain=not form.event)
        return texts, self.correct(self.vectors(form), form)

    def vectors(self, form: Form) -> Float32:
        """Return the (n, d) vectors of the bank of a form; English ones for other languages."""
        form = self._known(form)
        with self._lock:
            if form not in self._vectors:
                language = form.language or "en"
                self._vectors[form] = self._events.bank_vectors(language, plain=not form.event)
            return self._vectors[form]

    def _known(self, form: Form) -> Form:
        known = form.language in self._events.knowledge.languages
        return form if known else Form("en", form.event)
