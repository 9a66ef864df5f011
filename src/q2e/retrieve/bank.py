"""Takes hubness out of question vectors by means of a bank of generic questions.

Some evidence is near to every question in a language, and crowds out the rest: mostly evidence
in the question's own language, and texts that say little. How near it is to questions at large is
measured by a bank of them, in the language and form of what people ask, and subtracted.
"""

from __future__ import annotations

from threading import Lock

import numpy as np

from q2e.arrays import Float32
from q2e.models.base import TextEncoder
from q2e.models.remembered import remembered
from q2e.query.knowledge import Knowledge, bank, load

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
    """The knowledge base's generic questions as mean vectors, one for each language."""

    def __init__(self, encoder: TextEncoder, knowledge: Knowledge | None = None) -> None:
        self._encoder = encoder
        self._knowledge = knowledge or load()
        self._means: dict[str, Float32] = {}
        self._lock = Lock()

    def correct(self, queries: Float32, language: str | None) -> Float32:
        """Return the (q, d) question vectors less the mean of the bank of their language.

        A language without a bank gets the mean over all banks.
        """
        return subtract_bank(queries, self.mean(language))

    def mean(self, language: str | None) -> Float32:
        """Return the (d,) mean vector of the bank of `language`, or of all banks."""
        known = self._knowledge.languages
        if language not in known:
            return np.asarray(np.mean([self.mean(one) for one in known], axis=0), dtype=np.float32)
        with self._lock:
            if language not in self._means:
                questions = bank(language, self._knowledge)
                vectors = remembered(self._encoder, questions, "query")
                self._means[language] = vectors.mean(axis=0)
            return self._means[language]
