"""The sum of the rows with given weights."""

from __future__ import annotations

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", scale="deviations")
def weighted_sum(rows: Normalised, given: Float64) -> Terms:
    """Sum of the values with the weights as they are given."""
    return Terms(live(given, rows), rows.value)
