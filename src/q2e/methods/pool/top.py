"""The mean of the best pieces of evidence."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag
from q2e.registry import method


@method("pool")
def top(
    bag: Bag,
    *,
    m: Annotated[int, Field(ge=1, le=100_000, description="Pieces that are averaged.")] = 3,
) -> Float64:
    """Mean of the best few frames or texts.

    Of the `m` best s_i, of all where there are fewer; m = 1 is `max`.
    """
    score = bag.best
    order = np.lexsort((-score, bag.group))
    place = np.arange(len(order)) - np.repeat(bag.starts, bag.sizes)
    return bag.total(np.where(place < m, score[order], 0.0)) / np.minimum(bag.sizes, m)
