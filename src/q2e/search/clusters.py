"""Groups of vectors, and where they lie on a plane so that groups that are alike lie together.

Pure functions on arrays. Every step is seeded: the same vectors give the same picture.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from q2e.arrays import Float32, Float64, Int64

#: Vectors that centres are fitted to; all are given the nearest one.
_FITTED = 20_000
_ROUNDS = 20
#: Vectors that are compared with all centres at once.
_AT_ONCE = 8192
#: Steps of the layout, and of them those in which likeness counts more than it is.
_STEPS, _EARLY = 500, 100


def unit(vectors: Float32) -> Float32:
    """Return (n, d) vectors of length one; those of length nothing stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def grouped(vectors: Float32, groups: int, *, seed: int = 0) -> tuple[Int64, Float32]:
    """Return the group (n,) of each of (n, d) unit vectors, and the groups' unit centres (k, d).

    Spherical k-means (Dhillon and Modha 2001) from the seeds of k-means++ (Arthur and
    Vassilvitskii 2007), with the cosine as likeness. Groups that end empty are left out, so k may
    be less than `groups`; groups are numbered by size, the largest first.
    """
    chance = np.random.default_rng(seed)
    fitted = vectors
    if len(vectors) > _FITTED:
        fitted = vectors[np.sort(chance.choice(len(vectors), _FITTED, replace=False))]
    centres = _seeds(fitted, min(groups, len(fitted)), chance)
    before = np.full(len(fitted), -1)
    for _ in range(_ROUNDS):
        own = nearest(fitted, centres)
        if np.array_equal(own, before):
            break
        before = own
        sums = np.zeros_like(centres)
        np.add.at(sums, own, fitted)
        held = np.bincount(own, minlength=len(centres)) > 0
        centres = unit(sums[held])
    own = nearest(vectors, centres)
    sizes = np.bincount(own, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")[: int((sizes > 0).sum())]
    number = np.full(len(centres), -1, np.int64)
    number[order] = np.arange(len(order))
    return number[own], centres[order]


def _seeds(vectors: Float32, groups: int, chance: np.random.Generator) -> Float32:
    chosen = [int(chance.integers(len(vectors)))]
    far = np.maximum(0.0, 1.0 - vectors @ vectors[chosen[0]]).astype(np.float64)
    while len(chosen) < groups and far.sum() > 1e-9:
        chosen.append(int(chance.choice(len(vectors), p=far / far.sum())))
        far = np.minimum(far, np.maximum(0.0, 1.0 - vectors @ vectors[chosen[-1]]))
    return vectors[chosen].copy()


def nearest(vectors: Float32, centres: Float32) -> Int64:
    """Return (n,) which of (k, d) centres each of (n, d) vectors is most like."""
    found = np.empty(len(vectors), np.int64)
    for begin in range(0, len(vectors), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        found[part] = np.argmax(vectors[part] @ centres.T, axis=1)
    return found


def laid_out(centres: Float32) -> Float64:
    """Return (k, 2) places in [0, 1] for (k, d) unit centres: those that are alike lie together.

    t-SNE (van der Maaten and Hinton 2008) over all pairs, begun at the two principal axes and so
    without chance; each axis is then half way to its ranks, so that the plane is used.
    """
    count = len(centres)
    if count < 3:
        return np.stack([np.linspace(0.25, 0.75, count), np.full(count, 0.5)], axis=1)
    centred = (centres - centres.mean(axis=0)).astype(np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    places = centred @ axes[:2].T
    places = places / max(float(places[:, 0].std()), 1e-12) * 1e-2
    far = np.maximum(0.0, 2.0 - 2.0 * (centres @ centres.T).astype(np.float64))
    near = _likeness(far, perplexity=min(8.0, (count - 1) / 3))
    speed, gains = np.zeros_like(places), np.ones_like(places)
    for step in range(_STEPS):
        weight = 1.0 / (1.0 + _apart(places))
        np.fill_diagonal(weight, 0.0)
        wanted = near * (4.0 if step < _EARLY else 1.0)
        pull = (wanted - weight / weight.sum()) * weight
        slope = 4.0 * (pull.sum(axis=1)[:, None] * places - pull @ places)
        gains = np.where((slope > 0) == (speed > 0), gains * 0.8, gains + 0.2).clip(0.01)
        speed = (0.5 if step < _EARLY else 0.8) * speed - 0.5 * count * gains * slope
        places = places + speed
        places -= places.mean(axis=0)
    low, high = places.min(axis=0), places.max(axis=0)
    scaled = (places - low) / np.maximum(high - low, 1e-12)
    ranks = places.argsort(axis=0).argsort(axis=0) / (count - 1)
    return np.asarray((scaled + ranks) / 2, np.float64)


def _apart(places: Float64) -> Float64:
    squares = (places**2).sum(axis=1)
    found: Float64 = np.maximum(0.0, squares[:, None] + squares[None] - 2.0 * places @ places.T)
    return found


def _likeness(far: Float64, perplexity: float) -> Float64:
    """Return the joint likeness of all pairs, each with about `perplexity` neighbours."""
    count, wanted = len(far), math.log(max(perplexity, 1.01))
    given = np.zeros_like(far)
    for row in range(count):
        others = np.arange(count) != row
        own = far[row, others] - far[row, others].min()
        low, high, beta = 0.0, np.inf, 1.0
        for _ in range(50):
            part = np.exp(-own * beta)
            share = part / part.sum()
            entropy = float(-(share * np.log(np.maximum(share, 1e-300))).sum())
            if abs(entropy - wanted) < 1e-5:
                break
            low, high = (beta, high) if entropy > wanted else (low, beta)
            beta = beta * 2 if high == np.inf else (low + high) / 2
        given[row, others] = share
    return np.asarray((given + given.T) / (2 * count), np.float64)


def around(vectors: Float32, group: Int64, centres: Float32, places: Float64) -> Float64:
    """Return (n, 2) places of vectors around that of their group, as far as they are unlike it.

    Which way is told by the two principal axes of all that lies in no centre.
    """
    rest = vectors - centres[group]
    if not len(rest):
        return np.zeros((0, 2))
    sample = rest[:: max(1, len(rest) // 2000)].astype(np.float64)
    _, _, axes = np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)
    way = rest.astype(np.float64) @ axes[: min(2, len(axes))].T
    way = np.pad(way, ((0, 0), (0, 2 - way.shape[1])))
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)
    unlike = 1.0 - np.einsum("nd,nd->n", vectors, centres[group]).astype(np.float64)
    most = np.maximum(np.bincount(group, unlike, len(centres)), 1e-12)
    mean = most / np.maximum(np.bincount(group, minlength=len(centres)), 1)
    reach = np.minimum(1.5, unlike / np.maximum(mean[group], 1e-12)) * 0.04
    return np.asarray((places[group] + way * reach[:, None]).clip(-0.08, 1.08), np.float64)


def telling(words: Sequence[Counter[str]], most: int = 5) -> list[list[str]]:
    """Return the words that tell each group from the others, the most telling first.

    `words` counts for each group in how many of its texts a word stands. A word weighs as the root
    of that times BM25's log(1 + (k - f + .5) / (f + .5)) of the f groups of k that have it: TF-IDF
    over groups (Grootendorst 2022, c-TF-IDF with `reduce_frequent_words` and `bm25_weighting`).
    Words inside one taken before are left out.
    """
    groups = len(words)
    spread = Counter(word for own in words for word in own)
    found: list[list[str]] = []
    for own in words:
        weight = {
            word: math.sqrt(n) * math.log1p((groups - spread[word] + 0.5) / (spread[word] + 0.5))
            for word, n in own.items()
        }
        taken: list[str] = []
        for word in sorted(weight, key=lambda word: (-weight[word], word)):
            if not any(word in other or other in word for other in taken):
                taken.append(word)
            if len(taken) == most:
                break
        found.append(taken)
    return found
