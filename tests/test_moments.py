"""Moments from scored evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from q2e.methods.localise.base import Scored, Stretch
from q2e.methods.localise.runs import Runs

NAN = np.nan


def find_moments(*arrays: ArrayLike, top: int = 3, **more: Any) -> list[Stretch]:
    own = {name: more.pop(name) for name in ("frame_s", "duration_s", "floor") if name in more}
    return Runs(**more).moments(Scored.of(*arrays, **own), top)


def test_neighbours_inside_a_shot_are_one_and_shots_stay_apart() -> None:
    found = find_moments([0, 4, 8, 12], [3, 6, 10, 14], [0.9, 0.9, 0.9, 0.9], [0, 0, 1, 1])
    assert [(m.start_s, m.end_s) for m in found] == [(0, 6), (8, 14)]


def test_far_evidence_of_one_shot_stays_apart() -> None:
    found = find_moments([0, 20], [3, 23], [0.9, 0.8], [0, 0])
    assert [(m.start_s, m.end_s) for m in found] == [(0, 3), (20, 23)]


def test_weak_evidence_is_no_moment() -> None:
    found = find_moments([0, 20, 40], [3, 23, 43], [0.9, 0.3, 0.2], [0, 1, 2])
    assert [m.start_s for m in found] == [0]
    cosines = find_moments([0, 20, 40], [3, 23, 43], [0.9, 0.85, 0.8], [0, 1, 2], floor=0.75)
    assert [m.start_s for m in cosines] == [0, 20]
    assert len(find_moments([0, 20], [3, 23], [-2.0, -1.0], [0, 1])) == 1


def test_speech_across_a_cut_joins_what_it_covers() -> None:
    found = find_moments([0, 5, 9], [6, 8, 12], [0.7, 0.9, 0.8], [0, 1, 1], frame_s=[NAN, 6.5, 10])
    assert [(m.start_s, m.end_s, m.frame_s, m.members) for m in found] == [(0, 12, 6.5, (1, 2, 0))]


def test_strong_evidence_everywhere_does_not_become_the_whole_video() -> None:
    start = np.arange(0, 200, 8.0)
    found = find_moments(start, start + 10, np.linspace(1, 0.9, 25), np.arange(25))
    assert all(one.end_s - one.start_s <= 60 for one in found)


def test_the_frame_is_that_of_the_best_evidence() -> None:
    [one] = find_moments([0, 1, 2], [3, 3, 4], [0.8, 0.9, 0.85], [0, 0, 0], frame_s=[0.5, NAN, 3.5])
    assert one.frame_s == 3.5 and one.members[0] == 1
    [bare] = find_moments([2], [6], [1.0], [0])
    assert bare.frame_s == 4.0


def test_a_single_frame_grows_to_a_stretch_inside_the_video() -> None:
    [one] = find_moments([9.9], [9.9], [1.0], [0], frame_s=[9.9], duration_s=10.0)
    assert (one.start_s, one.end_s, one.frame_s) == (9.0, 10.0, 9.9)
    [brief] = find_moments([0.0], [0.4], [1.0], [0], duration_s=0.4)
    assert (brief.start_s, brief.end_s) == (0.0, 0.4)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        find_moments([0], [1, 2], [1], [0])
    with pytest.raises(ValueError, match="before"):
        find_moments([2], [1], [1], [0])
