"""Chamfer similarity."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag
from q2e.registry import method


@method("pool", source="Escorcia et al. 2019")
def chamfer(bag: Bag) -> Float64:
    """Chamfer similarity of texts and evidence.

    1/2 [mean_j max_i s_ji + mean_i max_j s_ji], after Finding Moments in Video Collections Using
    Natural Language, whose squared distance of unit vectors is 2 - 2s.
    """
    there = bag.highest(bag.scores).mean(axis=0)
    return np.asarray((there + bag.total(bag.best) / bag.sizes) / 2)
