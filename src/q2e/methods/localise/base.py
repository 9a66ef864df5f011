"""From scored evidence of one video to the moments that answer: what is given, what is returned.

A way is a method of kind `localise`: a class whose instances find moments. Times are seconds; n is
the number of pieces of evidence of the video.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float64, Int64

#: Stretches in seconds, and what each is worth.
Proposed = tuple[Sequence[tuple[float, float]], Sequence[float]]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Evidence of one video with what it says for the question; all arrays are (n,).

    A NaN `score` is left out, a NaN `frame_s` means that the evidence has no picture. `segment`
    numbers the shot that evidence begins in. `floor` is the score of evidence that has nothing to
    do with the question. `channel` numbers the channel that evidence is of; `instant` is true of a
    picture, which shows its `frame_s` alone though its evidence may be kept for the whole shot.
    `cuts_s` (c,) are the times at which shots begin, in order. `proposed` is what a trained head
    says, where the way asks for one. Raises ValueError where the arrays do not fit.
    """

    start_s: Float64
    end_s: Float64
    score: Float64
    segment: Float64
    frame_s: Float64
    channel: Int64
    instant: Bool
    cuts_s: Float64
    duration_s: float | None = None
    floor: float = 0.0
    proposed: Proposed = ((), ())

    @classmethod
    def of(
        cls,
        start_s: ArrayLike,
        end_s: ArrayLike,
        score: ArrayLike,
        segment: ArrayLike,
        *,
        frame_s: ArrayLike | None = None,
        channel: ArrayLike | None = None,
        instant: ArrayLike | None = None,
        cuts_s: ArrayLike = (),
        duration_s: float | None = None,
        floor: float = 0.0,
    ) -> Scored:
        """Return what is given as arrays of numbers; evidence is of one channel, and no picture."""
        start, end, scores, shots = (
            np.asarray(one, dtype=np.float64) for one in (start_s, end_s, score, segment)
        )
        size = len(start)
        frames = np.full(size, np.nan) if frame_s is None else np.asarray(frame_s, np.float64)
        of = np.zeros(size, np.int64) if channel is None else np.asarray(channel, np.int64)
        seen = np.zeros(size, bool) if instant is None else np.asarray(instant, bool)
        cuts = np.asarray(cuts_s, np.float64)
        return cls(start, end, scores, shots, frames, of, seen, cuts, duration_s, floor)

    def __post_init__(self) -> None:
        columns = (self.start_s, self.end_s, self.score, self.segment, self.frame_s)
        lengths = [len(one) for one in (*columns, self.channel, self.instant)]
        if len(set(lengths)) > 1:
            raise ValueError(
                "start_s, end_s, scores, segment, frame_s, channel and instant must be equally "
                "long, got " + ", ".join(map(str, lengths))
            )
        if (self.end_s < self.start_s).any():
            raise ValueError("end_s must not lie before start_s")
        if np.isnan(self.frame_s[self.instant]).any():
            raise ValueError("evidence that is a picture needs its frame_s")

    def of_rows(self, rows: Int64) -> Scored:
        """Return some of the evidence, in that order."""
        return replace(
            self,
            start_s=self.start_s[rows],
            end_s=self.end_s[rows],
            score=self.score[rows],
            segment=self.segment[rows],
            frame_s=self.frame_s[rows],
            channel=self.channel[rows],
            instant=self.instant[rows],
        )

    @property
    def length_s(self) -> float:
        """Where the video ends, as far as that is known."""
        return max(self.duration_s or 0.0, float(self.end_s.max(initial=0.0)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A moment before it is dressed up: `[start_s, end_s)`, best evidence first in `members`."""

    start_s: float
    end_s: float
    score: float
    """What moments of one video are ranked by; each way has its own scale."""
    frame_s: float
    """When the picture is that is shown for it."""
    members: tuple[int, ...]
    """Positions, in the arrays given, of the evidence inside."""


class Localiser(ABC):
    """Finds moments; its parameters are those of its constructor.

    Where `looks` is true, stretches that a trained head proposes are given with the evidence.
    """

    looks: ClassVar[bool] = False

    @abstractmethod
    def strong(self, scores: Float64, floor: float = 0.0) -> Bool:
        """Return (n,) which evidence may be told of a moment, by scores alone; NaN never."""

    @abstractmethod
    def moments(self, evidence: Scored, top: int) -> list[Stretch]:
        """Return at most `top` moments, best first; they never overlap.

        All the evidence about parts of the video is given, also what says nothing for the question.
        """


def widened(
    start_s: float, end_s: float, shortest_s: float, duration_s: float | None
) -> tuple[float, float]:
    """Widen a short stretch around its middle, inside the video where its length allows it."""
    missing = shortest_s - (end_s - start_s)
    if missing <= 0:
        return start_s, end_s
    latest = float("inf") if duration_s is None else max(duration_s, end_s)
    begin = max(0.0, min(start_s - missing / 2, latest - shortest_s))
    return begin, max(end_s, min(begin + shortest_s, latest))
