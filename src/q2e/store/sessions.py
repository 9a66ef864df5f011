"""Tells whether one state of a database grew from another: each writer leaves a mark in it.

A file may be copied, put back from a backup and written on, so that the number of a state alone
does not say what is in it. The first commit of every writer adds a mark of its own and the number
of the state it makes; what a writer commits after that is told apart by number.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from q2e.store.sql import Connection

#: The setting that holds the marks.
_NAME = b"writer.sessions"
#: Bytes of a mark and of a number, and marks that are kept.
_MARK, _NUMBER, _KEPT = 8, 8, 64


def begin(connection: Connection) -> None:
    """Add the mark of a writer whose first commit the running transaction is."""
    number = int(connection.execute("SELECT number FROM generation").fetchone()[0])
    known = _held(connection) + secrets.token_bytes(_MARK) + number.to_bytes(_NUMBER, "little")
    kept = known[-_KEPT * (_MARK + _NUMBER) :]
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (_NAME, kept))


def lineage(connection: Connection, number: int) -> Iterator[tuple[str, range]]:
    """Yield the marks of the writers of state `number`, the last first, with the states of each.

    A file that no writer has marked yields none.
    """
    held, end = _held(connection), number + 1
    step = _MARK + _NUMBER
    for start in range(len(held) - step, -1, -step):
        mark, first = held[start : start + _MARK], held[start + _MARK : start + step]
        yield mark.hex(), range(int.from_bytes(first, "little"), end)
        end = int.from_bytes(first, "little")


def _held(connection: Connection) -> bytes:
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (_NAME,)).fetchone()
    return b"" if row is None else bytes(row[0])
