"""What the reading process is asked and what it answers; all of it travels between processes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from q2e.errors import Q2EError
from q2e.ingest.copies import Copy
from q2e.ingest.manifest import Record
from q2e.processes import memory_bytes
from q2e.store.base import UNKNOWN, Derived, Item, StageKey
from q2e.types import Evidence, Segment, Span, Tag, Video
from q2e.wire import Wire


@dataclass(frozen=True, slots=True)
class Greeting:
    """The settings to read with, and the files of the index and of an older generation."""

    settings: dict[str, Any]
    index: Path
    older: Path | None = None
    within: tuple[Path, ...] | None = None
    """The only folders whose files may be read beside media."""
    staging: str = ""
    """Where what is read is staged; without it, it is said in full."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an index holds of one video: evidence without vectors, as nobody compares them here."""

    video: Video
    said: Record | None
    parts: tuple[PartRead, ...]
    keys_space: str | None


@dataclass(frozen=True, slots=True)
class Job:
    """Read one file, leaving out what the index already holds."""

    path: Path
    video_id: str
    record: Record | None = None
    copies: tuple[Copy, ...] = ()
    """Other files of the same content, whose descriptions are about this one too."""
    address: str = ""
    """Where it lies on object storage; `path` is then its copy on the local disk."""
    held: Held | None = None
    """What the index holds of it, for a reader that does not see the index."""
    spread: bool = False
    """Whether a long video is only looked at, since others read its parts."""
    parts: tuple[int, ...] | None = None
    """The only parts to be read; without them all are, and then the video as a whole."""

    @property
    def where(self) -> str:
        """What the video is kept under: the path or the address."""
        return self.address or str(self.path)


@dataclass(frozen=True, slots=True)
class Identified:
    """What the content of a file is known by, said first of one that was not known before."""

    video_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """The file is a video, and this is what is known about it."""

    video: Video


@dataclass(frozen=True, slots=True)
class PartRead:
    """One stage has read one part."""

    key: StageKey
    config_key: str
    items: tuple[Item, ...] = ()
    segments: tuple[Segment, ...] | None = None
    frame_times_s: tuple[float, ...] | None = None
    derived: Derived = UNKNOWN


@dataclass(frozen=True, slots=True)
class Staged:
    """One stage has read one part, which is staged under a name."""

    key: StageKey
    config_key: str
    name: str


@dataclass(frozen=True, slots=True)
class Spread:
    """The video is long, and nothing of it was read: these parts are for others first."""

    parts: tuple[int, ...]


#: What native code says where an allocation fails; of graphics cards it is another matter.
NO_MEMORY = re.compile(
    r"bad_alloc|MemoryError|(?:cannot|failed to) allocate memory|can't start new thread",
    re.IGNORECASE,
)


def too_much_memory() -> str:
    """Return what to say of a file whose reading took all memory that there is."""
    return (
        f"needs more memory than the {memory_bytes() / 1e9:.1f} GB of this machine; "
        "read it with a smaller profile or frame_max_side"
    )


@dataclass(frozen=True, slots=True)
class Failed:
    """The file, or one stage of it, could not be read."""

    reason: str
    stage: str | None = None
    path: Path | None = None
    """The file that is meant where it is not the job's, but a copy."""

    @classmethod
    def by(cls, error: Exception, stage: str) -> Failed:
        """Return the failure of a stage with one line that a person can act on."""
        if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
            return cls(too_much_memory(), stage)
        text = " ".join(str(error).split()) or type(error).__name__
        said = text if isinstance(error, Q2EError) else f"{type(error).__name__}: {text}"[:300]
        return cls(said, stage)


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has come as far as `done_s` of `total_s` seconds of the video."""

    stage: str
    done_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing more will be said about this job; `seconds` spent by each stage."""

    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Ready:
    """The reading process has its models, whose vector spaces it names by kind."""

    spaces: dict[str, str]
    fingerprint: str = ""
    """What changes when the same file would be read otherwise; see `Reader.fingerprint`."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a worker elsewhere reads with, and where it is."""

    version: str
    spaces: dict[str, str]
    fingerprint: str
    node: str = ""
    process: int = 0

    def unlike(self, own: Hello) -> str:
        """Return in what this worker would read otherwise than `own`, in words; else nothing."""
        pairs = [("version of q2e", own.version, self.version)]
        for kind in sorted({*own.spaces, *self.spaces}):
            spaces = own.spaces.get(kind, "none"), self.spaces.get(kind, "none")
            pairs.append((f"{kind} model", *spaces))
        pairs.append(("setting, or model of a channel", own.fingerprint, self.fingerprint))
        for what, here, there in pairs:
            if here != there:
                return f"has another {what} ({there}, and here {here})"
        return ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The reading process cannot have its models."""

    problem: str


Message = Identified | Found | PartRead | Staged | Spread | Failed | Progress | Finished

#: How all of it travels.
WIRE = Wire(
    *(
        Greeting,
        Job,
        Record,
        Copy,
        Identified,
        Found,
        PartRead,
        Held,
        Staged,
        Spread,
        Hello,
        Failed,
        Progress,
        Finished,
        Ready,
        Refused,
    ),
    *(StageKey, Derived, Item, Evidence, Span, Tag, Segment, Video),
)


def say(file: IO[bytes], value: object) -> None:
    """Write one message to a pipe."""
    for piece in WIRE.pack(value):
        file.write(piece)
    file.flush()
