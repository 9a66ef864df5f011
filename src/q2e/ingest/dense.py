"""Reads the frames between those of the shots, a few at a time, as the shots are found."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from q2e.channels.base import Channel, SamplesDensely
from q2e.media.between import room
from q2e.types import Evidence, Frame, Part

#: Frames that are kept decoded until they are read.
AT_ONCE = 16


@dataclass(slots=True)
class Dense:
    """Collects what a channel finds in the frames between those of one part."""

    channel: SamplesDensely
    part: Part
    seconds: float = 0.0
    """Time spent reading."""
    _found: list[Evidence] = field(default_factory=list)
    _frames: list[Frame] = field(default_factory=list)
    _wrong: Exception | None = None

    @classmethod
    def of(
        cls, channels: Iterable[Channel], part: Part, per_hour: int, asked_s: Iterable[float]
    ) -> Dense | None:
        """Return one for the channel that samples densely, where there is one and room for it.

        `asked_s` are the times of the frames that are taken anyway.
        """
        eye = next((one for one in channels if isinstance(one, SamplesDensely)), None)
        asked = sum(part.start_s <= time_s < part.end_s for time_s in asked_s)
        if eye is None or not room(per_hour, part.end_s - part.start_s, asked):
            return None
        return cls(eye, part)

    def add(self, frames: Iterable[Frame]) -> None:
        """Take the frames of one shot; what goes wrong in reading them is told by `finish`."""
        self._frames += frames
        if len(self._frames) >= AT_ONCE:
            self._read()

    def finish(self) -> list[Evidence]:
        """Return the evidence, each for the time it is nearest to. Raises what the channel did."""
        self._read()
        if self._wrong is not None:
            raise self._wrong
        return nearest(self._found)

    def _read(self) -> None:
        began = time.perf_counter()
        try:
            if self._frames and self._wrong is None:
                self._found += self.channel.dense(replace(self.part, frames=tuple(self._frames)))
        except Exception as error:  # noqa: BLE001 - the other channels are still to be read
            self._wrong = error
        finally:
            self._frames = []
            self.seconds += time.perf_counter() - began


def nearest(found: Sequence[Evidence]) -> list[Evidence]:
    """Return evidence of frames in time order, each less what is nearer to its neighbours."""
    times_s = [one.start_s if one.frame_s is None else one.frame_s for one in found]
    before = [0.0, *((a + b) / 2 for a, b in pairwise(times_s))]
    after = [*before[1:], float("inf")]
    return [
        replace(one, start_s=max(one.start_s, low), end_s=min(one.end_s, high))
        for one, low, high in zip(found, before, after, strict=True)
    ]
