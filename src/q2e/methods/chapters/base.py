"""From the evidence of one video to its chapters: what a way is given, what it returns.

A way is a method of kind `chapters`: a class whose instances cut what was collected of a video.
Times are seconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.types import Chapter

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel


@dataclass(frozen=True, slots=True)
class Line:
    """A timed line of what is said, written or described."""

    start_s: float
    end_s: float
    text: str
    channel: str
    language: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The vectors of one channel in order of time: `start_s`, `end_s` (n,), `vectors` (n, d)."""

    channel: str
    start_s: Float64
    end_s: Float64
    vectors: Float32


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """What is known of one video."""

    duration_s: float
    name: str
    """What the video is called."""
    lines: tuple[Line, ...]
    """In order of time."""
    tracks: tuple[Track, ...]
    cuts_s: Float64
    """Where one shot follows another."""
    own: tuple[Chapter, ...]
    """The chapters that came with the file, in order of time."""
    encode: Callable[[Sequence[str]], Float32]
    """Returns the vectors (n, d) of texts in the space of what is said."""
    model: Callable[[], LanguageModel]
    """Returns the language model that is meant; raises ConfigError where there is none."""


class Chapterer(ABC):
    """A recipe; its parameters are those of its constructor."""

    @abstractmethod
    def chapters(self, known: Collected) -> tuple[Chapter, ...]:
        """Return the chapters in order of time; the first begins at 0, none leaves a gap."""


def stretches(starts_s: Iterable[float], duration_s: float) -> list[tuple[float, float]]:
    """Return what lies between times inside a video, from 0 to its end."""
    inside = sorted({float(one) for one in starts_s if 0 < one < duration_s})
    edges = [0.0, *inside, duration_s]
    return list(pairwise(edges))


def within(lines: Sequence[Line], start_s: float, end_s: float) -> list[Line]:
    """Return the lines that begin in a stretch."""
    return [line for line in lines if start_s <= line.start_s < end_s]


def centred(tracks: Iterable[Track]) -> list[Track]:
    """Return tracks less their mean vector, of length 1 again.

    What all of a video has in common tells none of its parts.
    """
    found = []
    for one in tracks:
        rest = one.vectors - one.vectors.mean(axis=0)
        length = np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-9)
        found.append(Track(one.channel, one.start_s, one.end_s, rest / length))
    return found
