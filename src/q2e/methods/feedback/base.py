"""What a first search found, for methods that let its best hits have a say in a second.

A method of kind `feedback` is a function: (First) -> scores (V,) of the second ranking, or None
where the first one is to stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from q2e.arrays import Float32, Float64


@dataclass(frozen=True, slots=True, eq=False)
class First:
    """The first ranking of V videos; d dimensions of the space of texts.

    `query` (d,) is the question as it was scored, `meaning` (V,) what its meaning found and
    `other` (V,) what all else adds to that, on the same scale.
    """

    query: Float32
    meaning: Float64
    other: Float64
    unit: Callable[[], Float32]
    """Gives (V, d) the mean vector of each video's evidence, `centred`."""
    score: Callable[[Float64], Float64]
    """Gives (V,) what the meaning of another vector (d,) finds."""
    many: bool
    """Whether many videos may be about what is asked: an event, or a subject by its mere name."""
    stands_for: Float64 | None = None
    """(V,) how many videos each one stands for, where they are a part of a collection."""
