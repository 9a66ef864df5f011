"""How far scores stand above those of the other videos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.calibrate.base import WORDS, Covering, Words
from q2e.methods.questions import Form, Questions
from q2e.methods.rows import Folded, Scale, ScoreRow, on_scale
from q2e.models.base import ImageTextEncoder, VideoEncoder
from q2e.registry import method
from q2e.store.base import Searched


@method("calibrate", source="standard scores")
@dataclass(frozen=True, slots=True, kw_only=True)
class Videos:
    """Standard deviations above the mean of the videos, one question at a time."""

    words: Words = WORDS

    def on(self, store: Searched, questions: Questions) -> VideosScale:
        """Return the calibration of one store."""
        return VideosScale(Covering(store, self.words))


@dataclass(frozen=True, slots=True)
class VideosScale:
    """Calibrates rows by their own videos; the question is scored as it is."""

    covering: Covering

    def corrected(self, queries: Float32, form: Form) -> Float32:
        """Return the vectors as they are."""
        return queries

    def folded(self, phrases: Sequence[str], share: Float32, form: Form) -> Folded | None:
        """Return None: phrases are scored like any other text."""
        return None

    def meaning(self, row: ScoreRow, space: str, form: Form) -> ScoreRow:
        """Return a row on the scale of its own videos."""
        return by_videos(row, self.covering.store.table().stands_for)

    def picture(
        self, row: ScoreRow, encoder: ImageTextEncoder | VideoEncoder, form: Form
    ) -> ScoreRow:
        """Return a row on the scale of its own videos."""
        return by_videos(row, self.covering.store.table().stands_for)

    def words(self, row: ScoreRow, terms: Sequence[str], language: str | None) -> ScoreRow:
        """Return a row of BM25 scores by what they cover of the question."""
        return self.covering.words(row, terms, language)


def by_videos(row: ScoreRow, many: Float64 | None = None) -> ScoreRow:
    """Return a row on the scale of its own videos, for use without a bank.

    Each video counts as often as `many` (V,) says, once where it is None.
    """
    present = ~np.isnan(row.video)
    known, often = row.video[present], None if many is None else many[present]
    mean = float(np.average(known, weights=often))
    spread = math.sqrt(float(np.average((known - mean) ** 2, weights=often)))
    return on_scale(row, Scale(mean, spread or 1.0))
