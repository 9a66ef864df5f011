"""Keeps what is made of a whole table, and brings it up to date by the rows a commit added.

Every commit is another state of the store. While videos are being indexed, searches would else go
through all of the collection again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from q2e.store.base import Table

T = TypeVar("T")

#: States of a table of which a value is kept: searches that began before a commit go on after it.
_STATES = 2


class Growing(Generic[T]):
    """A value of each state of a table, made from that of a state to which rows were added."""

    def __init__(self) -> None:
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
            made = make(before)
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
