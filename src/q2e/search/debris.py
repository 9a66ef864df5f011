"""How much a piece of text says: debris of recognition and what stands in many videos say little.

"Hmm", a watermark, a station's name: short pieces lie near to many questions, and what is repeated
in video after video tells none of them apart. Nothing is deleted; a piece counts for less. A weight
lies in 0 to 1, so that it only lowers, and rests on counters that can be merged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from q2e.arrays import Float64, Int16, Int32, Int64
from q2e.methods.rows import ScoreRow
from q2e.store.base import Searched, Table
from q2e.store.growing import Growing

#: Steps in which two directions of a vector tell equal texts from others.
_STEP = 1e-4


@dataclass(slots=True)
class Debris:
    """Weighs the pieces of one store; what was worked out for a piece is kept."""

    store: Searched
    _keys: dict[str, Growing[Int64]] = field(default_factory=dict)
    _weights: dict[tuple[int, str, float, float], Float64] = field(default_factory=dict)

    def weights(self, space: str, tokens: float, repeats: float) -> Float64:
        """Return (E,) weights in 0 to 1 of all evidence: see `weight_of`."""
        table = self.store.table()
        asked = (table.version, space, tokens, repeats)
        if asked not in self._weights:
            rows, _ = self.store.vectors(space)
            often = np.ones(len(table))
            often[rows] = spread(self._key(space, table), table.channel[rows], table.video[rows])
            self._weights = {asked: weight_of(table.length, often, tokens, repeats)}
        return self._weights[asked]

    def _key(self, space: str, table: Table) -> Int64:
        """Return (n,) numbers that are equal for equal texts of a space."""

        def make(before: tuple[Table, Int64] | None) -> Int64:
            _, matrix = self.store.vectors(space)
            old = np.zeros(0, np.int64) if before is None else before[1]
            two = np.random.default_rng(0).normal(size=(matrix.shape[1], 2)).astype(np.float32)
            found = np.round(matrix[len(old) :] @ two / _STEP).astype(np.int64)
            return np.concatenate((old, found[:, 0] * (1 << 32) + found[:, 1]))

        return self._keys.setdefault(space, Growing()).of(table, make)


def spread(key: Int64, channel: Int16, video: Int32) -> Float64:
    """Return (n,) in how many videos the text of each piece (n,) stands in its channel."""
    if not len(key):
        return np.zeros(0)
    group = np.unique(np.stack((key, channel)), axis=1, return_inverse=True)[1].reshape(-1)
    pairs = np.unique(np.stack((group, video)), axis=1)[0]
    often: Float64 = np.bincount(pairs, minlength=int(group.max()) + 1)[group].astype(np.float64)
    return often


def weight_of(length: Int32, often: Float64, tokens: float, repeats: float) -> Float64:
    """Return n / (n + tokens) / often^repeats for texts of n tokens; 1 for what is no text.

    `length` (n,) tokens, `often` (n,) the videos a text stands in. The first factor is the share
    that a piece's own words have beside `tokens` that say nothing (add-k smoothing); the second
    is inverse document frequency of whole texts.
    """
    count: Float64 = length.astype(np.float64)
    own: Float64 = count / np.maximum(count + tokens, 1e-9) / np.maximum(often, 1.0) ** repeats
    own[length <= 0] = 1.0
    return own


def weighed(row: ScoreRow, weights: Float64, table: Table) -> ScoreRow:
    """Return a row of best pieces in which what says little counts for less.

    Scores above 0 are multiplied by the weight (E,) of their piece; lower ones say nothing anyway.
    """
    scores = np.where(row.scores > 0, row.scores * weights[row.rows], row.scores)
    video = np.full(len(row.video), -np.inf)
    known = np.isfinite(scores)
    np.maximum.at(video, table.video[row.rows[known]], scores[known])
    video[np.isneginf(video)] = np.nan
    return replace(row, video=video, scores=scores.astype(np.float32))
