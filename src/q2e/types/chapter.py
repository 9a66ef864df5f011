"""Chapters of a video: stretches that follow one another, each about one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from q2e.types.media import Video, check_interval


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of a video with what it is about, in words of the video itself."""

    start_s: float
    end_s: float
    title: str
    language: str | None = None
    """ISO 639-1 code of the title, or None where unknown."""

    def __post_init__(self) -> None:
        check_interval("Chapter", self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Chapters:
    """The chapters of one video in order of time, and how they were found."""

    video: Video
    how: str
    """The method with its parameters, such as `texttiling(window_s=60.0)`."""
    chapters: tuple[Chapter, ...]
    contained: bool = False
    """Whether they are those that the file or its description came with."""

    def __iter__(self) -> Iterator[Chapter]:
        return iter(self.chapters)

    def __len__(self) -> int:
        return len(self.chapters)
