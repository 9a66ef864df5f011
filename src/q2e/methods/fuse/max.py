"""The best row."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", scale="deviations")
def maximum(rows: Normalised, given: Float64) -> Terms:
    """Largest weighted value of any live row; ties are won by the first row."""
    weight = live(given, rows)
    worth = np.where(rows.dead[:, None], -np.inf, weight[:, None] * rows.value)
    won = np.zeros(worth.shape, dtype=bool)
    if len(worth):
        np.put_along_axis(won, worth.argmax(axis=0)[None], True, axis=0)
    return Terms(weight, np.where(won, rows.value, 0.0))
