"""CombMNZ."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.fuse.base import Terms
from q2e.methods.fuse.combsum import combsum
from q2e.methods.normalise.base import Normalised
from q2e.registry import method


@method("fuse", source="CombMNZ: Fox and Shaw 1994", scale="minmax")
def combmnz(
    rows: Normalised,
    given: Float64,
    *,
    above: Annotated[
        float, Field(ge=0, lt=1, description="Scaled value above which a row matches a video.")
    ] = 1e-6,
) -> Terms:
    """CombSUM times the number of rows that match the video."""
    weight, value, _ = combsum(rows, given)
    matching = (rows.present & (value > above) & (weight > 0)[:, None]).sum(axis=0)
    return Terms(weight, value * matching)
