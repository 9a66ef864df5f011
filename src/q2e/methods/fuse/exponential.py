"""Q2E's exponential entropy, in both signs: the paper's and that of its released code."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.fuse.base import Temperature, Terms, row_entropy, shared
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="Q2E: Dipta and Ferraro 2025", scale="probability")
def exponential(
    rows: Normalised,
    given: Float64,
    *,
    temperature: Temperature = 1.0,
    sign: Annotated[
        Literal["-", "+"],
        Field(description="Of the entropy: - as the paper names it, + as its code computes it."),
    ] = "-",
) -> Terms:
    """Probabilities weighted by the exponential of their entropy, negative unless said otherwise.

    sum_s exp(-H_s) P_s, H in bits, weights summing to 1. Q2E's released code multiplies by
    exp(+H_s), which gives the flattest row most; the paper calls its row negative exponential.
    """
    probability = rows.probability(temperature)
    share = row_entropy(probability, rows.stands_for)
    bits = share * np.log2(max(2, rows.videos))
    power = bits if sign == "+" else -bits
    # Only their differences count once weights sum to 1; exp of hundreds of bits would overflow.
    raised = np.exp(power - power.max(initial=-np.inf, where=~rows.dead))
    return Terms(shared(given * np.where(rows.dead, 0.0, raised), rows), probability, share)
