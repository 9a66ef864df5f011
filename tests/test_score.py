"""Scores of videos from scores of evidence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.retrieve.score import (
    many_to_many,
    video_scores,
    video_scores_top,
)

SCORES = st.lists(
    st.tuples(st.integers(0, 9), st.one_of(st.integers(-3, 3), st.just(None))), max_size=30
)


@given(SCORES, st.integers(1, 4))
def test_the_best_of_each_video_is_found_and_missing_stays_missing(
    pairs: list[tuple[int, int | None]], m: int
) -> None:
    video_of_row = np.array([video for video, _ in pairs], dtype=np.int32)
    scores = np.array([np.nan if score is None else score for _, score in pairs], dtype=float)
    best, row = video_scores(np.arange(len(pairs)), scores, video_of_row, 10)
    top = video_scores_top(np.arange(len(pairs)), scores, video_of_row, 10, m)
    for video in range(10):
        own = sorted((s for v, s in pairs if v == video and s is not None), reverse=True)
        if not own:
            assert np.isnan(best[video]) and row[video] == -1 and np.isnan(top[video])
            continue
        assert best[video] == own[0] == scores[row[video]]
        assert row[video] == next(i for i, p in enumerate(pairs) if p == (video, own[0]))
        assert top[video] == pytest.approx(np.mean(own[:m]))


@given(st.integers(0, 4), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_many_to_many_is_the_brute_force_maximum(n: int, q: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(q, n))
    scores[random.random((q, n)) < 0.4] = np.nan
    best, which = many_to_many(scores)
    for item in range(n):
        known = [i for i in range(q) if not np.isnan(scores[i, item])]
        if not known:
            assert np.isnan(best[item]) and which[item] == -1
        else:
            assert best[item] == max(scores[i, item] for i in known)
            assert scores[which[item], item] == best[item]


def test_the_reference_floor_clips_negatives_and_keeps_missing() -> None:
    best, _ = many_to_many([[-0.5, 0.2, np.nan]], floor=0.0)
    np.testing.assert_array_equal(best, [0.0, 0.2, np.nan])


def test_no_question_scores_nothing() -> None:
    best, which = many_to_many(np.zeros((0, 3)))
    assert np.isnan(best).all() and (which == -1).all()


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="rows and scores"):
        video_scores([0, 1], [1.0], [0, 0], 1)
    with pytest.raises(ValueError, match="at least 1"):
        video_scores_top([0], [1.0], [0], 1, m=0)
