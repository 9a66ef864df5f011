"""Media as read: a video, its stretches, its decoded pictures and sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from q2e.arrays import Float32, UInt8


def check_interval(owner: str, start_s: float, end_s: float) -> None:
    """Raise ValueError unless times are a stretch from 0 on."""
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
        check_interval("Segment", self.start_s, self.end_s)
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
