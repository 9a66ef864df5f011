"""The inverted softmax of QB-Norm."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.methods.normalise.base import Heat, log_sum_exp, mean_for_unknown
from q2e.registry import method


@method("correction", source="QB-Norm: Bogolin et al. 2022")
def inverted_softmax(scores: ArrayLike, bank: ArrayLike, *, temperature: Heat = 20.0) -> Float64:
    """Logarithm of the inverted softmax, each query among the bank.

    (Q, V) `t * s - ln sum_b exp(t * bank)`. QB-Norm ranks by exp of this; the logarithm orders
    alike and cannot overflow. `bank` is (B, V).
    """
    table = temperature * np.asarray(scores, dtype=np.float64)
    return np.asarray(table - mean_for_unknown(log_sum_exp(bank, temperature)))
