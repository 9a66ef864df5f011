"""Passes over all vectors of a space: by as many threads as BLAS was given; all else by one.

Threads of OpenBLAS wait for one another by spinning. For the short products of a question that
costs twice the processor time, and on a busy machine the question waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, cached_property
from threading import Lock

import numpy as np
from threadpoolctl import ThreadpoolController

from q2e.arrays import Float32

#: Vectors that are looked at together: several questions find them in the processor's cache.
_TOGETHER = 4096
#: Vectors from which threads are worth their start.
_LEAST = 8 * _TOGETHER
#: Questions from which one product is quicker than one for each.
_MANY = 4


class _Blas:
    """Gives BLAS one thread while anybody asks for it."""

    def __init__(self) -> None:
        self.threads = 1
        """What it had when it was asked."""
        self._inside = 0
        self._lock = Lock()

    @cached_property
    def _libraries(self) -> ThreadpoolController:
        return ThreadpoolController().select(user_api="blas")

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                given = [one.num_threads for one in self._libraries.lib_controllers]
                self.threads = max(given, default=1)
                self._limit = self._libraries.limit(limits=1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._limit.restore_original_limits()


BLAS = _Blas()


@cache
def _others() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, BLAS.threads - 1), "blocks")


def by_blocks(count: int, work: Callable[[slice], None]) -> None:
    """Call `work` with slices that make up `count` vectors, by threads where there are many.

    Slices do not depend on how many threads there are, and so neither do last digits.
    """
    blocks = [slice(at, min(at + _TOGETHER, count)) for at in range(0, count, _TOGETHER)]
    if count < _LEAST or BLAS.threads == 1:
        for block in blocks:
            work(block)
        return

    def some(own: list[slice]) -> None:
        for block in own:
            work(block)

    share = -(-len(blocks) // BLAS.threads)
    shares = [blocks[at : at + share] for at in range(0, len(blocks), share)]
    waiting = [_others().submit(some, own) for own in shares[1:]]
    some(shares[0])
    for one in waiting:
        one.result()


def products(queries: Float32, matrix: Float32) -> Float32:
    """Return the products (q, n) of queries (q, d) with a matrix (n, d) that lies column by column.

    OpenBLAS takes longer for two or three together than for each alone.
    """
    found = np.empty((len(queries), len(matrix)), np.float32)
    alone = len(queries) < _MANY

    def work(block: slice) -> None:
        some = matrix[block].T
        if alone:
            for query, line in zip(queries, found, strict=True):
                np.matmul(query, some, out=line[block])
        else:
            np.matmul(queries, some, out=found[:, block])

    by_blocks(len(matrix), work)
    return found
