"""Steps matched to evidence in time order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64, Int64
from q2e.methods.pool.base import Bag
from q2e.registry import method


@method(
    "pool",
    source="Yang et al. 2021, Induce, Edit, Retrieve",
    scanned=True,
    steps=True,
    timed=True,
)
def schema(bag: Bag) -> Float64:
    """Events in their order: before, during, after.

    The mean over the texts, taken as steps in their order, of their `ordered` matches.
    In a search the steps are the kinds of sub-event, matched across parts of the question.
    """
    return np.asarray(ordered(bag, bag.scores)[0].mean(axis=0))


def ordered(bag: Bag, steps: ArrayLike) -> tuple[Float64, Int64]:
    """Match steps to evidence in time order: scores (s, g) and positions (s, g) of the matches.

    `steps` (s, n) is the score of each step with each piece. Of all ways in which a later step
    has no earlier piece, the one with the largest sum: ordered matching of a schema, after
    Yang et al. 2021, Induce, Edit, Retrieve. Never above each step's own maximum, and equal to
    it where these are in order already.
    """
    table = np.atleast_2d(np.asarray(steps, dtype=np.float64))
    until: list[Int64] = []
    reached = np.zeros(table.shape[1])
    for row in table:
        sum_here = row + reached
        last = _running_best(sum_here, bag)
        until.append(last)
        reached = sum_here[last]
    ends = bag.starts + bag.sizes - 1
    place = np.empty((len(table), len(bag.starts)), dtype=np.int64)
    for number in range(len(table) - 1, -1, -1):
        ends = until[number][ends]
        place[number] = ends
    return np.take_along_axis(table, place, axis=1), place


def _running_best(values: Float64, bag: Bag) -> Int64:
    """Return (n,) the position of the best value of the same video up to each place."""
    spread = float(np.ptp(values)) + 1.0
    highest = np.maximum.accumulate(values + spread * bag.group)
    fresh = np.diff(highest, prepend=-np.inf) > 0
    return np.maximum.accumulate(np.where(fresh, np.arange(len(values)), 0)).astype(np.int64)
