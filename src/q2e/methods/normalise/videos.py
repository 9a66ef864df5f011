"""Each row standardised over the videos."""

from __future__ import annotations

from q2e.arrays import Float64
from q2e.methods.normalise.base import standardised
from q2e.registry import method


@method("normalise", over="videos")
def videos(rows: Float64) -> Float64:
    """Standard deviations above the mean of the videos, one query at a time.

    (s - mean) / deviation over the last axis; a row whose best would stand more than five
    deviations above the mean is drawn together, see `base.PEAK`.
    """
    return standardised(rows)
