"""Where anybody speaks, in windows that Whisper hears one at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from q2e.arrays import Float32

RATE_HZ = 16_000
#: One window of speech: with its margin it fills 1,500 of the frames (of 10 ms) it is padded to.
_WINDOW_S = 13.9
_JOIN_GAP_S = 1.0
#: Below this level of its loudest tenth of a second nothing is speech (-60 dB of full scale).
_SILENCE_RMS = 1e-3


def stretches(samples: Float32) -> Iterator[tuple[float, float]]:
    """Yield (start_s, end_s) of windows with speech, each at most `_WINDOW_S` long."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    if _loudest(samples) < _SILENCE_RMS:
        return
    options = VadOptions(
        max_speech_duration_s=_WINDOW_S, min_silence_duration_ms=300, speech_pad_ms=200
    )
    start_s = end_s = 0.0
    for found in get_speech_timestamps(samples, options):
        next_start_s, next_end_s = found["start"] / RATE_HZ, found["end"] / RATE_HZ
        if _loudest(samples[found["start"] : found["end"]]) < _SILENCE_RMS:
            continue
        apart = next_start_s - end_s > _JOIN_GAP_S or next_end_s - start_s > _WINDOW_S
        if end_s > start_s and apart:
            yield start_s, end_s
        if end_s == start_s or apart:
            start_s = next_start_s
        end_s = next_end_s
    if end_s > start_s:
        yield start_s, end_s


def _loudest(samples: Float32) -> float:
    """Return the root mean square of the loudest 0.1 s."""
    step = RATE_HZ // 10
    padded = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    return float(np.sqrt((padded**2).mean(axis=1)).max(initial=0.0))
