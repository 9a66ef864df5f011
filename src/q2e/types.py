"""The frozen values that travel through Q2E; they check themselves and import nothing of ours.

Times are presentation times in seconds from the start of the video. Vectors are float32 and
L2-normalised unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from q2e.arrays import Float32, UInt8

#: Ways of reading a video, in the order in which they are shown.
CHANNELS = ("frame", "caption", "summary", "speech", "screen_text", "metadata", "sound")

#: Kinds of sub-event, in time order (Q2E calls them prequel, current and sequel).
EventKind = Literal["prequel", "current", "sequel"]
EVENT_KINDS: tuple[EventKind, ...] = ("prequel", "current", "sequel")


def _check_interval(owner: str, start_s: float, end_s: float) -> None:
    if not (0.0 <= start_s <= end_s < float("inf")):
        raise ValueError(f"{owner}: needs 0 <= start_s <= end_s, got {start_s=} {end_s=}")


@dataclass(frozen=True, slots=True)
class Video:
    """One media file, identified by the hash of its content, so a rename changes nothing."""

    id: str
    """First 32 hexadecimal digits of the SHA-256 of the file's bytes."""
    path: str
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    rate_hz: float = 0.0
    has_video: bool = True
    has_audio: bool = False
    size_bytes: int = 0
    title: str = ""
    description: str = ""
    date: str | None = None
    """ISO 8601 date (`YYYY-MM-DD`), or None where unknown."""
    language: str | None = None
    """ISO 639-1 code declared for the video, or None where unknown."""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("Video: id must not be empty")
        if not self.duration_s >= 0:
            raise ValueError(f"Video: duration_s must be >= 0, got {self.duration_s}")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch `[start_s, end_s)` of one video, bounded by shots; `movement`: see `media.scan`."""

    start_s: float
    end_s: float
    movement: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _check_interval("Segment", self.start_s, self.end_s)
        if self.start_s == self.end_s:
            raise ValueError(f"Segment: must not be empty, got {self.start_s=} {self.end_s=}")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture: `image` is RGB uint8 of shape (height, width, 3), upright."""

    time_s: float
    image: UInt8
    segment: Segment | None = None

    def __repr__(self) -> str:
        return f"Frame(time_s={self.time_s:.3f}, shape={self.image.shape}, segment={self.segment})"


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Mono sound at `rate_hz`: `samples` is float32 of shape (n,) in [-1, 1] from `start_s` on."""

    samples: Float32
    start_s: float = 0.0
    rate_hz: int = 16_000

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    def __repr__(self) -> str:
        return f"Audio(start_s={self.start_s:.3f}, duration_s={self.duration_s:.3f})"


@dataclass(frozen=True, slots=True)
class Span:
    """A timed line inside a longer piece of evidence, such as one sentence of a transcript."""

    start_s: float
    end_s: float
    text: str

    def __post_init__(self) -> None:
        _check_interval("Span", self.start_s, self.end_s)


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
        _check_interval("Evidence", self.start_s, self.end_s)
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
        _check_interval("Part", self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must satisfy before it is scored; empty fields demand nothing."""

    channels: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    tags: tuple[str, ...] = ()
    shortest_s: float | None = None
    """Videos of at least this length."""
    longest_s: float | None = None
    """Videos of at most this length."""
    without_tags: tuple[str, ...] = ()
    without_languages: tuple[str, ...] = ()
    without_channels: tuple[str, ...] = ()
    """Channels whose evidence takes no part."""

    def __and__(self, other: Filters) -> Filters:
        """Return filters that demand what both demand; of channels and languages what both name."""
        shortest = [v for v in (self.shortest_s, other.shortest_s) if v is not None]
        longest = [v for v in (self.longest_s, other.longest_s) if v is not None]
        return Filters(
            channels=_common("channel", self.channels, other.channels),
            videos=_common("video", self.videos, other.videos),
            languages=_common("lang", self.languages, other.languages),
            since=max(filter(None, (self.since, other.since)), default=None),
            until=min(filter(None, (self.until, other.until)), default=None),
            tags=_both(self.tags, other.tags),
            shortest_s=max(shortest, default=None),
            longest_s=min(longest, default=None),
            without_tags=_both(self.without_tags, other.without_tags),
            without_languages=_both(self.without_languages, other.without_languages),
            without_channels=_both(self.without_channels, other.without_channels),
        )


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one + other))


def _common(name: str, one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if not one or not other:
        return one or other
    both = tuple(value for value in one if value in other)
    if not both:
        raise ValueError(f"nothing is in both {name}:{','.join(one)} and {name}:{','.join(other)}")
    return both


#: What a clause of a question is: words to look for, or a way of joining other clauses.
ClauseKind = Literal[
    "text", "all", "any", "not", "then", "before", "after", "during", "first", "every"
]


@dataclass(frozen=True, slots=True)
class Clause:
    """One node of a question written in the query language; see `q2e.query.language`."""

    kind: ClauseKind
    text: str = ""
    """The words to look for; only of kind `text`."""
    channel: str | None = None
    """The one channel that is searched for them, or None for all."""
    exact: bool = False
    """Whether the words must occur as they stand."""
    parts: tuple[Clause, ...] = ()
    within_s: tuple[float | None, ...] = ()
    """Of kind `then`, `before`, `after`: the longest wait between each part and the next."""
    start: int = 0
    """Where it begins in the question, in characters."""
    end: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """Something to search with: a picture, clip or sound in a file, or a part of a video.

    Exactly one of `path` and `video` is given. `start_s` alone means the frame at that time;
    without times the whole is meant.
    """

    path: str = ""
    video: str = ""
    """Id of an indexed video."""
    start_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        if bool(self.path) == bool(self.video):
            raise ValueError("Example: needs either a path or the id of a video")
        if self.start_s is not None and self.end_s is not None:
            _check_interval("Example", self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Query:
    """A question after parsing.

    A plain sentence has no `clause`; `text` is always what was typed.
    """

    text: str
    language: str | None = None
    filters: Filters = Filters()
    clause: Clause | None = None
    examples: tuple[Example, ...] = ()
    like: tuple[Example, ...] = ()
    """Videos, or moments of them, that answer: what resembles them rises."""
    dislike: tuple[Example, ...] = ()
    """Videos, or moments of them, that do not answer: what resembles them falls."""


@dataclass(frozen=True, slots=True)
class SubEvent:
    """One event before (`prequel`), during (`current`) or after (`sequel`) the asked one."""

    kind: EventKind
    text: str
    """The sub-event with the query's time, place and subject folded in: what is searched."""
    source: str = ""
    """The bare sub-event before refinement."""


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A query unfolded into events, with what they have in common.

    `backend` names what produced it, `prompt_version` the prompts or knowledge base it used, and
    `note` says in one sentence when a fallback was taken.
    """

    query: str
    language: str | None = None
    english: str | None = None
    time: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    events: tuple[SubEvent, ...] = ()
    event_type: str | None = None
    backend: str = "none"
    prompt_version: str = ""
    note: str = ""

    def of_kind(self, kind: EventKind) -> tuple[SubEvent, ...]:
        return tuple(event for event in self.events if event.kind == kind)


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
    """`meaning` (vectors of text), `words` (lexical), `picture` (vectors of frames) or, with
    feedback, `likeness` to other videos that answer."""
    event: str | None = None
    text: str = ""
    start_s: float = 0.0
    end_s: float = 0.0
    frame_s: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A segment of a hit that answers, with the evidence that says why."""

    start_s: float
    end_s: float
    score: float
    frame_s: float
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        _check_interval("Moment", self.start_s, self.end_s)
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
