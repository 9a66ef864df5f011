"""Mean pooling."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag, weighted
from q2e.registry import method


@method("pool", source="CLIP4Clip: Luo et al. 2022; Q2E: Dipta and Ferraro 2025")
def mean(bag: Bag) -> Float64:
    """The mean of a video's vectors.

    cos(t, sum_i f_i): CLIP4Clip's parameter-free head; Q2E's video score.
    """
    return weighted(bag, np.ones(bag.scores.shape[1])[None])
