"""Decodes the frames of shots that are known already, a few shots at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from q2e.types import Frame, Part, Segment

if TYPE_CHECKING:
    from q2e.media.scan import Shot


@dataclass(slots=True)
class Scanned:
    """The shots of a part as they are found, and the times of their frames."""

    segments: list[Segment] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def slices(self, part: Part, shots: Iterable[Shot], at_once: int) -> Iterator[Part]:
        """Yield `part` in slices of whole shots with at least `at_once` frames but for the last."""
        frames: list[Frame] = []
        first = 0
        for shot in shots:
            self.segments.append(shot.segment)
            self.times_s += [frame.time_s for frame in shot.frames]
            frames += shot.frames
            if len(frames) >= at_once:
                yield replace(part, segments=tuple(self.segments[first:]), frames=tuple(frames))
                frames, first = [], len(self.segments)
        if frames:
            yield replace(part, segments=tuple(self.segments[first:]), frames=tuple(frames))


def slices(
    part: Part, segments: Sequence[Segment], times_s: Sequence[float], max_side: int, at_once: int
) -> Iterator[Part]:
    """Yield `part` in slices of whole shots with at least `at_once` frames each, but for the last.

    `segments` are the part's shots, `times_s` the times of its frames, and `max_side` the longest
    side of the pictures in pixels. Raises MediaError where the file cannot be read.
    """
    chosen: list[Segment] = []
    wanted: list[float] = []
    for segment in segments:
        chosen.append(segment)
        wanted += [t for t in times_s if segment.start_s <= t < segment.end_s]
        if len(wanted) >= at_once:
            yield _slice(part, chosen, wanted, max_side)
            chosen, wanted = [], []
    if wanted:
        yield _slice(part, chosen, wanted, max_side)


def _slice(part: Part, segments: list[Segment], times_s: list[float], max_side: int) -> Part:
    from q2e.decoding.doors import frames_at

    frames = tuple(
        replace(frame, segment=_containing(segments, frame.time_s))
        for frame in frames_at(part.video.path, times_s, max_side=max_side)
    )
    return replace(part, segments=tuple(segments), frames=frames)


def _containing(segments: Sequence[Segment], time_s: float) -> Segment | None:
    return next((s for s in segments if s.start_s <= time_s < s.end_s), None)
