"""Reciprocal rank fusion."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="RRF: Cormack et al. 2009", scale="votes")
def rrf(
    rows: Normalised,
    given: Float64,
    *,
    k: Annotated[
        float, Field(ge=0, le=1e6, description="Added to ranks: a small one favours the first.")
    ] = 60.0,
) -> Terms:
    """Reciprocal ranks, which only the order within a row decides.

    sum_s 1 / (k + rank_s), ranks from 1, ties share their mean rank. A video that a row lacks
    gets no vote from it.
    """
    ranks = mean_ranks(np.where(rows.present, -rows.value, np.inf))
    return Terms(live(given, rows), np.where(rows.present, 1.0 / (k + ranks), 0.0))


def mean_ranks(table: Float64) -> Float64:
    """Return ranks from 1 along the last axis of (n, V), lowest first; ties share the mean."""
    order = np.argsort(table, axis=-1)
    ranks = np.empty(table.shape)
    for row, places in enumerate(order):
        line = table[row, places]
        starts = np.flatnonzero(np.append(True, line[1:] != line[:-1])) if len(line) else places
        sizes = np.diff(np.append(starts, len(line)))
        ranks[row, places] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks
