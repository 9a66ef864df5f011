"""Orders of events: the quick way finds what trying everything finds."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from q2e.arrays import Float64, Int64
from q2e.search.order import alongside, in_order, together


def _evidence(
    seed: int, videos: int, pieces: int, steps: int
) -> tuple[Float64, Float64, Int64, Float64]:
    random = np.random.default_rng(seed)
    start = random.integers(0, 30, pieces) / 2.0
    end = start + random.integers(1, 8, pieces) / 2.0
    video = random.integers(0, videos, pieces)
    values = random.integers(1, 9, (steps, pieces)).astype(np.float64)
    values[random.random(values.shape) < 0.4] = -np.inf
    return start, end, video, values


def _best_chain(
    start: Float64, end: Float64, values: Float64, within: tuple[float | None, ...], own: Int64
) -> float:
    best = -np.inf
    for chain in itertools.product(own.tolist(), repeat=len(values)):
        gaps = [start[b] - end[a] for a, b in itertools.pairwise(chain)]
        fits = all(
            gap >= 0 and (limit is None or gap <= limit)
            for gap, limit in zip(gaps, within, strict=True)
        )
        if fits:
            best = max(best, sum(values[step, piece] for step, piece in enumerate(chain)))
    return float(best)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("within", [(None,), (2.0,), (0.0,), (None, None), (3.0, 1.0), (None, 4.0)])
def test_chains_are_the_best_there_are(seed: int, within: tuple[float | None, ...]) -> None:
    videos = 3
    start, end, video, values = _evidence(seed, videos, 18, len(within) + 1)
    found = in_order(start, end, video, values, videos, within)
    for number in range(videos):
        own = np.flatnonzero(video == number)
        assert found.score[number] == _best_chain(start, end, values, within, own)
        members = found.members[:, number]
        if np.isneginf(found.score[number]):
            assert (members == -1).all()
            continue
        assert (video[members] == number).all()
        assert sum(values[step, piece] for step, piece in enumerate(members)) == pytest.approx(
            found.score[number]
        )
        for (one, two), limit in zip(itertools.pairwise(members), within, strict=True):
            assert start[two] >= end[one]
            assert limit is None or start[two] - end[one] <= limit


@pytest.mark.parametrize("seed", range(60))
def test_pairs_that_overlap_are_the_best_there_are(seed: int) -> None:
    videos = 3
    start, end, video, values = _evidence(seed, videos, 24, 2)
    found = together(start, end, video, values, videos)
    for number in range(videos):
        own = np.flatnonzero(video == number).tolist()
        best = max(
            (
                values[0, one] + values[1, two]
                for one in own
                for two in own
                if start[one] < end[two] and start[two] < end[one]
            ),
            default=-np.inf,
        )
        assert found.score[number] == best
        if np.isfinite(best):
            one, two = found.members[:, number]
            assert start[one] < end[two] and start[two] < end[one]
            assert values[0, one] + values[1, two] == best


def test_nothing_has_no_order() -> None:
    found = in_order([], [], [], np.zeros((2, 0)), 2)
    assert np.isneginf(found.score).all() and (found.members == -1).all()
    assert np.isneginf(together([], [], [], np.zeros((2, 0)), 2).score).all()


def test_videos_do_not_reach_into_each_other() -> None:
    found = in_order([0, 5], [1, 6], [0, 1], [[1.0, -np.inf], [-np.inf, 1.0]], 2, (100.0,))
    assert np.isneginf(found.score).all()


def test_a_hundred_thousand_pieces_are_quick() -> None:
    start, end, video, values = _evidence(0, 2_000, 100_000, 3)
    began = time.perf_counter()
    in_order(start, end, video, values, 2_000, (5.0, None))
    together(start, end, video, values[:2], 2_000)
    # A few tenths of a second on a quiet machine.
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("seed", range(40))
def test_what_lies_alongside_is_the_best_that_overlaps(seed: int) -> None:
    start, end, video, values = _evidence(seed, 5, 60, 2)
    asked = np.isfinite(values[0])
    found = alongside(start, end, video, asked, values[1])
    for piece in np.flatnonzero(asked).tolist():
        over = (video == video[piece]) & (start < end[piece]) & (end > start[piece])
        assert found[piece] == values[1][over].max(initial=-np.inf)
    assert np.isneginf(found[~asked & ~np.isfinite(values[1])]).all()
