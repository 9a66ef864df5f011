"""What was found in a video: pieces of evidence, and the part of a video that is read at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from q2e.types.media import Audio, Frame, Segment, Video, check_interval

if TYPE_CHECKING:
    from q2e.arrays import Float32

#: Channels that are shown first, in this order; all others follow by name.
_FIRST = ("frame", "caption", "summary", "speech", "screen_text", "metadata")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: What stands before a colon in a question and is no channel, and stages that are none.
_TAKEN = (
    *("after", "before", "channel", "duration", "lang", "language", "screen", "since", "tag"),
    *("until", "video", "shots", "dense", "description"),
)


def in_order(channels: Iterable[str]) -> tuple[str, ...]:
    """Return names of channels in the order in which they are shown, each once."""
    place = {name: number for number, name in enumerate(_FIRST)}
    return tuple(sorted(set(channels), key=lambda name: (place.get(name, len(place)), name)))


def check_channel(name: str) -> None:
    """Raise ValueError unless a text can name a channel: it stands before a colon in questions."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"channel {name[:60]!r}: a name is at most 40 of a-z, 0-9 and _, from a letter on"
        )
    if name in _TAKEN:
        raise ValueError(f"channel {name!r}: the word means something else in a question")


@dataclass(frozen=True, slots=True)
class Span:
    """A timed line inside a longer piece of evidence, such as one sentence of a transcript."""

    start_s: float
    end_s: float
    text: str
    confidence: float | None = None
    """How sure the recogniser was of it, in 0 to 1; None where nothing was recognised."""
    words: tuple[tuple[int, float], ...] = ()
    """Where in the text each word begins, in characters, and when, in seconds; empty: unknown."""

    def __post_init__(self) -> None:
        check_interval("Span", self.start_s, self.end_s)
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"Span: {self.confidence=} must lie in 0 to 1")
        if self.words and not 0 <= self.words[0][0] <= self.words[-1][0] <= len(self.text):
            raise ValueError(
                f"Span: {self.words=} must lie in a text of {len(self.text)} characters"
            )


@dataclass(frozen=True, slots=True)
class Tag:
    """A recognised label with the probability its classifier gave it."""

    label: str
    probability: float


#: What the origin of evidence begins with that was found between the frames of a shot, so that
#: moments can be told apart; nothing is composed of it.
BETWEEN = "between/"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One searchable item: a channel's reading of a stretch of one video.

    `vectors` maps the name of a vector space (a model with its preprocessing version) to a
    vector; only vectors of one space are ever compared.
    """

    video: str
    channel: str
    start_s: float
    end_s: float
    text: str = ""
    language: str | None = None
    origin: str = ""
    """What made it: a model id, `sidecar`, `container`, `chapter`, `manifest`, `composed`, ..."""
    frame_s: float | None = None
    """Time of the frame that shows it, inside `[start_s, end_s]`, or None."""
    spans: tuple[Span, ...] = ()
    tags: tuple[Tag, ...] = ()
    vectors: Mapping[str, Float32] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_interval("Evidence", self.start_s, self.end_s)
        check_channel(self.channel)
        if self.frame_s is not None and not self.start_s <= self.frame_s <= self.end_s:
            raise ValueError(
                f"Evidence: frame_s={self.frame_s} lies outside [{self.start_s}, {self.end_s}]"
            )

    @property
    def confidence(self) -> float | None:
        """How sure its recogniser was, in 0 to 1: the mean of its lines by their length.

        None where no line says it: nothing was recognised, or an earlier version read it.
        """
        told = [(len(one.text), one.confidence) for one in self.spans if one.confidence is not None]
        letters = sum(count for count, _ in told)
        return sum(count * sure for count, sure in told) / letters if letters else None


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one video that is read and committed as one unit of work.

    Long videos are cut into parts at fixed times, so a part gives the same evidence whether or
    not an earlier run was interrupted.
    """

    video: Video
    start_s: float
    end_s: float
    segments: tuple[Segment, ...] = ()
    frames: tuple[Frame, ...] = ()
    audio: Audio | None = None
    evidence: tuple[Evidence, ...] = ()
    """What the channels before found in this part; only channels that compose read it."""

    def __post_init__(self) -> None:
        check_interval("Part", self.start_s, self.end_s)
