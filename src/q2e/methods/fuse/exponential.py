"""Q2E's negative-exponential entropy."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.fuse.base import Temperature, Terms, row_entropy, shared
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="Q2E: Dipta and Ferraro 2025", scale="probability")
def exponential(rows: Normalised, given: Float64, *, temperature: Temperature = 1.0) -> Terms:
    """Probabilities weighted by the negative exponential of their entropy.

    sum_s exp(-H_s) P_s, H in bits, weights summing to 1.
    """
    probability = rows.probability(temperature)
    share = row_entropy(probability)
    bits = share * np.log2(max(2, probability.shape[-1]))
    return Terms(shared(given * np.exp(-bits), rows), probability, share)
