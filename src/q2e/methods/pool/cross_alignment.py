"""Weighted visual-text cross alignment."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag, unit
from q2e.registry import method

Tau = Annotated[float, Field(ge=0.01, le=1e9, description="Softness of both weights.")]


@method("pool", source="WCA: Li et al. 2024, Visual-Text Cross Alignment")
def cross_alignment(bag: Bag, *, tau: Tau = 1.0) -> Float64:
    """All pairs, weighted by how typical the frame and the text are.

    sum_ij w_i v_j s_ji with w = softmax_i cos(mean f, f_i), v = softmax_j cos(y, y_j).
    There f_i are crops of one picture and y_j its described class; here the pieces of a video, and
    the part's texts beside its first one, y.
    """
    vectors = bag.vectors
    middle = unit(np.add.reduceat(vectors, bag.starts, axis=0))
    weight = bag.shares(np.einsum("nd,nd->n", vectors, middle[bag.group]).astype(np.float64) / tau)
    texts = unit(bag.queries)
    near = np.exp((texts @ texts[0]).astype(np.float64) / tau)
    return bag.total(weight * ((near / near.sum()) @ bag.scores))
