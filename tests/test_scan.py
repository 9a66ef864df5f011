"""Scanning: short cuts give what the plain way would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from q2e.retrieve.scan import _best_of, _lay_out
from q2e.store.base import Table


@given(st.integers(1, 6), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_the_best_text_is_the_first_of_equal_ones(texts: int, n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(-2, 3, (texts, n)).astype(np.float32)
    best, which = _best_of(scores)
    assert (best == scores.max(axis=0)).all()
    assert (which == scores.argmax(axis=0)).all()


@given(st.integers(1, 60), st.booleans(), st.integers(0, 2**32 - 1))
def test_evidence_lies_by_video_and_time(n: int, in_order: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    video, start_s = random.integers(0, 5, n), random.integers(0, 4, n).astype(np.float32)
    if in_order:
        sort = np.lexsort((start_s, video))
        video, start_s = video[sort], start_s[sort]
    none = np.zeros(n, np.int32)
    numbers = np.arange(n)
    channel = none.astype(np.int16)
    table = Table(1, numbers, video.astype(np.int32), channel, start_s, start_s, none, ("v",) * 5)
    laid = _lay_out(table, numbers, numbers[::2])
    expected = sorted(numbers[::2].tolist(), key=lambda row: (video[row], start_s[row], row))
    assert laid.take.tolist() == laid.rows.tolist() == expected
    assert laid.videos.tolist() == sorted(set(video[::2].tolist()))
