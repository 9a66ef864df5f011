"""Puts the scores of all channels on one scale: how far they stand above generic questions.

A row's zero is what questions at large score on the evidence of its channel, its unit their
standard deviation. So a channel in which nothing answers stays near zero for every video, a
channel that has no evidence of a video says the same as one whose evidence does not answer, and
rows of different channels can be added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from q2e.arrays import Bool, Float32
from q2e.models.base import ImageTextEncoder, VideoEncoder
from q2e.search.bank import Bank, Form
from q2e.search.kept import Growing
from q2e.search.scan import ScoreRow
from q2e.store.base import Store, Table
from q2e.types import Filters

#: Evidence of a channel from which its scale is taken; more changes the third digit.
_SAMPLED = 2000
#: What a text that holds every word of a question, each word its own alone, counts for.
WORDS = 3.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of generic questions' scores in one channel."""

    mean: float
    deviation: float


@dataclass(slots=True)
class Calibrator:
    """Calibrates the rows of one store; keeps the scales between questions."""

    store: Store
    bank: Bank
    _scales: dict[tuple[str, Form, str], Growing[Sampled]] = field(default_factory=dict)
    _shares: dict[tuple[int, str, str | None], float] = field(default_factory=dict)

    def by_bank(self, row: ScoreRow, space: str, form: Form) -> ScoreRow:
        """Return a row of inner products with corrected questions, on the scale of the bank."""
        return on_scale(row, self._scale(row, space, form, self._corrected))

    def by_descriptions(
        self, row: ScoreRow, encoder: ImageTextEncoder | VideoEncoder, form: Form
    ) -> ScoreRow:
        """Return a row about pictures on the scale of plain descriptions."""

        def described(form: Form) -> Float32:
            return self.bank.pictured(encoder, form)

        return on_scale(row, self._scale(row, encoder.space, form, described))

    def share(self, channel: str, language: str | None) -> float:
        """Return the share of a channel's texts that are not known to speak another language."""
        table = self.store.table()
        key = (table.version, channel, language)
        if key not in self._shares:
            self._shares = {k: v for k, v in self._shares.items() if k[0] == table.version}
            texts = _texts(channel, table)
            others = tuple(name for name in self.store.languages() if name != language)
            foreign = self.store.rows(Filters(languages=others)) if language and others else None
            count = 0 if foreign is None else int((texts & foreign).sum())
            self._shares[key] = 1.0 - count / max(1, int(texts.sum()))
        return self._shares[key]

    def _corrected(self, form: Form) -> Float32:
        return self.bank.correct(self.bank.vectors(form), form)

    def _scale(
        self,
        row: ScoreRow,
        space: str,
        form: Form,
        questions: Callable[[Form], Float32],
    ) -> Scale:
        table = self.store.table()

        def make(before: tuple[Table, Sampled] | None) -> Sampled:
            rows, matrix = self.store.vectors(space)
            chosen = np.flatnonzero(table.channel[rows] == table.code(row.channel))
            step = max(1, len(chosen) // _SAMPLED)
            old = before[1] if before is not None and before[1].step == step else Sampled(step)
            new = chosen[::step][old.pieces :]
            return old.with_scores(matrix[new] @ questions(form).T) if len(new) else old

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


def by_videos(row: ScoreRow) -> ScoreRow:
    """Return a row on the scale of its own videos, for use without a bank."""
    known = row.video[~np.isnan(row.video)]
    return on_scale(row, Scale(float(known.mean()), float(known.std()) or 1.0))


def by_words(row: ScoreRow, tokens: Sequence[str], table: Table, share: float = 1.0) -> ScoreRow:
    """Return a row of BM25 scores as `WORDS` times the share of the question that they cover.

    The whole is what a text of mean length would score that holds each of the question's words
    once, were it the only one to hold them. Words that all texts hold cover nothing, and words
    that none holds are missed. Where only a `share` of the channel's texts speak the question's
    language the row counts for that share: the best by words of a few is no likelier the answer
    than the best by meaning of all.
    """
    texts = int(_texts(row.channel, table).sum())
    rarest = np.log1p((texts - 0.5) / 1.5) if texts > 1 else np.log1p(0.5 / 1.5)
    whole = len(tokens) * rarest / 2.2
    return on_scale(row, Scale(0.0, float(whole / WORDS)), share)


def on_scale(row: ScoreRow, scale: Scale, share: float = 1.0) -> ScoreRow:
    """Return the row with share * (score - mean) / deviation for every score it holds."""
    factor = share / scale.deviation
    return replace(
        row,
        video=(row.video - scale.mean) * factor,
        scores=((row.scores - scale.mean) * factor).astype(np.float32),
    )


def _texts(channel: str, table: Table) -> Bool:
    return np.asarray((table.channel == table.code(channel)) & (table.length > 0))
