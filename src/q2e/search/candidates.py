"""Keeps the videos that some score ranks high, so that what comes after looks at few.

V is the number of videos in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from q2e.arrays import Bool
from q2e.methods.rows import ScoreRow
from q2e.store.base import Table


def union(rows: Sequence[ScoreRow], k: int) -> Bool:
    """Return (V,) the videos that at least one row has among its `k` best.

    Equal scores at the border are all kept, so that no video is lost by its place in the table.
    """
    kept = np.zeros(len(rows[0].video) if rows else 0, dtype=bool)
    for row in rows:
        known = row.video[~np.isnan(row.video)]
        if len(known):
            least = np.partition(known, max(0, len(known) - k))[max(0, len(known) - k)]
            kept |= row.video >= least
    return kept


def restricted(rows: Sequence[ScoreRow], kept: Bool, table: Table) -> list[ScoreRow]:
    """Return the rows with all other videos missing: they count as their channel's floor."""
    found = []
    for row in rows:
        own = kept[table.video[row.rows]]
        found.append(
            replace(
                row,
                video=np.where(kept, row.video, np.nan),
                rows=row.rows[own],
                scores=row.scores[own],
                which=row.which[own],
            )
        )
    return found
