"""Candidates: with all of them nothing changes, with some the best stay the best."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from q2e.search.candidates import restricted, union

import q2e
from q2e.methods.rows import ScoreRow
from q2e.store.base import Table

QUESTIONS = ("a giant panda", "earthquake damages buildings", "oso polar", "颐和园的花展", "снег")


def _row(video: np.ndarray) -> ScoreRow:
    rows = np.flatnonzero(~np.isnan(video))
    return ScoreRow(
        "query", "speech", "words", video, rows, video[rows].astype(np.float32), ("q",),
        np.zeros(len(rows), np.int64),
    )  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_union_of_each_rows_best(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(3, 10))
    scores[random.random((3, 10)) < 0.3] = np.nan
    kept = union([_row(row) for row in scores], k)
    for row in scores:
        known = np.flatnonzero(~np.isnan(row))
        assert kept[known[np.argsort(-row[known])[:k]]].all()
    assert kept.sum() <= 3 * k
    if k >= 10:
        assert (kept == ~np.isnan(scores).all(axis=0)).all()


def test_ties_at_the_border_are_all_kept() -> None:
    assert union([_row(np.array([2.0, 1.0, 1.0, 0.0]))], 2).tolist() == [True, True, True, False]


def test_what_is_not_retrieved_is_missing() -> None:
    table = Table(
        1, np.arange(3), np.arange(3, dtype=np.int32), np.zeros(3, np.int16),
        np.zeros(3, np.float32), np.zeros(3, np.float32), np.ones(3, np.int32), ("a", "b", "c"),
        ("frame",),
    )  # fmt: skip
    row = restricted([_row(np.array([2.0, 1.0, np.nan]))], np.array([False, True, True]), table)[0]
    assert np.allclose(row.video, [np.nan, 1.0, np.nan], equal_nan=True)
    assert row.rows.tolist() == [1]


@pytest.mark.parametrize("text", QUESTIONS)
def test_all_candidates_give_the_full_ranking(sample_index: q2e.Index, text: str) -> None:
    full = sample_index.search(text, top=30, confidence=0.0)
    same = sample_index.search(text, top=30, confidence=0.0, candidates=len(sample_index))
    assert [(h.video.id, h.score) for h in same] == [(h.video.id, h.score) for h in full]
    few = sample_index.search(text, top=30, confidence=0.0, candidates=2)
    assert few[0].video.id == full[0].video.id
    assert len(few) <= len(full)
    for hit in few:
        assert sum(reason.contribution for reason in hit.why) == pytest.approx(hit.score, abs=1e-6)
