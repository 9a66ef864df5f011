"""Finds videos that are copies of each other, as when a clip was uploaded twice or re-encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float32, Float64, Int32, Int64

#: Least cosine between the mean vectors of two copies, in every space.
ALIKE = 0.98
#: Most that the lengths of two copies differ, as a share and in seconds.
_SHARE, _SECONDS = 0.01, 0.5
#: {video: its copies}, each pair told from both sides.
Pairs = Mapping[int, tuple[int, ...]]


def twins(duration_s: ArrayLike, means: Sequence[Float32], asked: Int64 | None = None) -> Pairs:
    """Return {video: its copies} for videos (V,) by length and mean vectors (V, d) of each space.

    Copies are about equally long, have evidence in the same spaces and are `ALIKE` in all of
    them. A video without any vector, or of unknown length, has none. Where `asked` (n,) names
    videos, only pairs in which one of them is are returned, in time that grows with n times V.
    """
    length: Float64 = np.asarray(duration_s, dtype=np.float64)
    known = [np.einsum("vd,vd->v", one, one) > 0 for one in means]
    if not known or len(length) < 2:
        return {}
    some = np.logical_or.reduce(known) & (length > 0)
    found: dict[int, set[int]] = {}
    for one in (np.flatnonzero(some) if asked is None else asked[some[asked]]).tolist():
        apart = np.abs(length - length[one])
        near = some & (apart < np.maximum(_SECONDS, _SHARE * np.minimum(length, length[one])))
        near[one] = False
        others = np.flatnonzero(near)
        for vectors, has in zip(means, known, strict=True):
            same = vectors[others] @ vectors[one] >= ALIKE if has[one] else ~has[others]
            others = others[same]
        for other in others.tolist():
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {video: tuple(sorted(copies)) for video, copies in found.items()}


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
