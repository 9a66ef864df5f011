"""The mean of the rows."""

from __future__ import annotations

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, shared
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", scale="deviations")
def mean(rows: Normalised, given: Float64) -> Terms:
    """Mean of the values of the live rows, weighted where weights are given."""
    return Terms(shared(given, rows), rows.value)
