"""Moments from scored evidence."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from q2e.methods.localise.base import Scored, Stretch
from q2e.methods.localise.contrast import Contrast, curve_of, own_times
from q2e.methods.localise.runs import Runs
from q2e.plugins import registry
from q2e.search.localise import shown_cuts
from q2e.settings import Settings
from q2e.types import Segment

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


# -- contrast: by the score's own curve ----------------------------------------------------------
def timeline(*levels: tuple[float, float], every_s: float = 2.0, **more: Any) -> Scored:
    """Pictures of one unbroken shot, (score, seconds) after each other."""
    ends_s = np.cumsum([length for _, length in levels])
    at = np.arange(every_s / 2, ends_s[-1], every_s)
    score = np.array([level for level, _ in levels])[np.searchsorted(ends_s, at)]
    shot = (np.zeros(len(at)), np.full(len(at), ends_s[-1]), score, np.zeros(len(at)))
    return Scored.of(
        *shot, frame_s=at, instant=np.ones(len(at), bool), duration_s=float(ends_s[-1]), **more
    )


def pieces(*spoken: tuple[float, float, float], of: int = 1) -> Scored:
    """Evidence that stands for its own time, (start, end, score), of one channel."""
    start, end, score = np.array(spoken).T
    return Scored.of(start, end, score, np.zeros(len(start)), channel=np.full(len(start), of))


def both(one: Scored, other: Scored) -> Scored:
    names = ("start_s", "end_s", "score", "segment", "frame_s", "channel", "instant")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names
    }
    return replace(one, **joined)


@pytest.mark.parametrize(
    "given, bounds",
    [
        (timeline((0.2, 20), (1.0, 12), (0.1, 28)), [(20, 32)]),
        (timeline((1.0, 8), (0.0, 40)), [(0, 8)]),
        # All of it answers: the whole is the moment, and of a long one what a person can watch.
        (timeline((1.0, 30)), [(0, 30)]),
        (timeline((0.9, 200), (1.0, 2), (0.9, 198)), [(171, 231)]),
        # Twice the same, apart; weak pictures are none.
        (timeline((0.0, 10), (1.0, 10), (0.1, 20), (0.9, 10), (0.3, 10)), [(10, 20), (40, 50)]),
        # A sentence has its own time, and adds to what is seen meanwhile.
        (pieces((4, 9, 1.0), (9, 15, 0.2)), [(4, 9)]),
        (both(timeline((0.3, 40)), pieces((12, 18, 1.0))), [(12, 18)]),
        # One flicker is no better than twelve seconds that answer nearly as well.
        (timeline((0.0, 20), (0.9, 12), (0.0, 18), (0.92, 2), (0.0, 20)), [(20, 32)]),
        # Where none stands above what generic questions find, the best is shown.
        (timeline((-2.0, 10), (-1.0, 10), (-2.0, 10)), [(10, 20)]),
    ],
)
def test_a_moment_is_where_the_curve_stands_out(given: Scored, bounds: list[Any]) -> None:
    found = Contrast().moments(given, 3)
    told = [(one.start_s, one.end_s) for one in found][: len(bounds)]
    np.testing.assert_allclose(told, bounds, atol=2.0)
    assert all(one.start_s <= one.frame_s < one.end_s for one in found)


def test_a_cut_bounds_a_moment_to_the_picture() -> None:
    given = timeline((0.1, 6), (1.0, 3), (0.1, 6), every_s=1.0, cuts_s=(0.0, 6.2, 8.7))
    [one, *_] = Contrast().moments(given, 1)
    assert (one.start_s, one.end_s) == (6.2, 8.7)


def test_a_moment_ends_at_a_cut_that_no_sentence_goes_on_across() -> None:
    seen = timeline((1.0, 6), (0.8, 6), every_s=1.0, cuts_s=(6.0,))
    [one, other] = Contrast().moments(seen, 2)
    assert (one.start_s, one.end_s, other.start_s, other.end_s) == (0.0, 6.0, 6.0, 12.0)
    [across] = Contrast().moments(both(seen, pieces((3, 9, 2.0))), 1)
    assert (across.start_s, across.end_s) == (3.0, 9.0)


@pytest.mark.parametrize(
    "bounds, cuts",
    [
        ([0, 30, 55, 80], []),  # a shot of 80 s: 30 s of it, and the rest in two
        ([0, 30, 60, 81, 102, 110], [102]),
        ([0, 4, 9, 12], [4, 9]),
        ([0, 25, 29, 54], [25, 29]),
        ([590, 600, 610, 630], [610]),  # parts end every ten minutes
    ],
)
def test_only_cuts_that_are_seen_divide(bounds: list[float], cuts: list[float]) -> None:
    assert shown_cuts([Segment(a, b) for a, b in pairwise(bounds)], Settings()) == cuts


def test_smoothing_joins_what_flickers() -> None:
    flicker = timeline(*[(1.0, 2), (0.3, 2)] * 5, (0.0, 30))
    joined, torn = (Contrast(smooth_s=s).moments(flicker, 1)[0] for s in (6.0, 0.0))
    assert joined.end_s - joined.start_s >= 16 and torn.end_s - torn.start_s <= 2


@pytest.mark.parametrize("way", ["contrast", "mask"])
def test_a_picture_that_answers_between_two_that_do_not_is_found(way: str) -> None:
    given = timeline((-2.0, 2), (0.5, 1), (-2.0, 30), every_s=1.0)
    [one] = registry().one("localise", way).bound.moments(given, 1)
    assert one.start_s <= 2.5 <= one.end_s and one.end_s - one.start_s < 10
    assert given.score[one.members[0]] == given.score.max()


def test_the_worth_of_a_stretch_is_inside_less_margins_times_a_root_of_its_length() -> None:
    given = timeline((0.25, 8), (1.0, 4), (0.5, 8), every_s=1.0)
    curve = curve_of(given, *own_times(given), 0.0)
    worth = Contrast()._worth(curve, [(8.0, 12.0), (0.0, 20.0)])
    inside = (2 + 4 + 4) / 20
    np.testing.assert_allclose(worth, [0.625 * 4**0.25, inside * 20**0.25], atol=1e-9)
