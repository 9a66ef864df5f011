"""Turns decoded video frames into upright RGB pictures and says how long each is on screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from q2e.arrays import UInt8
from q2e.media.container import CLOSE_S, decode_from, frame_length_s


def upright_size(
    width: int, height: int, rotation: int, pixel_aspect: float = 1.0, max_side: int | None = None
) -> tuple[int, int]:
    """Return (width, height) as shown: square pixels, turned upright, at most `max_side` long."""
    shown_width, shown_height = width * pixel_aspect, float(height)
    if rotation % 180:
        shown_width, shown_height = shown_height, shown_width
    longest = max(shown_width, shown_height)
    scale = 1.0 if max_side is None else min(1.0, max_side / longest)
    return max(1, round(shown_width * scale)), max(1, round(shown_height * scale))


def pixel_aspect(stream: Any) -> float:
    """Return the width of a pixel over its height; 1 where the file says nothing sensible."""
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio and 0.2 <= ratio <= 5 else 1.0


def quarter_turns(frame: Any) -> int:
    """Return how many quarter turns counter-clockwise make the frame upright."""
    return int(round(frame.rotation / 90) % 4)


class Painter:
    """Makes small RGB pictures of one stream's frames; the same frame gives the same picture."""

    def __init__(self, stream: Any, interpolation: str = "AREA") -> None:
        from av.video.reformatter import VideoReformatter

        self._pixel_aspect = pixel_aspect(stream)
        self._interpolation = interpolation
        self._reformatter = VideoReformatter()

    def paint(self, frame: Any, max_side: int, layout: str = "rgb24") -> UInt8:
        """Return (height, width, 3) uint8, upright, the longest side at most `max_side`."""
        turns = quarter_turns(frame)
        width, height = upright_size(
            frame.width, frame.height, 90 * turns, self._pixel_aspect, max_side
        )
        if turns % 2:
            width, height = height, width
        small = self._reformatter.reformat(
            frame, width, height, layout, interpolation=self._interpolation, threads=1
        )
        pixels = np.asarray(small.to_ndarray(), np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


@dataclass(eq=False)
class Shown:
    """A decoded frame while it is on screen, `[start_s, end_s)`.

    It is painted when its `image` is first looked at, and `frame` is let go then.
    """

    start_s: float
    end_s: float
    frame: Any
    painter: Painter
    max_side: int
    is_key: bool = False
    """Whether it stands for what follows it up to the next key frame, which was not decoded."""

    @cached_property
    def image(self) -> UInt8:
        image = self.painter.paint(self.frame, self.max_side)
        self.frame = None
        return image

    @property
    def painted(self) -> bool:
        return self.frame is None

    @property
    def pixels(self) -> int:
        """How many the decoded frame has; 0 once it is painted."""
        return 0 if self.frame is None else int(self.frame.width * self.frame.height)


def shown(
    container: Any, stream: Any, start_s: float, end_s: float, max_side: int
) -> Iterator[Shown]:
    """Yield what is on screen during `[start_s, end_s)`, without gaps, clipped to it.

    The first picture of a video also fills the time before it. Nothing is yielded where the
    pictures ended before `start_s`.
    """
    painter = Painter(stream)
    held: Any = None
    held_from_s = start_s
    last_s = 0.0
    for time_s, frame in decode_from(container, stream, start_s):
        if time_s >= end_s - CLOSE_S:
            break
        if held is not None and time_s > start_s + CLOSE_S:
            yield Shown(held_from_s, time_s, held, painter, max_side)
            held_from_s = time_s
        held, last_s = frame, time_s
    else:
        if held is not None:
            end_s = min(end_s, last_s + frame_length_s(stream, held))
    if held is not None and held_from_s < end_s:
        yield Shown(held_from_s, end_s, held, painter, max_side)


def key_frames(
    container: Any, stream: Any, start_s: float, end_s: float, max_side: int
) -> Iterator[Shown]:
    """Yield the key frames in `[start_s, end_s)`, each as if it stayed until the next one.

    Nothing else is decoded.
    """
    painter = Painter(stream)
    stream.codec_context.skip_frame = "NONKEY"
    held: tuple[float, Any] | None = None
    for time_s, frame in decode_from(container, stream, start_s):
        if time_s >= end_s - CLOSE_S:
            break
        if held is not None:
            yield Shown(held[0], time_s, held[1], painter, max_side, is_key=True)
        held = (time_s, frame) if time_s >= start_s else None
    if held is not None:
        yield Shown(held[0], end_s, held[1], painter, max_side, is_key=True)
