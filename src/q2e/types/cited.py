"""An answer in sentences, each with the moments of videos that say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from q2e.types.media import Video, check_interval

#: Where a sentence stands in what happened, for questions about an event.
Place = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A moment of a video, and what stands there to the letter."""

    video: Video
    start_s: float
    end_s: float
    quote: str
    channel: str
    """Who says it: `speech`, `screen_text`, `metadata`, ..."""
    language: str | None = None

    def __post_init__(self) -> None:
        check_interval("Citation", self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer, which at least one moment says."""

    text: str
    citations: tuple[Citation, ...]
    place: Place | None = None
    quoted: bool = True
    """Whether the sentence is a quote itself, in the language in which it was said."""

    def __post_init__(self) -> None:
        if not self.citations:
            raise ValueError(f"Sentence: {self.text[:60]!r} has no citation")


@dataclass(frozen=True, slots=True)
class Answer:
    """What videos say to a question; without sentences nothing here answers."""

    question: str
    language: str | None
    sentences: tuple[Sentence, ...] = ()
    confidence: float = 0.0
    """The chance that the first sentence answers, in 0 to 1."""
    how: str = ""
    """The strategy, as it is written."""
    notes: tuple[str, ...] = ()
    """What whoever reads should know: what was dropped, what could not be done."""
    not_found: tuple[str, ...] = ()
    """Words of the question that no cited moment says."""
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds, calls of a model and tokens."""

    @property
    def found(self) -> bool:
        return bool(self.sentences)

    @property
    def text(self) -> str:
        """The sentences without their citations."""
        return " ".join(one.text for one in self.sentences)
