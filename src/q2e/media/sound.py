"""Reads sound, every sample in its place in time: 16 kHz mono for models, stereo for people.

Channels are mixed at the source's own rate, then resampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.media.container import audio_stream, decode_from
from q2e.media.decoder import opened
from q2e.types import Audio

RATE_HZ = 16_000
STEREO_RATE_HZ = 48_000

#: Sound that comes this much off its expected time is put where its time says.
_SLACK_S = 0.02

#: Decoded before the wanted stretch, so that codec and resampler have settled.
_RUN_UP_S = 0.5

#: Left and right are mixed in stretches of this length, counted from the beginning of the file.
_MIXED_S = 0.25
#: Where the mix has a smaller share of the two channels' power, they are opposite in phase.
_CANCELLED = 0.1


def read_audio(path: str | Path, start_s: float, end_s: float) -> Audio | None:
    """Return the sound of `[start_s, end_s)`, or None where the file has none.

    Places without sound are silent, so sample i was heard at `start_s + i / 16000`; the same
    stretch read as part of a longer one has the same samples. Memory is bounded by the stretch.

    Raises MediaError where the file cannot be read.
    """
    samples = _read(path, start_s, end_s, RATE_HZ, "mono")
    return None if samples is None else Audio(samples[:, 0], start_s=start_s, rate_hz=RATE_HZ)


def read_stereo(path: str | Path, start_s: float, end_s: float) -> Float32 | None:
    """Return (n, 2) samples at 48 kHz of `[start_s, end_s)`, or None where the file has no sound.

    Raises MediaError where the file cannot be read.
    """
    return _read(path, start_s, end_s, STEREO_RATE_HZ, "stereo")


def _read(
    path: str | Path, start_s: float, end_s: float, rate_hz: int, layout: str
) -> Float32 | None:
    first, last = round(start_s * rate_hz), round(end_s * rate_hz)
    width = 2 if layout == "stereo" else 1
    samples = np.zeros((max(0, last - first), width), np.float32)
    with opened(path) as container:
        stream = audio_stream(container)
        if stream is None:
            return None
        run: _Run | None = None
        for time_s, frame in decode_from(container, stream, max(0.0, start_s - _RUN_UP_S)):
            if time_s >= end_s + _MIXED_S:
                break
            if run is None or not run.continues(time_s, frame):
                if run is not None:
                    _place(samples, first, *run.flush())
                run = _Run(time_s, frame, rate_hz, width)
            _place(samples, first, *run.feed(frame))
        if run is not None:
            _place(samples, first, *run.flush())
    return np.clip(samples, -1.0, 1.0, out=samples)


def _place(samples: Float32, first: int, at: int, heard: Float32) -> None:
    low, high = max(at, first), min(at + len(heard), first + len(samples))
    if low < high:
        samples[low - first : high - first] = heard[low - at : high - at]


def _kind(frame: Any) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name


class _Run:
    """Mixes and resamples frames that follow one another without a gap.

    A run is led in by a few silent samples, so that it begins where a sample of the source and
    one of the output coincide, and a stretch of mixing with it; then a stretch has the same
    samples wherever reading began.
    """

    def __init__(self, time_s: float, frame: Any, rate_hz: int, width: int) -> None:
        self._kind = _kind(frame)
        self._source_hz, self._rate_hz, self._width = frame.sample_rate, rate_hz, width
        self._channels = _Channels(frame)
        self._resampler = _Resampler(self._source_hz, rate_hz, width)
        step = self._source_hz // math.gcd(self._source_hz, rate_hz)
        place = round(time_s * self._source_hz)
        self._begin = place // step * step
        self._fed = 0
        self._out = self._begin * rate_hz // self._source_hz
        self._mixed_at = self._begin
        self._waiting: list[Float32] = []
        if place > self._begin:
            self._waiting.append(np.zeros((place - self._begin, self._channels.width), np.float32))
            self._fed = place - self._begin

    def continues(self, time_s: float, frame: Any) -> bool:
        expected_s = (self._begin + self._fed) / self._source_hz
        return abs(time_s - expected_s) <= _SLACK_S and self._kind == _kind(frame)

    def feed(self, frame: Any) -> tuple[int, Float32]:
        """Return (place on the output's grid, samples) that have become ready."""
        heard = self._channels.of(frame)
        self._fed += len(heard)
        self._waiting.append(heard)
        return self._collect(last=False)

    def flush(self) -> tuple[int, Float32]:
        return self._collect(last=True)

    def _collect(self, *, last: bool) -> tuple[int, Float32]:
        stretches = list(self._stretches(last))
        mixed = [_mixed(stretch, self._width) for stretch in stretches]
        heard = self._resampler.feed(np.concatenate(mixed)) if mixed else _nothing(self._width)
        if last:
            heard = np.concatenate((heard, self._resampler.flush()))
        at = self._out
        self._out += len(heard)
        return at, heard

    def _stretches(self, last: bool) -> Iterator[Float32]:
        """Yield what waits in stretches that end at multiples of `_MIXED_S` in the file."""
        length = max(1, round(_MIXED_S * self._source_hz))
        count = sum(map(len, self._waiting))
        if not count or not (last or count >= length):
            return
        waiting = np.concatenate(self._waiting)
        at = 0
        while at < len(waiting):
            to = at + length - self._mixed_at % length
            if to > len(waiting) and not last:
                break
            yield waiting[at:to]
            self._mixed_at += min(to, len(waiting)) - at
            at = to
        self._waiting = [waiting[at:]]


def _mixed(heard: Float32, width: int) -> Float32:
    """Return (n, width) of a stretch (n, 1 or 2): what has signal where left and right cancel."""
    if heard.shape[1] == 1:
        return np.asarray(np.repeat(heard, width, axis=1), np.float32)
    if width == 2:
        return heard
    middle = np.asarray(heard.mean(axis=1, keepdims=True), np.float32)
    left, right = np.square(heard).sum(axis=0).tolist()
    if float(np.square(middle).sum()) >= _CANCELLED * (left + right) / 2:
        return middle
    louder = 0 if left >= right else 1
    return np.asarray(heard[:, louder : louder + 1])


def _nothing(width: int) -> Float32:
    return np.zeros((0, width), np.float32)


class _Channels:
    """Gives the channels of frames of one kind as samples: one as it is, more as left and right."""

    def __init__(self, frame: Any) -> None:
        from av.audio.resampler import AudioResampler

        self.width = min(2, frame.layout.nb_channels)
        layouts = ("mono",) if self.width == 1 else ("stereo", frame.layout)
        # Without the bound, mixing down in floating point would make the sound louder than 1.
        self._resamplers = [
            AudioResampler("flt", layout, frame.sample_rate, options={"rematrix_maxval": "1.0"})
            for layout in layouts
        ]

    def of(self, frame: Any) -> Float32:
        """Return (n, 1) or (n, 2) float samples of a frame."""
        import av

        frame.pts = None
        try:
            made = self._resamplers[0].resample(frame)
        except av.error.FFmpegError:
            if len(self._resamplers) == 1:
                raise
            # More channels than there are names for: taken as they are, every other on one side.
            del self._resamplers[0]
            return self.of(frame)
        parts = [one.to_ndarray().reshape(one.samples, -1) for one in made]
        heard = np.concatenate(parts) if parts else np.zeros((0, self.width), np.float32)
        if heard.shape[1] > 2:
            heard = np.stack([heard[:, 0::2].mean(axis=1), heard[:, 1::2].mean(axis=1)], axis=1)
        return heard.astype(np.float32, copy=False)


class _Resampler:
    """Resamples (n, width) float samples."""

    def __init__(self, source_hz: int, rate_hz: int, width: int) -> None:
        from av.audio.resampler import AudioResampler

        self._source_hz, self._width = source_hz, width
        self._layout = "stereo" if width == 2 else "mono"
        self._resampler = AudioResampler("flt", self._layout, rate_hz)

    def feed(self, samples: Float32) -> Float32:
        import av

        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate, frame.time_base = self._source_hz, Fraction(1, self._source_hz)
        return self._gathered(self._resampler.resample(frame))

    def flush(self) -> Float32:
        return self._gathered(self._resampler.resample(None))

    def _gathered(self, frames: list[Any]) -> Float32:
        parts = [frame.to_ndarray().reshape(-1, self._width) for frame in frames]
        heard = np.concatenate(parts) if parts else _nothing(self._width)
        return heard.astype(np.float32, copy=False)
