"""Reads sound, every sample in its place in time: 16 kHz mono for models, stereo for people."""

from __future__ import annotations

import math
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
    samples = np.zeros((max(0, last - first), 2 if layout == "stereo" else 1), np.float32)
    with opened(path) as container:
        stream = audio_stream(container)
        if stream is None:
            return None
        run: _Run | None = None
        for time_s, frame in decode_from(container, stream, max(0.0, start_s - _RUN_UP_S)):
            if time_s >= end_s:
                break
            if run is None or not run.continues(time_s, frame):
                if run is not None:
                    _place(samples, first, *run.flush())
                run = _Run(time_s, frame, rate_hz, layout)
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


def _silence(like: Any, length: int) -> Any:
    import av

    frame = av.AudioFrame(like.format.name, like.layout.name, length)
    frame.sample_rate, frame.time_base = like.sample_rate, like.time_base
    zero = b"\x80" if like.format.name.startswith("u8") else b"\0"
    for plane in frame.planes:
        plane.update(zero * plane.buffer_size)
    return frame


class _Run:
    """Resamples frames that follow one another without a gap.

    A run is led in by a few silent samples, so that it begins where a sample of the source and
    one of the output coincide; then a stretch has the same samples wherever reading began.
    """

    def __init__(self, time_s: float, frame: Any, rate_hz: int, layout: str) -> None:
        from av.audio.resampler import AudioResampler

        # Without the bound, mixing down in floating point would make stereo louder than 1.
        self._resampler = AudioResampler(
            format="flt", layout=layout, rate=rate_hz, options={"rematrix_maxval": "1.0"}
        )
        self._width = 2 if layout == "stereo" else 1
        self._kind = _kind(frame)
        step = frame.sample_rate // math.gcd(frame.sample_rate, rate_hz)
        self._begin = round(time_s * frame.sample_rate) // step * step
        self._fed = 0
        self._out = self._begin * rate_hz // frame.sample_rate
        lead_in = round(time_s * frame.sample_rate) - self._begin
        if lead_in:
            self.feed(_silence(frame, lead_in))

    def continues(self, time_s: float, frame: Any) -> bool:
        expected_s = (self._begin + self._fed) / self._kind[0]
        return abs(time_s - expected_s) <= _SLACK_S and self._kind == _kind(frame)

    def feed(self, frame: Any) -> tuple[int, Float32]:
        """Return (place on the output's grid, samples) that have become ready."""
        self._fed += frame.samples
        frame.pts = None
        return self._collect(self._resampler.resample(frame))

    def flush(self) -> tuple[int, Float32]:
        return self._collect(self._resampler.resample(None))

    def _collect(self, frames: list[Any]) -> tuple[int, Float32]:
        at = self._out
        parts = [frame.to_ndarray().reshape(-1, self._width) for frame in frames]
        heard = np.concatenate(parts) if parts else np.zeros((0, self._width), np.float32)
        self._out += len(heard)
        return at, heard.astype(np.float32, copy=False)
