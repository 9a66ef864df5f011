"""Finds videos that are copies of each other, as when a clip was uploaded twice or re-encoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Bool, Float32, Float64, Int32, Int64
from q2e.search.blocks import products

#: Least cosine between the mean vectors of two copies, in every space.
ALIKE = 0.98
#: Most that the lengths of two copies differ, as a share and in seconds.
_SHARE, _SECONDS = 0.01, 0.5
#: Videos that are compared with the others at once.
_AT_ONCE = 64
#: {video: its copies}, each pair told from both sides.
Pairs = Mapping[int, tuple[int, ...]]


def twins(duration_s: ArrayLike, means: Sequence[Float32], asked: Int64 | None = None) -> Pairs:
    """Return {video: its copies} for videos (V,) by length and mean vectors (V, d) of each space.

    Copies are about equally long, have evidence in the same spaces and are `ALIKE` in all of
    them. A video without any vector, or of unknown length, has none. Where `asked` (n,) names
    videos, only pairs in which one of them is are returned, in time that grows with n times V.
    """
    length: Float64 = np.asarray(duration_s, dtype=np.float64)
    if not means or len(length) < 2:
        return {}
    each = np.arange(len(length)) if asked is None else asked
    each = each[length[each] > 0]
    found: dict[int, set[int]] = {}
    for first in range(0, len(each), _AT_ONCE):
        for one, others in _alike(length, means, each[first : first + _AT_ONCE]):
            for other in others.tolist():
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
    return {video: tuple(sorted(copies)) for video, copies in found.items()}


def _alike(length: Float64, means: Sequence[Float32], each: Int64) -> Iterator[tuple[int, Int64]]:
    """Yield some videos with the others that are as long and alike in every space."""
    near = np.zeros((len(each), len(length)), bool)
    for line, one in zip(near, each.tolist(), strict=True):
        apart = np.abs(length - length[one])
        line[:] = apart < np.maximum(_SECONDS, _SHARE * np.minimum(length, length[one]))
        line[one] = False
    every = np.flatnonzero(near.any(axis=0) & (length > 0))
    same: Bool = near[:, every]
    told = np.zeros(len(each), bool)
    for vectors in means:
        own = vectors[each]
        other = vectors if len(every) == len(vectors) else vectors[every]
        has = np.any(own, axis=1)
        same &= products(own, other) >= ALIKE
        if not has.all():
            same[~has] = near[np.ix_(~has, every)] & ~np.any(other, axis=1)
        told |= has
        # In the next space only those are looked at that are alike in this one.
        left = same.any(axis=0)
        every, same = every[left], same[:, left]
    same &= np.expand_dims(told, 1)
    for one, line in zip(each.tolist(), same, strict=True):
        yield one, every[line]


def same_course(copies: Pairs, spaces: Sequence[tuple[Int32, Float32, Float32]]) -> Pairs:
    """Return the copies in which the same also comes at the same time.

    `spaces` holds for each space the video (n,), start in seconds (n,) and vector (n, d) of its
    evidence. Sums in which what comes later weighs more tell two orders of the same apart.
    """
    late: dict[int, list[Float32]] = {}

    def course(video: int) -> list[Float32]:
        if video not in late:
            late[video] = [
                _unit(start_s[own] @ vectors[own])
                for owner, start_s, vectors in spaces
                for own in [np.flatnonzero(owner == video)]
            ]
        return late[video]

    def alike(one: int, other: int) -> bool:
        pairs = zip(course(one), course(other), strict=True)
        return all(a @ b >= ALIKE for a, b in pairs if a.any() or b.any())

    kept = {one: tuple(v for v in others if alike(one, v)) for one, others in copies.items()}
    return {one: others for one, others in kept.items() if others}


def _unit(vector: Float32) -> Float32:
    return np.asarray(vector / (float(np.linalg.norm(vector)) or 1.0), dtype=np.float32)


def merged(order: Int64, copies: Pairs) -> tuple[Int64, dict[int, list[int]]]:
    """Return a ranking without the copies of better videos, and {video: copies left out}."""
    if not copies:
        return order, {}
    of: dict[int, int] = {}
    kept: list[int] = []
    also: dict[int, list[int]] = {}
    for video in order.tolist():
        if video in of:
            also.setdefault(of[video], []).append(video)
            continue
        kept.append(video)
        for copy in copies.get(video, ()):
            of.setdefault(copy, video)
    return np.array(kept, dtype=np.int64), also
