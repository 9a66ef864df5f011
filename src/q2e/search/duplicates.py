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
#: Videos compared at a time.
_BLOCK = 1024

#: {video: its copies}, each pair told from both sides.
Pairs = Mapping[int, tuple[int, ...]]


def twins(duration_s: ArrayLike, means: Sequence[Float32], asked: Int64 | None = None) -> Pairs:
    """Return {video: its copies} for videos (V,) by length and mean vectors (V, d) of each space.

    Copies are about equally long, have evidence in the same spaces and are `ALIKE` in all of
    them. A video without any vector, or of unknown length, has none. Where `asked` (n,) names
    videos, only pairs in which one of them is are returned.
    """
    length: Float64 = np.asarray(duration_s, dtype=np.float64)
    known = [np.linalg.norm(one, axis=1) > 0 for one in means]
    if not known or len(length) < 2:
        return {}
    some = np.logical_or.reduce(known) & (length > 0)
    order = np.flatnonzero(some)[np.argsort(length[some], kind="stable")]
    ascending = length[order]
    until = ascending + np.maximum(_SECONDS, _SHARE * ascending)
    first = np.searchsorted(until, ascending, side="left")
    last = np.searchsorted(ascending, until, side="right")
    # Where all are asked about, each looks at longer ones alone.
    places = np.arange(len(order)) if asked is None else np.flatnonzero(np.isin(order, asked))
    begin = first if asked is not None else np.arange(len(order)) + 1
    found: dict[int, set[int]] = {}
    for start in range(0, len(places), _BLOCK):
        ones = places[start : start + _BLOCK]
        others = np.arange(int(begin[ones].min()), int(last[ones].max()))
        near = (others >= begin[ones][:, None]) & (others < last[ones][:, None])
        near &= others != ones[:, None]
        for vectors, has in zip(means, known, strict=True):
            cosine = vectors[order[ones]] @ vectors[order[others]].T
            same = has[order[ones]][:, None] == has[order[others]][None]
            near &= same & ((cosine >= ALIKE) | ~has[order[ones]][:, None])
        for one, other in zip(*np.nonzero(near), strict=True):
            pair = int(order[ones[one]]), int(order[others[other]])
            found.setdefault(pair[0], set()).add(pair[1])
            found.setdefault(pair[1], set()).add(pair[0])
    return {video: tuple(sorted(copies)) for video, copies in found.items()}


def renewed(before: Pairs, found: Pairs, changed: Int64) -> Pairs:
    """Return what was known of copies with all that concerns changed videos (n,) found anew.

    `found` are the pairs in which one of them is.
    """
    gone = set(changed.tolist())
    kept = {
        video: {copy for copy in copies if copy not in gone}
        for video, copies in before.items()
        if video not in gone
    }
    for video, copies in found.items():
        kept.setdefault(video, set()).update(copies)
    return {video: tuple(sorted(copies)) for video, copies in kept.items() if copies}


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
