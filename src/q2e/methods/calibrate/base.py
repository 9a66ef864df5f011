"""What puts the scores of all channels on one scale, so that they can be added.

A method of kind `calibrate` is a class; `on` gives its `Calibration` of one store, which is kept
between questions. Facts: `chance`, where 0 is what generic questions score and 1 their standard
deviation, so that it can be said what chance would find; `batch`, where the questions of a batch
are compared with each other, which `search.together` does; `probability`, where rows become shares
of a question among others, which `search.among` does. Neither offers the protocol below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float32, Float64
from q2e.methods.questions import Form, Questions
from q2e.methods.rows import Folded, Scale, ScoreRow, on_scale
from q2e.models.base import ImageTextEncoder, VideoEncoder
from q2e.store.base import Searched, Table
from q2e.types import Filters

#: What a text that holds every word of a question, each word its own alone, counts for.
WORDS = 3.0
Words = Annotated[
    float, Field(gt=0, le=100, description="What a text counts for that alone has all words.")
]


class Calibration(Protocol):
    """Calibrates the rows of one store."""

    def corrected(self, queries: Float32, form: Form) -> Float32:
        """Return the vectors (q, d) of a question as they are scored."""
        ...

    def folded(self, phrases: Sequence[str], share: Float32, form: Form) -> Folded | None:
        """Return in sums what a question folded into phrases is when corrected, or None.

        `share` (n, 1) is one over the length of each phrase and the question together.
        """
        ...

    def meaning(self, row: ScoreRow, space: str, form: Form) -> ScoreRow:
        """Return a row of inner products of texts, on the scale."""
        ...

    def picture(
        self, row: ScoreRow, encoder: ImageTextEncoder | VideoEncoder, form: Form
    ) -> ScoreRow:
        """Return a row of inner products with pictures, on the scale."""
        ...

    def words(self, row: ScoreRow, terms: Sequence[str], language: str | None) -> ScoreRow:
        """Return a row of BM25 scores of `terms`, on the scale.

        Texts that are known to speak another language than `language` cannot hold them.
        """
        ...


class Scaling(Protocol):
    """What a class of kind `calibrate` offers."""

    def on(self, store: Searched, questions: Questions) -> Calibration: ...


@dataclass(slots=True)
class Covering:
    """Puts BM25 scores on the scale of what they cover of a question; keeps shares of languages."""

    store: Searched
    whole: float = WORDS
    _shares: dict[tuple[int, str, str | None], float] = field(default_factory=dict)

    def words(self, row: ScoreRow, terms: Sequence[str], language: str | None) -> ScoreRow:
        """Return a row of BM25 scores by what they cover; see `by_words`."""
        share = self.share(row.channel, language)
        return by_words(row, terms, self.store.table(), share, self.whole)

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


def by_words(
    row: ScoreRow,
    terms: Sequence[str],
    table: Table,
    share: float = 1.0,
    whole: float = WORDS,
) -> ScoreRow:
    """Return a row of BM25 scores as `whole` times the share of the question that they cover.

    The whole is what a text of mean length would score that holds each of the question's words
    once, were it the only one to hold them. Words that all texts hold cover nothing, and words
    that none holds are missed. Where only a share s of the channel's texts speak the question's
    language the best by words of a few is no likelier the answer than the best by meaning of all,
    unless it holds most of what is asked: what covers c counts for c (s + (1 - s) min(c, 1)^2).
    """
    texts = table.texts(row.channel)
    rarest = np.log1p((texts - 0.5) / 1.5) if texts > 1 else np.log1p(0.5 / 1.5)
    best = len(terms) * rarest / 2.2
    told = on_scale(row, Scale(0.0, float(best / whole)))

    def believed(level: Float64) -> Float64:
        covered = np.minimum(level / whole, 1.0)
        return np.asarray(level * (share + (1.0 - share) * covered**2))

    scores = believed(told.scores.astype(np.float64)).astype(np.float32)
    return replace(told, video=believed(told.video), scores=scores)


def _texts(channel: str, table: Table) -> Bool:
    return np.asarray((table.channel == table.code(channel)) & (table.length > 0))
