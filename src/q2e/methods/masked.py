"""Stretches of captions, moved and widened until their pictures fit them best: soft masks.

ZeroTA: Zero-Shot Dense Video Captioning by Jointly Optimizing Text and Moment, Jo et al. 2023. Its
masks climb by gradients over fixed vectors; captions stay as they are, where the paper optimises
them too.
"""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.localise.mask import climb

#: Seconds between the times at which likeness is read, and times at most.
_STEP_S, _MOST = 0.25, 4_000
#: Steepness of a mask's edges, and seconds that keep it from shrinking: those of `mask`.
STEEPNESS, REACH_S = 2.0, 4.0
#: Seconds by which a middle may move either way, and of the shortest and longest stretch.
WITHIN_S, SHORTEST_S, LONGEST_S = 8.0, 1.0, 60.0
#: Adam: steps, seconds of a step, and its decays.
_STEPS, _RATE_S, _FIRST, _SECOND = 60, 0.4, 0.9, 0.99


def refined(
    spans_s: Float64, captions: Float32, frame_s: Float64, frames: Float32, duration_s: float
) -> Float64:
    """Return stretches (n, 2) of captions (n, d) at which their pictures fit them best.

    A time has the likeness of the frame of `frames` (m, d) that is nearest to it at `frame_s`
    (m,), less the caption's mean over the video, as a share of its peak. A mask begins as the
    caption's stretch in `spans_s` (n, 2) and climbs the share under it
    (`q2e.methods.localise.mask.climb`); of all it passes through the best is taken.
    """
    if not len(frame_s) or not len(spans_s):
        return spans_s
    count = int(np.clip(duration_s / _STEP_S, 16, _MOST))
    step_s = duration_s / count
    at_s = np.asarray((np.arange(count) + 0.5) * step_s, np.float64)
    nearest = np.abs(at_s[:, None] - frame_s[None]).argmin(axis=1)
    likeness = np.asarray(captions, np.float64) @ np.asarray(frames, np.float64).T
    above = likeness - likeness.mean(axis=1, keepdims=True)
    share = (above / np.maximum(above.max(axis=1, keepdims=True), 1e-6))[:, nearest]
    first = np.stack([spans_s.mean(axis=1), np.ptp(spans_s, axis=1)])
    least = np.stack([first[0] - WITHIN_S, np.full(len(spans_s), SHORTEST_S)])
    most = np.stack([first[0] + WITHIN_S, np.full(len(spans_s), LONGEST_S)])
    middle_s, width_s = _climbed(at_s, share, np.clip(first, least, most), (least, most), step_s)
    found = np.stack([middle_s - width_s / 2, middle_s + width_s / 2], axis=1)
    return np.asarray(np.clip(found, 0.0, duration_s), np.float64)


def _climbed(
    at_s: Float64,
    share: Float64,
    point: Float64,
    bounds: tuple[Float64, Float64],
    step_s: float,
) -> Float64:
    """Return the middles and widths (2, n) at which the masks of n curves (n, t) are best."""
    best, most = point.copy(), np.full(point.shape[1], -np.inf)
    mean, square = np.zeros_like(point), np.zeros_like(point)
    for number in range(1, _STEPS + 2):
        value, slope = climb(at_s, share, point[0], point[1], STEEPNESS, REACH_S, step_s)
        better = value > most
        most[better], best[:, better] = value[better], point[:, better]
        mean = _FIRST * mean + (1 - _FIRST) * slope
        square = _SECOND * square + (1 - _SECOND) * slope**2
        size = np.sqrt(square / (1 - _SECOND**number)) + 1e-9
        point = np.clip(point + _RATE_S * (mean / (1 - _FIRST**number)) / size, *bounds)
    return best
