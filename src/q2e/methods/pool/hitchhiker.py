"""Query scoring."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag, Softness, weighted
from q2e.registry import method


@method("pool", source="CLIP-Hitchhiker: Bain et al. 2022")
def hitchhiker(bag: Bag, *, tau: Softness = 0.1) -> Float64:
    """Vectors weighted by how near they are to the question.

    cos(t, sum_i w_i f_i), w = softmax_i(s_i / tau): query scoring of A CLIP-Hitchhiker's Guide to
    Long Video Retrieval. `tau` near 0 tends to `max`, a large one to `mean`; meant for videos with
    many frames.
    """
    return weighted(bag, bag.shares(bag.scores.astype(np.float64) / tau))
