"""The best piece of evidence."""

from __future__ import annotations

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag
from q2e.registry import method


@method("pool", source="CLIP meets GamePhysics; Q2E: Dipta and Ferraro 2025", scanned=True)
def best(bag: Bag) -> Float64:
    """The best frame or text.

    max_i s_i; Q2E's many-to-many score. More evidence never lowers it.
    """
    return bag.highest(bag.best)
