"""The localiser `mask`: its formula and gradient, and moments that it finds."""

from __future__ import annotations

import numpy as np
import pytest

from q2e.methods.localise.base import Localiser, Scored
from q2e.methods.localise.mask import begun, climb, masks_of
from q2e.plugins import registry


def test_value_and_slope_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    at_s = (np.arange(400) + 0.5) * 0.25
    share = rng.uniform(size=400)
    middle_s, width_s = np.array([20.0, 50.0, 77.7]), np.array([4.0, 12.0, 1.5])

    def plain(c: float, w: float) -> float:
        mask = 1 / (1 + np.exp(-2 * (at_s - c + w / 2))) / (1 + np.exp(2 * (at_s - c - w / 2)))
        return float((mask * share).sum() * 0.25 / (mask.sum() * 0.25 + 3.0))

    value, slope = climb(at_s, share, middle_s, width_s, 2.0, 3.0, 0.25)
    for k, (c, w) in enumerate(zip(middle_s, width_s, strict=True)):
        assert value[k] == pytest.approx(plain(c, w), abs=1e-12)
        small = 1e-5
        over = [
            (plain(c + small, w) - plain(c - small, w)) / (2 * small),
            (plain(c, w + small) - plain(c, w - small)) / (2 * small),
        ]
        np.testing.assert_allclose(slope[:, k], over, atol=1e-7)
    mask = masks_of(at_s, middle_s, width_s, 2.0)
    assert mask.max() < 1 and mask[1, 200] > 0.99 and mask[0, 200] < 1e-9


def test_masks_begin_as_runs_above_half_a_peak() -> None:
    at_s = np.arange(100) + 0.5
    share = np.zeros(100)
    share[20:31], share[70], share[90] = 0.8, 1.0, 0.2
    middles, widths = begun(at_s, share, 4)
    np.testing.assert_array_equal(middles[:2], [70.5, 25.5])
    np.testing.assert_array_equal(widths[:2], [1.0, 11.0])
    assert np.isnan(middles[2:]).all() and begun(at_s, np.zeros(100), 4)[0, 0] == 50.0


@pytest.mark.parametrize("planted", [[(30, 50)], [(10, 22), (60, 100)], [(5, 9), (100, 112)]])
def test_planted_moments_are_found(planted: list[tuple[int, int]]) -> None:
    rng = np.random.default_rng(1)
    frame_s = np.arange(120) + 0.5
    score = 0.15 * rng.normal(size=120)
    for low, high in planted:
        score[low:high] += 1.0
    way: Localiser = registry().one("localise", "mask").bound
    given = Scored.of(
        frame_s, frame_s, score, np.zeros(120), frame_s=frame_s,
        instant=np.ones(120, bool), duration_s=120.0,
    )  # fmt: skip
    found = way.moments(given, len(planted))
    spans = sorted((one.start_s, one.end_s) for one in found)
    for (low, high), (start_s, end_s) in zip(planted, spans, strict=True):
        shared = min(high, end_s) - max(low, start_s)
        assert shared / (max(high, end_s) - min(low, start_s)) > 0.6, spans


def test_the_longer_the_reach_the_longer_the_moment() -> None:
    frame_s = np.arange(60) + 0.5
    score = np.exp(-((frame_s - 30) ** 2) / 100)
    given = Scored.of(frame_s, frame_s, score, np.zeros(60), frame_s=frame_s,
                      instant=np.ones(60, bool), duration_s=60.0)  # fmt: skip
    lengths = []
    for reach_s in (0.5, 4, 30):
        way: Localiser = registry().one("localise", f"mask(reach_s={reach_s})").bound
        (one,) = way.moments(given, 1)
        lengths.append(one.end_s - one.start_s)
    assert lengths == sorted(lengths) and lengths[2] > 2 * lengths[0]
