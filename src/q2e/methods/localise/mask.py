"""Moments as soft masks over time, moved and widened by the gradient of what they cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float64
from q2e.methods.localise.base import Localiser, Scored, Stretch, widened
from q2e.methods.localise.contrast import apart, curve_of, meeting, own_times, told
from q2e.registry import method

#: Seconds between the times at which a curve is read, and most of them.
_STEP_S, _MOST = 0.25, 4_000
#: Seconds between runs that begin masks; share of the peak from which another one is begun.
_NEAR_S, _ANOTHER = 3.0, 0.3
#: Adam: seconds of a step, and its decays.
_RATE_S, _FIRST, _SECOND = 0.4, 0.9, 0.99


@method(
    "localise",
    source="ZeroTA: Zero-Shot Dense Video Captioning by Jointly Optimizing Text and Moment, "
    "Jo et al. 2023: its masks alone, on fixed scores",
)
@dataclass(frozen=True, kw_only=True)
class Mask(Localiser):
    """Soft masks whose middle and width are found by gradient ascent on the score's curve.

    1. The curve f is that of `contrast`, as a share of its peak.
    2. A mask is m(t) = sigmoid(a (t - c + w/2)) sigmoid(-a (t - c - w/2)). Masks begin as the
       runs of f above half of a peak, highest first, at most `masks` of them.
    3. Each climbs J = integral(m f) / (integral(m) + `reach_s`) by `steps` of Adam over c and w; of
       all it passed through the best is taken. At the best width f at the edges is about J.
    4. A mask is repelled by those that began higher: what they cover counts less, by their values.
    5. Non-maximum suppression by J, as in `contrast`.

    In the paper f is the likeness of a caption, which is optimised too, to the mean of the frames
    under the mask; here it is the fixed score, for which `reach_s` keeps a mask from shrinking to
    the peak.
    """

    masks: Annotated[int, Field(ge=1, le=64, description="Moments that are begun at most.")] = 8
    steepness: Annotated[
        float, Field(gt=0, le=50, description="Of the edges of a mask: a, per second.")
    ] = 2.0
    reach_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds: the more, the longer are moments.")
    ] = 4.0
    steps: Annotated[int, Field(ge=1, le=1_000, description="Steps of the ascent.")] = 60
    smooth_s: Annotated[
        float, Field(ge=0, le=60, description="Seconds over which pictures are averaged.")
    ] = 4.0
    shortest_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that a moment has at least.")
    ] = 1.0
    longest_s: Annotated[
        float, Field(gt=0, le=86_400, description="Seconds that a moment has at most.")
    ] = 60.0

    def strong(self, scores: Float64, floor: float = 0.0) -> Bool:
        known = np.isfinite(scores)
        above: Bool = known & (np.where(known, scores, floor) > floor)
        return above if above.any() else known

    def moments(self, evidence: Scored, top: int) -> list[Stretch]:
        known = np.flatnonzero(np.isfinite(evidence.score))
        if not len(known) or top < 1:
            return []
        given = evidence.of_rows(known)
        times = own_times(given)
        curve = curve_of(given, *times, self.smooth_s)
        peak = float(curve.value.max())
        last_s = float(curve.edge[-1])
        count = int(np.clip(last_s / _STEP_S, 16, _MOST))
        step_s = last_s / count
        at_s = np.asarray((np.arange(count) + 0.5) * step_s, np.float64)
        place = np.clip(np.searchsorted(curve.edge, at_s, "right") - 1, 0, len(curve.value) - 1)
        share = np.asarray(curve.value[place] / peak, np.float64)
        middle_s, width_s, value = self._climbed(at_s, share, step_s)
        may = self.strong(given.score, given.floor)
        spans = [self._span(*one, given) for one in zip(middle_s, width_s, strict=True)]
        worth = dict(zip(spans, value.tolist(), strict=True))
        held = [one for one in worth if (meeting(times, *one) & may).any()]
        if not held:
            best = int(np.argmax(np.where(may, given.score, -np.inf)))
            spent = float(times[0][best] + times[1][best])
            held = [self._span(spent / 2, self.shortest_s, given)]
        values = np.array([worth.get(one, 0.0) for one in held])
        return [
            told(given, known, may, times, held[number], float(values[number]) * peak)
            for number in apart(held, values)[:top]
        ]

    def _span(self, middle_s: float, width_s: float, given: Scored) -> tuple[float, float]:
        half_s = min(width_s, max(self.longest_s, self.shortest_s)) / 2
        low_s, high_s = max(middle_s - half_s, 0.0), min(middle_s + half_s, given.length_s)
        return widened(low_s, max(low_s, high_s), self.shortest_s, given.duration_s)

    def _worth(
        self, at_s: Float64, share: Float64, point: Float64, step_s: float
    ) -> tuple[Float64, Float64]:
        middle_s, width_s = point
        return climb(at_s, share, middle_s, width_s, self.steepness, self.reach_s, step_s)

    def _climbed(
        self, at_s: Float64, share: Float64, step_s: float
    ) -> tuple[Float64, Float64, Float64]:
        """Return the middles, widths and values J (k,) of the masks that were found."""
        point = begun(at_s, share, self.masks)
        point = point[:, np.isfinite(point[0])]
        best, most = point.copy(), np.full(point.shape[1], -np.inf)
        mean, square = np.zeros_like(point), np.zeros_like(point)
        for number in range(1, self.steps + 2):
            mask = masks_of(at_s, point[0], point[1], self.steepness)
            before = np.cumsum(mask, axis=0) - mask
            value, slope = self._worth(at_s, share - before, point, step_s)
            better = value > most
            most[better], best[:, better] = value[better], point[:, better]
            mean = _FIRST * mean + (1 - _FIRST) * slope
            square = _SECOND * square + (1 - _SECOND) * slope**2
            size = np.sqrt(square / (1 - _SECOND**number)) + 1e-9
            point = point + _RATE_S * (mean / (1 - _FIRST**number)) / size
            point[0] = np.clip(point[0], at_s[0], at_s[-1])
            point[1] = np.clip(point[1], self.shortest_s, max(self.longest_s, self.shortest_s))
        value, _ = self._worth(at_s, share, best, step_s)
        return best[0], best[1], value


def masks_of(at_s: Float64, middle_s: Float64, width_s: Float64, steepness: float) -> Float64:
    """Return (k, n) the values of k masks at n times."""
    rise, fall = _edges(at_s, middle_s, width_s, steepness)
    return rise * fall


def climb(
    at_s: Float64,
    share: Float64,
    middle_s: Float64,
    width_s: Float64,
    steepness: float,
    reach_s: float,
    step_s: float,
) -> tuple[Float64, Float64]:
    """Return J (k,) of k masks, and its slope (2, k) over their middles and widths.

    `share` is f at the times (n,), or (k, n) where each mask has its own.
    """
    rise, fall = _edges(at_s, middle_s, width_s, steepness)
    mask = rise * fall
    size = mask.sum(axis=1) * step_s + reach_s
    value = (mask * share).sum(axis=1) * step_s / size
    gain = mask * (share - value[:, None]) * step_s / size[:, None]
    before, after = gain * (1 - rise), gain * (1 - fall)
    over_middle = steepness * (after - before).sum(axis=1)
    over_width = steepness / 2 * (after + before).sum(axis=1)
    return value, np.stack([over_middle, over_width])


def _edges(
    at_s: Float64, middle_s: Float64, width_s: Float64, steepness: float
) -> tuple[Float64, Float64]:
    away = at_s[None] - middle_s[:, None]
    half = width_s[:, None] / 2
    return _sigmoid(steepness * (away + half)), _sigmoid(-steepness * (away - half))


def _sigmoid(value: Float64) -> Float64:
    return np.asarray(0.5 * (1 + np.tanh(value / 2)), np.float64)


def begun(at_s: Float64, share: Float64, most: int) -> Float64:
    """Return (2, most) middles and widths of runs above half of their peak, highest peak first.

    NaN stands where there are fewer. What lies within 3 s of a run begins no other.
    """
    left = share.copy()
    found = np.full((2, most), np.nan)
    step_s = at_s[1] - at_s[0]
    for number in range(most):
        best = int(left.argmax())
        if number and left[best] < _ANOTHER:
            break
        low = np.flatnonzero(share < share[best] / 2)
        place = int(np.searchsorted(low, best))
        first = int(low[place - 1]) + 1 if place else 0
        last = int(low[place]) - 1 if place < len(low) else len(share) - 1
        found[:, number] = (at_s[first] + at_s[last]) / 2, at_s[last] - at_s[first] + step_s
        left[(at_s > at_s[first] - _NEAR_S) & (at_s < at_s[last] + _NEAR_S)] = -np.inf
    return found
