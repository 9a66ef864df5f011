"""Scanning: short cuts give what the plain way would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import q2e
from q2e.retrieve.scan import Scanner, _best_of


@given(st.integers(1, 6), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_the_best_text_is_the_first_of_equal_ones(texts: int, n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(-2, 3, (texts, n)).astype(np.float32)
    best, which = _best_of(scores)
    assert (best == scores.max(axis=0)).all()
    assert (which == scores.argmax(axis=0)).all()


def test_mean_vectors_are_those_of_each_videos_evidence(sample_index: q2e.Index) -> None:
    store = sample_index.store
    table, scanner = store.table(), Scanner(store)
    for space in store.spaces():
        rows, matrix = store.vectors(space)
        means = scanner.mean_vectors(space)
        for video in range(len(table.video_ids)):
            total = matrix[table.video[rows] == video].sum(axis=0)
            length = float(np.linalg.norm(total)) or 1.0
            assert means[video] == pytest.approx(total / length, abs=1e-5)
        assert scanner.centred_means(space) is scanner.centred_means(space)
