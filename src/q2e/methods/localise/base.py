"""From scored evidence of one video to the moments that answer: what is given, what is returned.

A way is a method of kind `localise`: a class whose instances find moments. Times are seconds; n is
the number of pieces of evidence of the video.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float64


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Evidence of one video with what it says for the question; all arrays are (n,).

    A NaN `score` is left out, a NaN `frame_s` means that the evidence has no picture. `segment`
    numbers the shot that evidence begins in. `floor` is the score of evidence that has nothing to
    do with the question. Raises ValueError where the arrays do not fit.
    """

    start_s: Float64
    end_s: Float64
    score: Float64
    segment: Float64
    frame_s: Float64
    duration_s: float | None = None
    floor: float = 0.0

    @classmethod
    def of(
        cls,
        start_s: ArrayLike,
        end_s: ArrayLike,
        score: ArrayLike,
        segment: ArrayLike,
        *,
        frame_s: ArrayLike | None = None,
        duration_s: float | None = None,
        floor: float = 0.0,
    ) -> Scored:
        """Return what is given as arrays of numbers."""
        start, end, scores, shots = (
            np.asarray(one, dtype=np.float64) for one in (start_s, end_s, score, segment)
        )
        frames = np.full(len(start), np.nan) if frame_s is None else np.asarray(frame_s, np.float64)
        return cls(start, end, scores, shots, frames, duration_s, floor)

    def __post_init__(self) -> None:
        arrays = (self.start_s, self.end_s, self.score, self.segment, self.frame_s)
        lengths = [len(one) for one in arrays]
        if len(set(lengths)) > 1:
            raise ValueError(
                "start_s, end_s, scores, segment and frame_s must be equally long, got "
                + ", ".join(map(str, lengths))
            )
        if (self.end_s < self.start_s).any():
            raise ValueError("end_s must not lie before start_s")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A moment before it is dressed up: `[start_s, end_s)`, best evidence first in `members`."""

    start_s: float
    end_s: float
    score: float
    frame_s: float
    members: tuple[int, ...]
    """Positions, in the arrays given, of the evidence inside; the first has `score`."""


class Localiser(ABC):
    """Finds moments; its parameters are those of its constructor."""

    @abstractmethod
    def strong(self, scores: Float64, floor: float = 0.0) -> Bool:
        """Return (n,) which evidence may be in a moment, by scores alone; NaN is never strong.

        Only what may is read and given to `moments`.
        """

    @abstractmethod
    def moments(self, evidence: Scored, top: int) -> list[Stretch]:
        """Return at most `top` moments, best first and ties by time; they never overlap."""
