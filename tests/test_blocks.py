"""Passes over all vectors: right, the same by any number of threads, and BLAS as it was after."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from q2e.methods.rows import Folded
from q2e.search import scan
from q2e.search.blocks import BLAS, by_blocks, products

COUNT = 40_001


def columns(count: int, dimension: int = 24) -> np.ndarray:
    """Return vectors (count, dimension) that lie in memory dimension by dimension."""
    drawn = np.random.default_rng(count).normal(size=(dimension, count))
    return drawn.astype(np.float32).T


@pytest.mark.parametrize("queries", [0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("count", [0, 1, 4_096, 4_097, COUNT])
def test_products_are_those_of_numpy(queries: int, count: int) -> None:
    asked, matrix = columns(queries), columns(count)
    found = products(asked, matrix)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, asked @ matrix.T, atol=2e-5)


def test_last_digits_do_not_tell_how_many_threads_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, matrix, seen = columns(5), columns(COUNT), set()
    fixed = products(columns(3), matrix)
    sums = Folded("sums", columns(3), np.eye(5, 3, dtype=np.float32), np.ones(5, np.float32))

    def made() -> list[bytes]:
        by_blocks(COUNT, lambda block: seen.add(threading.get_ident()))
        best = scan._best_of(fixed)
        summed = scan._summed(sums, fixed, fixed[0])
        return [one.tobytes() for one in (products(asked, matrix), summed, *best)]

    with BLAS.one_thread():
        monkeypatch.setattr(BLAS, "threads", 1)
        alone = made()
        assert len(seen) == 1
        monkeypatch.setattr(BLAS, "threads", 3)
        assert made() == alone
    assert len(seen) > 1


def test_the_best_is_the_first_of_equal_ones() -> None:
    scores = np.array([[1, 5, 2, 2], [3, 5, 2, 1], [3, 0, 9, 2]], np.float32)
    best, which = scan._best_of(scores)
    assert best.tolist() == [3, 5, 9, 2] and which.tolist() == [1, 0, 2, 0]
    assert scores[0].tolist() == [1, 5, 2, 2]


def test_what_fails_in_a_thread_fails() -> None:
    def work(block: slice) -> None:
        if block.stop == COUNT:
            raise ValueError("the last")

    with pytest.raises(ValueError, match="the last"):
        by_blocks(COUNT, work)


def test_blas_has_one_thread_inside_and_what_it_had_after() -> None:
    def given() -> set[int]:
        return {one.num_threads for one in BLAS._libraries.lib_controllers}

    before = given()
    with BLAS.one_thread():
        assert given() <= {1} and BLAS.threads == max(before, default=1)
        with pytest.raises(KeyError), BLAS.one_thread():
            raise KeyError
        assert given() <= {1}
    assert given() == before
