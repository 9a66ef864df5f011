"""Key events of a video."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.methods.pool.base import Bag, unit
from q2e.registry import method


@method("pool", source="MeVTR: Zhang et al. 2023")
def key_events(
    bag: Bag,
    *,
    k: Annotated[int, Field(ge=1, le=1_000, description="Key events of a video.")] = 4,
) -> Float64:
    """The best of a few key events that a video is summed up in.

    max_c q.c over the unit means of its `k` clusters, after Multi-event Video-Text Retrieval,
    whose clustering is k-medoids; see
    `centres`. A video of at most `k` pieces has its own as key events.
    """
    if f"centres {k}" not in bag.memory:
        bag.memory[f"centres {k}"] = centres(bag, k)
    middle, video = bag.memory[f"centres {k}"]
    return np.asarray(
        np.maximum.reduceat(
            (bag.queries @ middle.T).max(axis=0).astype(np.float64),
            np.flatnonzero(np.diff(video, prepend=-1)),
        )
    )


def centres(bag: Bag, k: int = 4, rounds: int = 3) -> tuple[Float32, Int64]:
    """Return the unit means (c, d) of at most `k` clusters a video, and their video (c,), sorted.

    Spherical k-means from pieces that lie farthest apart, the same for equal videos. It does not
    depend on the question.
    """
    vectors, group = unit(bag.vectors), bag.group
    middle = unit(np.add.reduceat(vectors, bag.starts, axis=0))
    nearest = np.einsum("nd,nd->n", vectors, middle[group])
    chosen = [_first_lowest(nearest, bag)]
    nearest = np.einsum("nd,nd->n", vectors, vectors[chosen[0]][group])
    while len(chosen) < k:
        chosen.append(_first_lowest(nearest, bag))
        near = np.einsum("nd,nd->n", vectors, vectors[chosen[-1]][group])
        nearest = np.maximum(nearest, near)
    heart = np.stack([vectors[index] for index in chosen])
    for _ in range(rounds):
        cosines = np.stack([np.einsum("nd,nd->n", vectors, own[group]) for own in heart])
        member = cosines.argmax(axis=0)
        for number in range(k):
            mine: Bool = np.equal(member[:, None], number)
            found = np.add.reduceat(np.where(mine, vectors, 0.0), bag.starts, axis=0)
            heart[number] = np.where(
                np.any(found, axis=1, keepdims=True), unit(found), heart[number]
            )
    count = np.minimum(bag.sizes, k)
    video = np.repeat(np.arange(len(count)), count)
    return heart[np.concatenate([np.arange(own) for own in count]), video], video


def _first_lowest(values: Float32, bag: Bag) -> Int64:
    """Return the position (g,) of the first lowest value (n,) of each video."""
    lowest = np.minimum.reduceat(values, bag.starts)
    at = np.flatnonzero(np.asarray(lowest)[bag.group] == values)
    return at[np.searchsorted(at, bag.starts)].astype(np.int64)
