"""The dual softmax: scores weighed by how much the video prefers this question."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.methods.normalise.base import Heat, log_sum_exp, softmax
from q2e.registry import method

_SOURCE = "CAMoE: Cheng et al. 2021"


@method("normalise", source=_SOURCE, over="batch")
def dual_softmax(scores: ArrayLike, *, temperature: Heat = 100.0) -> Float64:
    """Scores times their softmax over the batch: transductive.

    (Q, V) `s * softmax(t * s)` over the queries. Q2E's reference code calls it `softmax=post`, with
    t = 1, and takes it once of the fused matrix: `after` of an experiment or of `q2e eval matrix`.
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    return np.asarray(table * softmax(temperature * table, axis=0))


@method("correction", "dual_softmax", source=_SOURCE)
def among_bank(scores: ArrayLike, bank: ArrayLike, *, temperature: Heat = 100.0) -> Float64:
    """Scores times their softmax among the bank, each query by itself.

    (Q, V) `s * exp(t * s) / (exp(t * s) + sum_b exp(t * bank))`; `bank` is (B, V).
    """
    table = np.array(scores, dtype=np.float64, ndmin=2)
    others = log_sum_exp(bank, temperature)
    with np.errstate(invalid="ignore"):  # missing scores stay missing
        share = np.exp(temperature * table - np.logaddexp(temperature * table, others))
    return np.asarray(table * share)
