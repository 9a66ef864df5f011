"""Refuses score matrices that must not be fused: other items, or the same in another order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from q2e.errors import FusionError
from q2e.methods.fuse.rrf import mean_ranks


def check_ids(*ids: tuple[str, ...] | list[str]) -> None:
    """Refuse rows whose videos are not the same in the same order.

    Raises FusionError naming the first difference.
    """
    first = list(ids[0]) if ids else []
    for number, other in enumerate(ids[1:], start=2):
        if len(other) != len(first):
            raise FusionError(
                f"matrix 1 has {len(first)} items and matrix {number} has {len(other)}; "
                "score the same items with both"
            )
        for place, (one, two) in enumerate(zip(first, other, strict=True)):
            if one != two:
                raise FusionError(
                    f"item {place} is {one!r} in matrix 1 and {two!r} in matrix {number}; "
                    "put both in the same order before fusing"
                )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two square matrices with their relevant items on the diagonal go together.

    `diagonal` is the lower of the two median shares of items that the relevant one beats;
    `off_diagonal` the mean rank correlation of their rows with the diagonal left out, and
    `chance` its standard error were the items unrelated.
    """

    diagonal: float
    off_diagonal: float
    chance: float

    @property
    def different_order(self) -> bool:
        """Both find the relevant item, yet agree no more than chance on all others."""
        return self.diagonal > 0.8 and self.off_diagonal < max(0.05, 3 * self.chance)


def agreement(one: ArrayLike, other: ArrayLike, rows: int = 400) -> Agreement:
    """Compare two square score matrices (n, n) over at most `rows` evenly spaced queries."""
    first, second = (np.asarray(table, dtype=np.float64) for table in (one, other))
    size = len(first)
    if first.shape != (size, size) or second.shape != (size, size):
        raise FusionError(f"needs two square matrices, got {first.shape} and {second.shape}")
    picked = np.unique(np.linspace(0, size - 1, min(rows, size)).astype(np.int64))
    off = ~np.eye(size, dtype=bool)[picked]
    shares, tables = [], []
    for table in (first, second):
        chosen = np.where(np.isnan(table[picked]), -np.inf, table[picked])
        own = chosen[np.arange(len(picked)), picked][:, None]
        shares.append(float(np.median(((chosen < own) & off).sum(axis=1) / max(1, size - 1))))
        others = mean_ranks(chosen[off].reshape(len(picked), size - 1))
        tables.append(others - others.mean(axis=1, keepdims=True))
    product = (tables[0] * tables[1]).sum(axis=1)
    length = np.sqrt((tables[0] ** 2).sum(axis=1) * (tables[1] ** 2).sum(axis=1))
    correlation = product[length > 0] / length[length > 0]
    chance = 1.0 / np.sqrt(max(1, len(correlation)) * max(1, size - 2))
    off_diagonal = float(correlation.mean()) if len(correlation) else 1.0
    return Agreement(min(shares), off_diagonal, float(chance))


def check_matrices(*matrices: ArrayLike) -> None:
    """Refuse square matrices whose items are in different orders.

    Two retrievers that both find the relevant items agree somewhat about the others too; where
    they do not agree at all, one matrix is in another order and fusing it leaks the diagonal.
    Needs 50 items to tell, smaller ones pass. Raises FusionError with the correlation found.
    """
    tables = [np.asarray(table) for table in matrices]
    for number, table in enumerate(tables[1:], start=2):
        if table.shape != tables[0].shape:
            raise FusionError(
                f"matrix 1 is {tables[0].shape} and matrix {number} is {table.shape}; "
                "score the same queries and items with both"
            )
    for number, one in enumerate(tables):
        for later, other in enumerate(tables[number + 1 :], start=number + 1):
            if one.ndim != 2 or one.shape[0] != one.shape[1] or len(one) < 50:
                continue
            found = agreement(one, other)
            if found.different_order:
                raise FusionError(
                    f"matrices {number + 1} and {later + 1} are in different item order: both "
                    "have a strong diagonal, but their other entries correlate by only "
                    f"{found.off_diagonal:.3f}; fusing them would leak which item is relevant. "
                    "Put both in the same order, or give lists of ids"
                )
