"""Chooses further frames of a shot where its picture changes, so that moments can be told apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Float32
from q2e.media.pictures import Shown
from q2e.types import Frame

if TYPE_CHECKING:
    from q2e.media.scan import Shot

#: Mean difference of cells of grey (0 to 255) by which a picture is another one.
CHANGED = 5.0
#: Pixels across a cell; what moves within it is no change.
CELL_PX = 8
#: Seconds around another frame in which none is taken.
NEAR_S = 1.2


def room(per_hour: int, length_s: float, asked: int) -> int:
    """Return how many frames there is room for in a stretch, beside those asked for."""
    return max(0, int(per_hour * length_s / 3600) - asked)


@dataclass(slots=True, eq=False)
class Between:
    """Takes a picture where it differs from the one taken before, as long as there is `room`.

    `asked_s` are the times of frames that are taken anyway; they fill the same room.
    """

    per_hour: int
    start_s: float
    asked_s: Sequence[float] = ()
    _taken: list[Frame] = field(default_factory=list)
    _count: int = 0
    _last: tuple[float, Float32] | None = None

    def __post_init__(self) -> None:
        self.asked_s = sorted(time_s for time_s in self.asked_s if time_s >= self.start_s)

    def look(self, picture: Shown, grey: Float32) -> None:
        """Take a picture, given also as grey levels (h, w), or let it go."""
        if not self.per_hour:
            return
        time_s = picture.start_s
        if self._last is not None and time_s - self._last[0] < NEAR_S:
            return
        place = bisect_left(self.asked_s, time_s)
        if self._count >= room(self.per_hour, time_s - self.start_s, place):
            return
        if any(abs(one - time_s) < NEAR_S for one in self.asked_s[max(0, place - 1) : place + 1]):
            return
        cells = _cells(grey)
        if self._last is not None and not _differs(self._last[1], cells):
            return
        self._last = time_s, cells
        self._count += 1
        self._taken.append(Frame(time_s, picture.image))

    def given(self, shot: Shot) -> Shot:
        """Return a shot with the pictures taken in it, less those near one of its frames."""
        segment = shot.segment
        own = [one for one in self._taken if segment.start_s <= one.time_s < segment.end_s]
        self._taken = [one for one in self._taken if one.time_s >= segment.end_s]
        times_s = np.array([frame.time_s for frame in shot.frames])
        far = [one for one in own if np.abs(times_s - one.time_s).min(initial=np.inf) >= NEAR_S]
        self._count -= len(own) - len(far)
        return replace(shot, between=tuple(replace(one, segment=segment) for one in far))


def _cells(grey: Float32) -> Float32:
    """Return the means of square cells of a picture (h, w)."""
    height, width = (max(1, size // CELL_PX) for size in grey.shape)
    whole = grey[: height * CELL_PX, : width * CELL_PX]
    side = whole.shape[0] // height, whole.shape[1] // width
    cells: Float32 = whole.reshape(height, side[0], width, side[1]).mean(axis=(1, 3))
    return cells


def _differs(before: Float32, now: Float32) -> bool:
    return before.shape != now.shape or float(np.abs(before - now).mean()) > CHANGED
