"""An answer: ranked hits with their moments and the reasons that add up to the score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from q2e.types.evidence import Evidence
from q2e.types.media import Video, check_interval
from q2e.types.question import Decomposition, Query

#: How certain a hit is, in a word.
Certain = Literal["found", "perhaps", "weaker"]
#: The least certainty that each word stands for.
CERTAIN: Mapping[Certain, float] = {"found": 0.8, "perhaps": 0.3, "weaker": 0.0}
#: What a channel does with what was asked for, by channel.
SAYS: Mapping[str, str] = {
    "frame": "looks like",
    "caption": "described as",
    "summary": "tells of",
    "speech": "said",
    "screen_text": "written",
    "metadata": "named",
    "sound": "sounds like",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One term of a hit's score: `weight * score` summed over a hit's reasons is its score."""

    channel: str
    part: str
    """Which part of the question: `query`, `prequel`, `current`, `sequel`, or a clause of it."""
    weight: float
    score: float
    """Normalised score of this video for this (part, channel)."""
    rank: int
    entropy: float
    contribution: float
    how: str = "meaning"
    """`meaning` (vectors of text), `words` (lexical), `names` (as they sound in Latin letters),
    `elsewhere` (names as another script writes them), `picture` (vectors of frames) or, with
    feedback, `likeness` to other videos that answer."""
    event: str | None = None
    text: str = ""
    start_s: float = 0.0
    end_s: float = 0.0
    frame_s: float | None = None
    words: tuple[str, ...] = ()
    """The words of the question that the evidence matches, at most three, as they were asked."""

    @property
    def says(self) -> str:
        """What was matched, for people: `looks like: snow, slope`; empty where no word stands out.

        Channels that are no part of the product are told by their name.
        """
        return f"{SAYS.get(self.channel, self.channel)}: {', '.join(self.words)}" * bool(self.words)


@dataclass(frozen=True, slots=True)
class Moment:
    """A segment of a hit that answers, with the evidence that says why."""

    start_s: float
    end_s: float
    score: float
    frame_s: float
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        check_interval("Moment", self.start_s, self.end_s)
        if not self.start_s <= self.frame_s <= self.end_s:
            raise ValueError(f"Moment: {self.frame_s=} outside [{self.start_s}, {self.end_s}]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked video with its moments and the reasons that add up to its score."""

    rank: int
    video: Video
    score: float
    moments: tuple[Moment, ...] = ()
    why: tuple[Reason, ...] = ()
    also_in: tuple[str, ...] = ()
    """Ids of near duplicates of the video that would have been hits of their own."""
    confidence: float | None = None
    """1 less the chance that a question without an answer here finds as good a hit."""
    certainty: float | None = None
    """The chance that it answers, as found on judged hits; None where that is not known."""

    @property
    def certain(self) -> Certain | None:
        """The certainty in a word; None where it is not known."""
        if self.certainty is None:
            return None
        return next(word for word, least in CERTAIN.items() if self.certainty >= least)


@dataclass(frozen=True, slots=True)
class Results:
    """Ranked hits of one search, best first, with what was searched and how long it took."""

    query: Query
    hits: tuple[Hit, ...]
    decomposition: Decomposition
    info: Mapping[str, Any] = field(default_factory=dict)
    timings_s: Mapping[str, float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, index: int) -> Hit:
        return self.hits[index]
