"""A soft maximum."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag, Softness
from q2e.registry import method


@method("pool", source="Ramon and De Raedt 2000")
def soft(bag: Bag, *, tau: Softness = 0.02) -> Float64:
    """A maximum that all evidence has a say in.

    tau log mean_i exp(s_i / tau): log-mean-exp, as in multiple-instance learning. `tau` near 0
    tends to `max`, a large one to the mean score.
    """
    raised = bag.best / tau
    peak = bag.highest(raised)
    total = bag.total(np.exp(raised - peak[bag.group]))
    return np.asarray(tau * (peak + np.log(total / bag.sizes)))
