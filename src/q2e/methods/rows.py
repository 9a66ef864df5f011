"""What is asked as vectors, and what all evidence says to it: the rows that methods work on.

Shapes: q texts of one part of a question, d dimensions, V videos, n pieces of evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from q2e.arrays import Float32, Float64, Int64

#: The channel of a row that is made of the texts of several.
DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Vectors (q, d) as sums of fixed ones, whose products with evidence are kept, and a new one.

    They are `weights` (q, f) @ `fixed` (f, d) + `own` (q,) times the question's first vector;
    `name` tells what is fixed.
    """

    name: str
    fixed: Float32
    weights: Float32
    own: Float32

    def some(self, chosen: Sequence[int]) -> Folded:
        """Return chosen ones of the vectors, told from the same fixed ones."""
        return replace(self, weights=self.weights[chosen], own=self.own[chosen])


@dataclass(frozen=True, slots=True)
class Vectors:
    """The texts of one part of the question (`query`, `prequel`, ...) as (q, d) vectors."""

    part: str
    texts: tuple[str, ...]
    matrix: Float32
    channels: tuple[str, ...] = ()
    """Channels in which the part is scored; empty for all."""
    folded: Folded | None = None
    """The same vectors told so that they are scored in less time; the first part has none."""

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.matrix):
            raise ValueError(f"{len(self.texts)} texts but {self.matrix.shape=}")


@dataclass(frozen=True, slots=True, eq=False)
class ScoreRow:
    """The scores of one part of the question in one channel: a row of the evidence table.

    `video` (V,) holds each video's best, NaN where it has no such evidence; `rows` (n,) and
    `scores` (n,) the evidence behind it, and `which` (n,) the text of the part that scored best.
    """

    part: str
    channel: str
    how: str
    video: Float64
    rows: Int64
    scores: Float32
    texts: tuple[str, ...]
    which: Int64
    space: str = ""
    """The vector space of the scores; empty for those of words."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of the scores by which others are measured."""

    mean: float
    deviation: float


def on_scale(row: ScoreRow, scale: Scale, share: float = 1.0) -> ScoreRow:
    """Return the row with share * (score - mean) / deviation for every score it holds."""
    factor = share / scale.deviation
    return replace(
        row,
        video=(row.video - scale.mean) * factor,
        scores=((row.scores - scale.mean) * factor).astype(np.float32),
    )
