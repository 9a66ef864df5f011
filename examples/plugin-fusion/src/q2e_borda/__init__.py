"""A rule of fusion for q2e from a package of its own: copy this, and put your formula in place.

Once it is installed, `--fuse borda` and `fuse = "borda(power=2)"` work wherever a rule is named.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms, live
from q2e.methods.normalise.base import Normalised
from q2e.registry import Registry, method


@method("fuse", "borda", source="Borda 1781", scale="votes")
def borda(
    rows: Normalised,
    given: Float64,
    *,
    power: Annotated[float, Field(gt=0, le=10, description="Above 1, the first count more.")] = 1.0,
) -> Terms:
    """Points for each video that a row puts another one behind.

    sum_s (share of videos below v in row s)^power. A video that a row lacks gets no point of it.
    """
    below = (rows.value[:, None, :] < rows.value[:, :, None]) & rows.present[:, None, :]
    others = max(1, rows.value.shape[1] - 1)
    points = (below.sum(axis=2) / others) ** power
    return Terms(live(given, rows), np.where(rows.present, points, 0.0))


def register(registry: Registry) -> None:
    """Offer the rule."""
    registry.add(borda)
