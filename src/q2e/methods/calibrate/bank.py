"""How far scores stand above those of generic questions, and hubness taken out of the question.

Some evidence is near to every question in a language, and crowds out the rest: mostly evidence
in the question's own language, and texts that say little. How near it is to questions at large is
measured by a bank of them, in the language and form of what people ask, and subtracted.

A row's zero is what questions at large score on the evidence of its channel, its unit their
standard deviation. So a channel in which nothing answers stays near zero for every video, a
channel that has no evidence of a video says the same as one whose evidence does not answer, and
rows of different channels can be added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float32
from q2e.methods.calibrate.base import WORDS, Covering, Words
from q2e.methods.questions import Form, Questions
from q2e.methods.rows import DOCUMENTS, Folded, Scale, ScoreRow, on_scale
from q2e.models.base import ImageTextEncoder, VideoEncoder
from q2e.registry import method
from q2e.store.base import Searched, Table
from q2e.store.growing import Growing


@method(
    "calibrate",
    source="Nearest Neighbour Normalization: Chowdhury et al. 2024",
    chance=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Standard deviations above generic questions, of questions less what those have in common."""

    alpha: Annotated[
        float, Field(ge=0, le=2, description="Share of the bank's mean that is subtracted.")
    ] = 0.75
    sampled: Annotated[
        int, Field(ge=1, description="Evidence of a channel from which its scale is taken.")
    ] = 2000
    words: Words = WORDS
    tokens: Annotated[
        float, Field(ge=0, le=100, description="Tokens that say nothing beside those of a piece.")
    ] = 0.0
    repeats: Annotated[
        float, Field(ge=0, le=4, description="How much what stands in many videos counts less.")
    ] = 0.0

    def on(self, store: Searched, questions: Questions) -> BankScale:
        """Return the calibration of one store."""
        return BankScale(store, questions, self.alpha, self.sampled, Covering(store, self.words))


def subtract_bank(queries: Float32, mean: Float32, alpha: float = 0.75) -> Float32:
    """Return (q, d) vectors whose inner product with any e is q.e - alpha * mean_b(b.e).

    `queries` (q, d), `mean` (d,) the mean vector of the bank. Nearest Neighbour Normalization
    (Chowdhury et al. 2024) with the whole bank as neighbours is linear in the evidence, so it
    folds into the question and costs nothing per item. The result is not of unit length.
    """
    return np.asarray(queries - np.float32(alpha) * mean, dtype=np.float32)


@dataclass(slots=True)
class BankScale:
    """Calibrates the rows of one store by the bank; keeps the scales between questions."""

    store: Searched
    questions: Questions
    alpha: float
    sampled: int
    covering: Covering
    _scales: dict[tuple[str, Form, str], Growing[Sampled]] = field(default_factory=dict)

    def corrected(self, queries: Float32, form: Form) -> Float32:
        """Return the (q, d) question vectors less their share of the mean of their bank."""
        mean = self.questions.vectors(form).mean(axis=0)
        return subtract_bank(queries, mean, self.alpha)

    def folded(self, phrases: Sequence[str], share: Float32, form: Form) -> Folded | None:
        """Return phrases with a question folded in as sums for the corrected question."""
        # p_i = s_i (f_i + q), so that p_i - a m = s_i f_i + s_i (q - a m) + a (s_i - 1) m.
        own = np.hstack((np.diag(share[:, 0]), self.alpha * (share - 1.0)))
        mean = self.questions.vectors(form).mean(axis=0)
        name = "\n".join((repr(self.questions.known(form)), f"{self.alpha:g}", *phrases))
        fixed = np.vstack((self.questions.phrases(phrases), mean))
        return Folded(name, fixed, own.astype(np.float32), np.asarray(share[:, 0], np.float32))

    def meaning(self, row: ScoreRow, space: str, form: Form) -> ScoreRow:
        """Return a row of inner products with corrected questions, on the scale of the bank."""

        def asked() -> Float32:
            return self.corrected(self.questions.vectors(form), form)

        return on_scale(row, self._scale(row, space, form, asked))

    def picture(
        self, row: ScoreRow, encoder: ImageTextEncoder | VideoEncoder, form: Form
    ) -> ScoreRow:
        """Return a row about pictures on the scale of plain descriptions."""

        def described() -> Float32:
            return self.questions.pictured(encoder, form)

        return on_scale(row, self._scale(row, encoder.space, form, described))

    def words(self, row: ScoreRow, terms: Sequence[str], language: str | None) -> ScoreRow:
        """Return a row of BM25 scores by what they cover of the question."""
        return self.covering.words(row, terms, language)

    def _scale(
        self, row: ScoreRow, space: str, form: Form, questions: Callable[[], Float32]
    ) -> Scale:
        table = self.store.table()

        def make(before: tuple[Table, Sampled] | None) -> Sampled:
            rows, matrix = self.store.vectors(space)
            own = table.channel[rows] == table.code(row.channel)
            chosen = np.flatnonzero(own | (row.channel == DOCUMENTS))
            step = max(1, len(chosen) // self.sampled)
            old = before[1] if before is not None and before[1].step == step else Sampled(step)
            new = chosen[::step][old.pieces :]
            return old.with_scores(matrix[new] @ questions().T) if len(new) else old

        kept = self._scales.setdefault((space, form, row.channel), Growing())
        return kept.of(table, make).scale


@dataclass(frozen=True, slots=True)
class Sampled:
    """Sums over the scores of every `step`-th piece of evidence: more only adds to them."""

    step: int
    pieces: int = 0
    scores: int = 0
    total: float = 0.0
    squares: float = 0.0

    def with_scores(self, scores: Float32) -> Sampled:
        """Return the sums with the scores (n, b) of n more pieces in them."""
        exact = scores.astype(np.float64).ravel()
        return Sampled(
            self.step,
            self.pieces + len(scores),
            self.scores + len(exact),
            self.total + float(exact.sum()),
            self.squares + float(exact @ exact),
        )

    @property
    def scale(self) -> Scale:
        if not self.scores:
            return Scale(0.0, 1.0)
        mean = self.total / self.scores
        variance = self.squares / self.scores - mean * mean
        # What is left of equal numbers after rounding is no deviation.
        return Scale(mean, math.sqrt(variance) if variance > 1e-12 * mean * mean else 1.0)


def scale_of(scores: Float32) -> Scale:
    """Return mean and standard deviation of scores (n, b); a deviation of 0 counts as 1."""
    return Sampled(1).with_scores(scores).scale
