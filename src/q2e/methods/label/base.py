"""From labels of a user's own to the videos that deserve them: what a way is given and returns.

A way is a method of kind `label`: a class whose instances look at a whole collection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from q2e.arrays import Float64
from q2e.types import Video

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel

#: Of each video, by its id, its labels with how strong each is, on a scale of the way.
Labelled = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Label:
    """A word to filter by, and sentences in any language that tell what it means."""

    name: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """What a way may ask of the videos."""

    scores: Callable[[str, Sequence[str]], Float64]
    """Returns how near a sentence is to videos, by their ids: the best of all channels; or NaN."""
    videos: Sequence[Video]
    texts: Callable[[Video], Sequence[str]]
    """Returns what is said, written, described and recognised in a video."""
    model: Callable[[], LanguageModel]
    """Returns the language model that is meant; raises ConfigError where there is none."""
    watch: Callable[[int, int], None]
    """Is told how much is done, and of how much."""


class Labeller(ABC):
    """A way; its parameters are those of its constructor."""

    @abstractmethod
    def label(self, labels: Sequence[Label], known: Collection) -> Labelled:
        """Return the labels of each video that deserves any."""
