"""Keeps what is made of a whole table, and brings it up to date by the rows a commit added.

Every commit is another state of the store. While videos are being indexed, searches would else go
through all of the collection again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from q2e.store.base import Searched, Table
from q2e.store.shelf import MEASURED, Array, Kept, Shelf

T = TypeVar("T")

#: States of a table of which a value is kept: searches that began before a commit go on after it.
_STATES = 2


@runtime_checkable
class Shelving(Protocol):
    """A store that keeps outside of this process what is made of a state."""

    def shelved(self) -> tuple[Table, Shelf] | None:
        """Return a table that `table()` begins with, and the shelf of what is made of it."""
        ...


@dataclass(frozen=True, slots=True)
class Place(Generic[T]):
    """Where values of a store's tables are kept, and how they become arrays and come back."""

    store: Searched
    name: str
    dump: Callable[[T], Mapping[str, Array]]
    load: Callable[[Table, Mapping[str, Array]], T]
    """Raises ValueError and its like for arrays that no value of the table has."""

    def get(self) -> tuple[Table, T] | None:
        """Return the value that is kept, with its table."""
        known = self.store.shelved() if isinstance(self.store, Shelving) else None
        kept = None if known is None else known[1].get(self.name)
        if known is None or kept is None:
            return None
        try:
            return known[0], self.load(known[0], kept.arrays)
        except (ValueError, TypeError, LookupError):
            return None

    def put(self, table: Table, value: T) -> None:
        """Keep the value of a table, where it is one of which anything is kept."""
        known = self.store.shelved() if isinstance(self.store, Shelving) else None
        if known is not None and known[0].version == table.version:
            known[1].put(self.name, Kept(self.dump(value)))


@dataclass(frozen=True, slots=True)
class Measured:
    """Where what was measured of a store's tables is kept, and serves tables of nearly the size.

    What is measured of a part of a collection that nobody holds whole is not: it stands for it.
    """

    store: Searched | None = None

    def get(self, name: str, table: Table, growth: float) -> tuple[int, Any] | None:
        """Return what was measured where there were as many pieces but for a share `growth`.

        Before it stands how many there were.
        """
        known, pieces = self._shelved(table), table.pieces
        kept = None if known is None else known[1].get(f"{MEASURED}:{name}")
        told = None if kept is None else kept.told
        if not isinstance(told, dict) or not isinstance(told.get("pieces"), int):
            return None
        near = abs(pieces - told["pieces"]) <= growth * told["pieces"]
        return (told["pieces"], told.get("value")) if near else None

    def put(self, name: str, table: Table, value: object) -> None:
        """Keep what was measured of a table, where it is one of which anything is kept."""
        known = self._shelved(table)
        if known is not None and known[0].version == table.version:
            told = {"name": name, "pieces": table.pieces, "value": value}
            known[1].put(f"{MEASURED}:{name}", Kept({}, told))

    def _shelved(self, table: Table) -> tuple[Table, Shelf] | None:
        if table.whole is not None or not isinstance(self.store, Shelving):
            return None
        return self.store.shelved()


class Growing(Generic[T]):
    """A value of each state of a table, made from that of a state to which rows were added.

    `place` says where it is kept for other processes.
    """

    def __init__(self, place: Place[T] | None = None) -> None:
        self._place = place
        self._states: list[tuple[Table, T]] = []
        self._lock = Lock()

    def of(self, table: Table, make: Callable[[tuple[Table, T] | None], T]) -> T:
        """Return the value of a table: the one kept, or what `make` gives.

        `make` gets a table that `table` begins with and its value, or None where there is none.
        One thread makes it, and others wait.
        """
        with self._lock:
            for known, value in self._states:
                if known.version == table.version:
                    return value
            before = next((one for one in self._states if _begins(table, one[0])), None)
            if before is None and self._place is not None:
                before = self._place.get()
            if before is not None and before[0].version == table.version:
                made = before[1]
            else:
                made = make(before)
                if self._place is not None:
                    self._place.put(table, made)
            states = [*self._states, (table, made)]
            self._states = sorted(states, key=lambda one: -one[0].version)[:_STATES]
            return made


def _begins(table: Table, known: Table) -> bool:
    """Whether rows and videos of a table begin with those of a known one."""
    return (
        len(known) <= len(table)
        and known.video_ids == table.video_ids[: len(known.video_ids)]
        and np.array_equal(known.evidence_id, table.evidence_id[: len(known)])
    )
