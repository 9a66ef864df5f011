"""Q2E's softmax over the questions, for one question among a bank of generic ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.normalise.base import Heat
from q2e.methods.questions import Form, Questions
from q2e.methods.rows import Folded
from q2e.registry import method
from q2e.store.base import Searched


@method("calibrate", source="after Q2E: Dipta and Ferraro 2025", probability=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class AmongBank:
    """The share of a question among generic ones: Q2E's softmax for a single question.

    exp(t s) / (exp(t s) + sum_b exp(t b)) for each score s of a video and those b that the bank's
    questions have in its place. Rows of words, which Q2E has none of, are left out.
    """

    temperature: Heat = 50.0

    def on(self, store: Searched, questions: Questions) -> AmongBankScale:
        """Return the calibration; the levels of a store are kept with it (`search.among`)."""
        return AmongBankScale(self.temperature)


@dataclass(frozen=True, slots=True)
class AmongBankScale:
    """Scores vectors as they are, and turns scores into shares."""

    temperature: float

    def corrected(self, queries: Float32, form: Form) -> Float32:
        """Return the vectors as they are."""
        return queries

    def folded(self, phrases: object, share: Float32, form: Form) -> Folded | None:
        """Return None: phrases are scored like any other text."""
        return None

    def shares(self, scores: Float64, level: Float64) -> Float64:
        """Return the share of scores (n,) where the bank's log-sum-exp is `level` (n,)."""
        own = self.temperature * scores
        return np.asarray(np.exp(own - np.logaddexp(own, level)))
