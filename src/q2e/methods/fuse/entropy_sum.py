"""Values weighted by inverse entropy."""

from __future__ import annotations

from q2e.arrays import Float64
from q2e.methods.fuse.base import Epsilon, Temperature, Terms, inverse_entropy, row_entropy
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="after Q2E: Dipta and Ferraro 2025", scale="deviations")
def entropy_sum(
    rows: Normalised,
    given: Float64,
    *,
    temperature: Temperature = 1.0,
    epsilon: Epsilon = 0.1,
) -> Terms:
    """Values weighted by inverse entropy, for values that share one scale.

    sum_s w_s value_s with the weights of `entropy`. Adding values rather than probabilities keeps
    a score comparable between questions.
    """
    bits = row_entropy(rows.probability(temperature), rows.stands_for)
    return Terms(inverse_entropy(rows, given, bits, epsilon), rows.value, bits)
