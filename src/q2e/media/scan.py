"""Reads a stretch of a video once, from front to back, and gives its shots with their frames."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.media.between import Between
from q2e.media.changes import detector
from q2e.media.container import CLOSE_S, key_times, video_stream
from q2e.media.decoder import opened
from q2e.media.pictures import Painter, Shown, key_frames, shown
from q2e.types import Frame, Segment


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How shots are found and how many of their frames are kept."""

    adaptive_threshold: float = 3.5
    """How many times more than its neighbours a picture must change to begin a shot."""
    window: int = 3
    """Pictures on either side that a change is compared with."""
    min_shot_s: float = 0.6
    max_segment_s: float = 30.0
    """Longer shots are cut into pieces of equal length."""
    frame_every_s: float = 10.0
    """A segment has one frame for every begun stretch of this length."""
    max_side: int = 640
    """Longest side of the frames, in pixels."""
    detect_side: int = 160
    """Longest side of the pictures that are compared, in pixels; 256 found the same cuts."""
    compared_every_s: float = 0.2
    """Movement is how much a picture differs from the one this long before it, at least."""
    grid_s: float = 0.4
    """Frames are chosen among those on screen at multiples of this time."""
    per_hour: int = 0
    """Frames an hour, with those of `times_s`, up to which a shot also gives those `between`."""
    key_frames: bool = False
    """Whether key frames alone are decoded, where none is further than `key_every_s` from the
    next; a shot then begins with one that differs by `key_change` from the one before."""
    key_every_s: float = 12.0
    key_change: float = 30.0
    """Mean difference of colours, 0 to 255. What is found stands in docs/explanation/speed.md."""

    def __post_init__(self) -> None:
        if not 0 < self.grid_s < self.min_shot_s <= self.frame_every_s <= self.max_segment_s:
            raise ValueError(
                "ScanOptions: needs 0 < grid_s < min_shot_s <= frame_every_s <= max_segment_s, "
                f"got {self}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A segment with its frames in time order; every frame's `segment` is this one."""

    segment: Segment
    frames: tuple[Frame, ...]
    between: tuple[Frame, ...] = ()
    """Where the picture changes within the shot and no frame is near, as often as asked for."""


def uniform_times(duration_s: float, n: int = 16) -> tuple[float, ...]:
    """Return the middles of `n` equal ranges of `[0, duration_s)`."""
    return tuple((i + 0.5) * duration_s / n for i in range(n))


def scan(
    path: str | Path,
    start_s: float,
    end_s: float,
    *,
    times_s: Sequence[float] = (),
    options: ScanOptions | None = None,
) -> Iterator[Shot]:
    """Yield the shots that make up `[start_s, end_s)`, in order and without gaps.

    One decoding pass. Each shot holds the frames on screen at those of `times_s` that fall into
    it (give `uniform_times` of the whole video), and one near the middle of every stretch of
    `frame_every_s` that has none of these; a picture that stays is given once. `time_s` of a
    frame is when it was on screen, so `frames_at` finds the same picture there. Stretches
    without pictures, such as sound that goes on after them, are segments without frames.

    `start_s` and `end_s` always bound a shot, so the shots of a part do not depend on what came
    before it. Memory does not grow with the length of the stretch.

    `movement` of a segment is the median, over pictures `compared_every_s` apart, of the mean
    difference of their grey levels (0 to 255), at `detect_side`; None where there are no two.

    Raises MediaError where the file cannot be read.
    """
    options = options or ScanOptions()
    collector = _Collector(options, start_s, end_s, times_s)
    between = Between(options.per_hour, start_s, times_s)
    with opened(path) as container:
        stream = video_stream(container)
        if stream is not None:
            find_cut: _CutFinder | _KeyCutFinder = _CutFinder(
                options, stream, collector.moved, between
            )
            decode = shown
            if options.key_frames and _has_keys(path, start_s, end_s, options.key_every_s):
                find_cut, decode = _KeyCutFinder(options, stream, between), key_frames
            for picture in decode(container, stream, start_s, end_s, options.max_side):
                cut_s = find_cut(picture)
                if cut_s is not None:
                    yield from map(between.given, collector.cut(cut_s))
                yield from map(between.given, collector.add(picture))
    yield from map(between.given, collector.finish())


class _CutFinder:
    """Feeds pictures to PySceneDetect's adaptive detector; its timecodes are plain seconds.

    The detector only subtracts and compares timecodes, which numbers do as well and faster.
    """

    def __init__(
        self,
        options: ScanOptions,
        stream: Any,
        moved: Callable[[float, float], None],
        between: Between,
    ) -> None:
        self._painter = Painter(stream, "FAST_BILINEAR")  # as exact here, at half the cost
        self._side = options.detect_side
        self._every_s = options.compared_every_s
        self._moved = moved
        self._between = between
        self._compared: tuple[float, Float32] | None = None
        self._shape: tuple[int, ...] | None = None
        self._new_detector: Callable[[], Any] = partial(
            detector, options.adaptive_threshold, options.window, options.min_shot_s
        )
        self._detector = self._new_detector()

    def __call__(self, picture: Shown) -> float | None:
        """Return the start of a shot that is now known to begin, `window` pictures ago."""
        pixels = self._painter.paint(picture.frame, self._side, "bgr24")
        if pixels.shape != self._shape:  # a new size in mid-stream starts a new shot
            cut_s = None if self._shape is None else picture.start_s
            self._shape, self._detector = pixels.shape, self._new_detector()
            self._compared = None
            self._detector.process_frame(picture.start_s, pixels)
            return cut_s
        self._compare(picture, pixels)
        cuts = self._detector.process_frame(picture.start_s, pixels)
        return cuts[0] if cuts else None

    def _compare(self, picture: Shown, pixels: UInt8) -> None:
        """Say how much the picture has changed since the last one that was compared."""
        time_s = picture.start_s
        if self._compared is not None and time_s - self._compared[0] < self._every_s - CLOSE_S:
            return
        grey = _grey(pixels)
        if self._compared is not None:
            self._moved(time_s, float(np.abs(grey - self._compared[1]).mean()))
        self._compared = time_s, grey
        self._between.look(picture, grey)


def _grey(pixels: UInt8) -> Float32:
    """Return the mean of the three colours; channel by channel, a third of numpy's time for it."""
    total = np.add(pixels[..., 0], pixels[..., 1], dtype=np.float32)
    total += pixels[..., 2]
    total /= np.float32(3)
    return total


class _KeyCutFinder:
    """Finds a cut where a key frame differs much from the one before; encoders begin shots so."""

    def __init__(self, options: ScanOptions, stream: Any, between: Between) -> None:
        self._painter = Painter(stream, "FAST_BILINEAR")
        self._options, self._between = options, between
        self._before: Float32 | None = None
        self._cut_s = -math.inf

    def __call__(self, picture: Shown) -> float | None:
        """Return the start of a shot that begins with this picture."""
        options = self._options
        pixels = self._painter.paint(picture.frame, options.detect_side, "bgr24").astype(np.float32)
        before, self._before = self._before, pixels
        self._between.look(picture, pixels.mean(axis=2))
        if before is None or picture.start_s - self._cut_s < options.min_shot_s:
            return None
        if before.shape == pixels.shape and np.abs(before - pixels).mean() < options.key_change:
            return None
        self._cut_s = picture.start_s
        return picture.start_s


def _has_keys(path: str | Path, start_s: float, end_s: float, every_s: float) -> bool:
    """Return whether a stretch has a key frame at least every so many seconds."""
    with opened(path) as container:
        stream = video_stream(container)
        times_s = key_times(container, stream, start_s, end_s)
    return bool((np.diff([start_s, *times_s, end_s]) <= every_s).all())


@dataclass(slots=True, eq=False)
class _Sample:
    time_s: float
    picture: Shown
    asked: bool


#: Samples of the shot under way; beyond that every second one is let go.
_MAX_SAMPLES = 40
#: Pixels of samples that wait as they were decoded: few are chosen, and only those are painted.
_HELD_PIXELS = 48_000_000


class _Collector:
    """Keeps samples of the shot under way, and gives its segments once its end is known."""

    def __init__(
        self, options: ScanOptions, start_s: float, end_s: float, times_s: Sequence[float]
    ) -> None:
        self._options = options
        self._start_s = start_s  # of the shot under way
        self._end_s = end_s
        self._asked_s = deque(sorted(t for t in times_s if start_s <= t < end_s))
        self._samples: list[_Sample] = []
        self._recent: deque[Shown] = deque(maxlen=options.window + 1)  # a cut may fall on these
        self._seen_s = start_s
        self._step_s = options.grid_s
        self._tick_s = start_s
        self._changes: list[tuple[float, float]] = []

    def moved(self, time_s: float, change: float) -> None:
        """Note how much the picture at `time_s` differs from the one compared before."""
        self._changes.append((time_s, change))

    def add(self, picture: Shown) -> Iterator[Shot]:
        """Sample a picture; yield the first segment of a shot that has become too long."""
        self._recent.append(picture)
        self._seen_s = picture.end_s
        while (time_s := min(self._tick_s, self._next_asked_s)) < picture.end_s - CLOSE_S:
            seen_s = picture.start_s if picture.is_key else max(time_s, picture.start_s)
            self._samples.append(_Sample(seen_s, picture, time_s == self._next_asked_s))
            if time_s == self._tick_s:
                self._tick_s += self._step_s
            if time_s == self._next_asked_s:
                self._asked_s.popleft()
        settled_s = self._recent[0].start_s
        self._thin(settled_s)
        self._paint_oldest()
        while settled_s - self._start_s > 2 * self._options.max_segment_s:
            yield from self._close(self._start_s + self._options.max_segment_s)

    def cut(self, cut_s: float) -> Iterator[Shot]:
        """Yield the segments of the shot that ended at `cut_s` and begin another."""
        yield from self._close(cut_s)
        for picture in self._recent:
            if picture.start_s == cut_s:
                self._samples.insert(0, _Sample(cut_s, picture, asked=False))
        self._step_s = self._options.grid_s
        self._tick_s = self._seen_s

    def finish(self) -> Iterator[Shot]:
        """Yield what remains; sound that outlasts the pictures gets segments of its own."""
        if self._start_s < self._seen_s < self._end_s - self._options.min_shot_s:
            yield from self._close(self._seen_s)
        yield from self._close(self._end_s)

    @property
    def _next_asked_s(self) -> float:
        return self._asked_s[0] if self._asked_s else math.inf

    def _paint_oldest(self) -> None:
        """Let go of decoded pictures, the oldest first, where they hold too many pixels."""
        held = {id(one.picture): one.picture for one in self._samples if not one.picture.painted}
        pixels = sum(picture.pixels for picture in held.values())
        for picture in held.values():
            if pixels <= _HELD_PIXELS:
                break
            pixels -= picture.pixels
            _ = picture.image

    def _thin(self, settled_s: float) -> None:
        if sum(not sample.asked for sample in self._samples) > _MAX_SAMPLES:
            self._step_s *= 2
            keep = True
            for sample in list(self._samples):
                if sample.asked or sample.time_s > settled_s:
                    continue
                if not keep:
                    self._samples.remove(sample)
                keep = not keep

    def _close(self, end_s: float) -> Iterator[Shot]:
        length_s = end_s - self._start_s
        if length_s <= 0:
            return
        pieces = math.ceil(length_s / self._options.max_segment_s - 1e-6)
        bounds = [self._start_s + i * length_s / pieces for i in range(pieces)] + [end_s]
        for start_s, stop_s in itertools.pairwise(bounds):
            yield self._shot(Segment(start_s, stop_s))
        self._samples = [sample for sample in self._samples if sample.time_s >= end_s]
        self._changes = [one for one in self._changes if one[0] >= end_s]
        self._start_s = end_s

    def _shot(self, segment: Segment) -> Shot:
        changes = [c for time_s, c in self._changes if segment.start_s <= time_s < segment.end_s]
        if changes:
            segment = replace(segment, movement=round(statistics.median(changes), 2))
        inside = [s for s in self._samples if segment.start_s <= s.time_s < segment.end_s]
        chosen = [sample for sample in inside if sample.asked]
        ranges = math.ceil(segment.duration_s / self._options.frame_every_s - 1e-6)
        width_s = segment.duration_s / ranges
        for i in range(ranges):
            low_s = segment.start_s + i * width_s
            here = [s for s in inside if low_s <= s.time_s < low_s + width_s]
            if here and not any(sample.asked for sample in here):
                middle_s = low_s + width_s / 2
                chosen.append(min(here, key=lambda s: abs(s.time_s - middle_s)))
        chosen.sort(key=lambda sample: sample.time_s)
        frames = [
            Frame(sample.time_s, sample.picture.image, segment)
            for i, sample in enumerate(chosen)
            if i == 0 or sample.picture is not chosen[i - 1].picture
        ]
        return Shot(segment, tuple(frames))
