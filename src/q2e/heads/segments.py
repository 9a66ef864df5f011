"""Stretches of one video that show the same, by its frames alone.

PSVL (Nam et al. 2021): columns of the matrix of likeness between frames, with their place, are
clustered; runs of one cluster are events, and neighbouring events make longer ones.
"""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float32, Float64, Int64

#: Weight of a frame's place beside its column of likeness.
_PLACE = 1.0
#: Frames that an event has at least.
_LEAST = 2
#: Rounds of k-means.
_ROUNDS = 12


def events(frames: Float32, most: int, smooth: int = 3) -> Int64:
    """Return (k + 1,) where each of at most `most` events of frames (n, d) begins, and n.

    Frames are averaged with their neighbours over `smooth` of them before they are compared.
    """
    count = len(frames)
    if count < 2 * _LEAST or most < 2:
        return np.array([0, count], np.int64)
    shown = frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-12)
    shown = _averaged(np.asarray(shown, np.float64), smooth)
    shown -= shown.mean(axis=0)
    shown /= np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-12)
    columns = shown @ shown.T
    place = _PLACE * np.sqrt(count) * np.linspace(-1.0, 1.0, count)[:, None]
    cluster = _clustered(np.concatenate([columns, place], axis=1), min(most, count // _LEAST))
    return _merged(columns, np.flatnonzero(np.diff(cluster)) + 1)


def joined(starts: Int64, most: int) -> Float64:
    """Return (s, 2) the stretches of one to `most` neighbouring events, in parts of the video."""
    count, last = int(starts[-1]), len(starts) - 1
    found = [
        (starts[a], starts[z]) for a in range(last) for z in range(a + 1, min(a + most, last) + 1)
    ]
    return np.array(found, np.float64) / count


def _averaged(frames: Float64, over: int) -> Float64:
    if over < 2:
        return frames
    half = over // 2
    total = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0)])
    low = np.maximum(np.arange(len(frames)) - half, 0)
    high = np.minimum(np.arange(len(frames)) + half + 1, len(frames))
    return np.asarray((total[high] - total[low]) / (high - low)[:, None])


def _clustered(points: Float64, most: int) -> Int64:
    """Return (n,) clusters by k-means; the first centres are evenly apart in time."""
    which = np.minimum(np.arange(len(points)) * most // len(points), most - 1)
    for _ in range(_ROUNDS):
        there = np.unique(which)
        centres = np.stack([points[which == one].mean(axis=0) for one in there])
        away = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
        new = there[away.argmin(axis=1)]
        if (new == which).all():
            break
        which = new
    return which


def _merged(columns: Float64, cuts: Int64) -> Int64:
    """Return starts of runs, short ones joined to the neighbour that they are more like."""
    marks = [0, *cuts.tolist(), len(columns)]
    while len(marks) > 2:
        lengths = np.diff(marks)
        short = int(lengths.argmin())
        if lengths[short] >= _LEAST:
            break
        own = columns[marks[short] : marks[short + 1]]
        before = own[:, marks[short - 1] : marks[short]].mean() if short else -np.inf
        last = short + 2 == len(marks)
        after = -np.inf if last else own[:, marks[short + 1] : marks[short + 2]].mean()
        marks.pop(short if before >= after else short + 1)
    return np.array(marks, np.int64)
