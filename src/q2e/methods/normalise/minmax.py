"""Each row scaled to [0, 1] over the videos."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.methods.normalise.base import CONSTANT, size
from q2e.registry import method


@method("normalise", over="videos", softness=0.1)
def minmax(rows: ArrayLike) -> Float64:
    """Each row to [0, 1] over the videos, one query at a time.

    (s - lowest) / (highest - lowest) over the last axis, 0 for constant rows; NaN stays.
    """
    table = np.asarray(rows, dtype=np.float64)
    known = ~np.isnan(table)
    low = np.where(known, table, np.inf).min(axis=-1, keepdims=True, initial=np.inf)
    high = np.where(known, table, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    low, spread = np.where(np.isfinite(low), low, 0.0), high - low
    flat = ~(spread > CONSTANT * size(table))
    return np.where(flat, (table - low) * 0.0, (table - low) / np.where(flat, 1.0, spread))
