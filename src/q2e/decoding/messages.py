"""What decoding processes are asked and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from q2e.media.clip import Piece
from q2e.media.embedded import Contents, Cues
from q2e.media.scan import ScanOptions, Shot
from q2e.types import Audio, Frame, Segment, Span, Video
from q2e.wire import Wire


@dataclass(frozen=True, slots=True)
class Request:
    """Call a function of `q2e.media`, such as `frames.frames_at`, with what it may use."""

    function: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    reads: tuple[str, ...]
    folder: str | None
    memory_bytes: int
    cpu_s: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Decoding can begin, shut in by this version of Landlock (0: none) and perhaps seccomp."""

    landlock: int
    seccomp: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One of several values."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """The value of the function, or the end of its values."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """An error of ours, by its name in `q2e.errors`."""

    name: str
    text: str


WIRE = Wire(
    *(
        Request,
        Ready,
        Answer,
        Ended,
        Raised,
        Audio,
        Frame,
        Piece,
        ScanOptions,
        Segment,
        Shot,
        Video,
    ),
    *(Contents, Cues, Span),
)
