"""A question: its words and clauses, what a hit must satisfy, and the events it unfolds into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from q2e.types.media import check_interval

#: Kinds of sub-event, in time order (Q2E calls them prequel, current and sequel).
EventKind = Literal["prequel", "current", "sequel"]
EVENT_KINDS: tuple[EventKind, ...] = ("prequel", "current", "sequel")


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

    @classmethod
    def of(cls, **given: Any) -> Filters:
        """Return filters of fields, of which lists may be of any kind; None demands nothing."""
        one = ("since", "until", "shortest_s", "longest_s")
        values: dict[str, Any] = {}
        for name, value in given.items():
            if value is not None:
                listed = (value,) if isinstance(value, str) else value
                values[name] = value if name in one else tuple(listed)
        return cls(**values)

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
            check_interval("Example", self.start_s, self.end_s)


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
    own: bool = False
    """Whether whoever asks wrote it: asked of all channels, as strongly as the question."""


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

    @property
    def looked(self) -> bool:
        """Whether anybody has looked for events, and may have found none."""
        return self.backend != "none"

    def of_kind(self, kind: EventKind) -> tuple[SubEvent, ...]:
        return tuple(event for event in self.events if event.kind == kind)
