"""CombSUM."""

from __future__ import annotations

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.methods.normalise.minmax import minmax
from q2e.registry import method


@method("fuse", source="CombSUM: Fox and Shaw 1994", scale="minmax")
def combsum(rows: Normalised, given: Float64) -> Terms:
    """Sum of values scaled to [0, 1] per row."""
    return Terms(live(given, rows), minmax(rows.value))
