"""MeanMaxSim."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag, unit
from q2e.registry import method


@method("pool", source="Video-ColBERT: Reddy et al. 2025", timed=True)
def mean_max_sim(bag: Bag) -> Float64:
    """The mean over the texts of their best frame, alone and among its neighbours.

    1/2 [mean_j max_i q_j.f_i + mean_j max_i q_j.u_i]: MeanMaxSim. Texts stand for query tokens;
    u_i, there the output of a trained temporal transformer, is here the mean of three neighbouring
    pieces of a video, of unit length. The paper adds its two halves; halving keeps the scale.
    """
    vectors = bag.vectors
    around = vectors.copy()
    within = np.diff(bag.group) == 0
    around[1:][within] += vectors[:-1][within]
    around[:-1][within] += vectors[1:][within]
    smooth = bag.queries @ unit(around).T
    pair = bag.highest(bag.scores).mean(axis=0) + bag.highest(smooth).mean(axis=0)
    return np.asarray(pair / 2)
