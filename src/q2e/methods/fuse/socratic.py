"""The product of scores, as Socratic Models multiply them."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="Socratic Models: Zeng et al. 2022", scale="logarithms")
def socratic(rows: Normalised, given: Float64) -> Terms:
    """Product of the channels, as a sum of logarithms.

    sum_s w_s log(2 sigmoid(value_s)): the order of a product of positive scores, as the paper
    multiplies the score of pictures by that of the transcript. A value of 0, which says nothing,
    is the factor 1, so that what is missing leaves the rest.
    """
    return Terms(live(given, rows), np.log(2.0) - np.logaddexp(0.0, -rows.value))
