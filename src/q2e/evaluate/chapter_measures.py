"""How well chapters are cut; pure functions on times in seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from q2e.evaluate.moment_measures import iou


def border_f1(
    found_s: Sequence[float], true_s: Sequence[float], tolerance_s: float = 5.0
) -> tuple[float, float, float]:
    """Return F1, precision and recall of borders; a true one is met once, within the tolerance.

    The nearest pairs are matched first. Where neither has a border, all three are 1.
    """
    if not len(found_s) and not len(true_s):
        return 1.0, 1.0, 1.0
    pairs = sorted(
        (abs(one - other), i, j)
        for i, one in enumerate(found_s)
        for j, other in enumerate(true_s)
        if abs(one - other) <= tolerance_s
    )
    met_found: set[int] = set()
    met_true: set[int] = set()
    for _, i, j in pairs:
        if i not in met_found and j not in met_true:
            met_found.add(i)
            met_true.add(j)
    precision = len(met_found) / len(found_s) if len(found_s) else 0.0
    recall = len(met_true) / len(true_s) if len(true_s) else 0.0
    both = precision + recall
    return (2 * precision * recall / both if both else 0.0), precision, recall


def chapter_iou(found: ArrayLike, true: ArrayLike) -> float:
    """Return tIoU of chapters (n, 2) and true ones (m, 2): 0 where nothing fits, 1 where all does.

    The pairs of the largest IoU are matched first, each chapter once; the sum over them is divided
    by the larger number of chapters.
    """
    shares = iou(found, true)
    if not shares.size:
        return 0.0
    larger = max(len(shares), len(shares.T))
    total = 0.0
    for _ in range(min(shares.shape)):
        i, j = np.unravel_index(int(shares.argmax()), shares.shape)
        total += float(shares[i, j])
        shares[i, :] = -1.0
        shares[:, j] = -1.0
    return total / larger
