"""Q2E's fusion: probabilities weighted by inverse entropy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.fuse.base import Epsilon, Temperature, Terms, inverse_entropy, row_entropy
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="Q2E: Dipta and Ferraro 2025", scale="probability")
def entropy(
    rows: Normalised,
    given: Float64,
    *,
    temperature: Temperature = 1.0,
    epsilon: Epsilon = 0.1,
    shares: Annotated[
        bool,
        Field(
            description="Weights of a batch sum to 1; else they stay as Q2E's code has them, where "
            "a negative entropy reverses a row."
        ),
    ] = True,
) -> Terms:
    """Probabilities weighted by inverse entropy.

    sum_s w_s P_s with w_s = 1 / (H_s + eps), weights summing to 1. H is normalised by log2(V) and
    eps 0.1 for single queries, so one row outweighs a flat one at most elevenfold; on a batch it
    is the reference code's arithmetic (bits, 1e-6), to the letter without `shares`.
    """
    probability = rows.probability(temperature)
    bits = row_entropy(probability, rows.stands_for)
    return Terms(inverse_entropy(rows, given, bits, epsilon, shares), probability, bits)
