"""Takes hubness out of question vectors by means of a bank of generic questions.

Some evidence is near to every question in a language, and crowds out the rest: mostly evidence
in the question's own language, and texts that say little. How near it is to questions at large is
measured by a bank of them, in the language and form of what people ask, and subtracted.
"""

from __future__ import annotations

from threading import Lock

import numpy as np

from q2e.arrays import Float32
from q2e.models.base import ImageTextEncoder, TextEncoder
from q2e.models.remembered import remembered
from q2e.query.events import EventsBackend
from q2e.query.knowledge import Knowledge

#: Share of the mean similarity to the bank that is subtracted.
ALPHA = 0.75


def subtract_bank(queries: Float32, mean: Float32, alpha: float = ALPHA) -> Float32:
    """Return (q, d) vectors whose inner product with any e is q.e - alpha * mean_b(b.e).

    `queries` (q, d), `mean` (d,) the mean vector of the bank. Nearest Neighbour Normalization
    (Chowdhury et al. 2024) with the whole bank as neighbours is linear in the evidence, so it
    folds into the question and costs nothing per item. The result is not of unit length.
    """
    return np.asarray(queries - np.float32(alpha) * mean, dtype=np.float32)


class Bank:
    """The knowledge base's generic questions as vectors, language by language."""

    def __init__(self, encoder: TextEncoder, knowledge: Knowledge | None = None) -> None:
        self._events = EventsBackend(encoder, knowledge)
        self._vectors: dict[str, Float32] = {}
        self._lock = Lock()

    def correct(self, queries: Float32, language: str | None) -> Float32:
        """Return the (q, d) question vectors less the mean of the bank of their language."""
        return subtract_bank(queries, self.vectors(language).mean(axis=0))

    def pictured(self, encoder: ImageTextEncoder, language: str | None) -> Float32:
        """Return the (n, d) vectors, among pictures, of plain descriptions in a language."""
        plain = self._events.knowledge.plain
        texts = plain.get(language or "en") or plain["en"]
        return remembered(encoder.space, "text", texts, encoder.encode_texts)

    def vectors(self, language: str | None) -> Float32:
        """Return the (n, d) vectors of the bank of `language`, or the English one where none is."""
        if language not in self._events.knowledge.languages:
            language = "en"
        with self._lock:
            if language not in self._vectors:
                self._vectors[language] = self._events.bank_vectors(language)
            return self._vectors[language]
