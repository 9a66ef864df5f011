"""What was found in a video: pieces of evidence, and the part of a video that is read at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from q2e.types.media import Audio, Frame, Segment, Video, check_interval

if TYPE_CHECKING:
    from q2e.arrays import Float32

#: Ways of reading a video, in the order in which they are shown.
CHANNELS = ("frame", "caption", "summary", "speech", "screen_text", "metadata", "sound")


@dataclass(frozen=True, slots=True)
class Span:
    """A timed line inside a longer piece of evidence, such as one sentence of a transcript."""

    start_s: float
    end_s: float
    text: str

    def __post_init__(self) -> None:
        check_interval("Span", self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Tag:
    """A recognised label with the probability its classifier gave it."""

    label: str
    probability: float


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
    """What produced it: a model id, `sidecar`, `manifest`, `composed`, `import`."""
    frame_s: float | None = None
    """Time of the frame that shows it, inside `[start_s, end_s]`, or None."""
    spans: tuple[Span, ...] = ()
    tags: tuple[Tag, ...] = ()
    vectors: Mapping[str, Float32] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_interval("Evidence", self.start_s, self.end_s)
        if self.channel not in CHANNELS:
            raise ValueError(
                f"Evidence: channel {self.channel!r} is unknown; known: {', '.join(CHANNELS)}"
            )
        if self.frame_s is not None and not self.start_s <= self.frame_s <= self.end_s:
            raise ValueError(
                f"Evidence: frame_s={self.frame_s} lies outside [{self.start_s}, {self.end_s}]"
            )


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
