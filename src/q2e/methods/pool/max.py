"""The best piece of evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag
from q2e.registry import method


@method("pool", source="CLIP meets GamePhysics; Q2E: Dipta and Ferraro 2025", scanned=True)
def best(
    bag: Bag,
    *,
    across: Annotated[
        bool,
        Field(description="One score for the texts of all channels: a document set a video."),
    ] = False,
) -> Float64:
    """The best frame or text.

    max_i s_i; Q2E's many-to-many score. More evidence never lowers it. `across` channels it is the
    best of all texts of a video, which Q2E takes as one set of documents.
    """
    return bag.highest(bag.best)
