"""The lock that lets one process at a time write to an index: of the session, with its name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.errors import IndexLocked, StoreError

if TYPE_CHECKING:
    import psycopg

_HOLDER = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(%s, 0)"
)


def hold(
    connection: psycopg.Connection[Any], schema: str, index: Path, wait_s: float = 0.0
) -> None:
    """Take the writer's lock of a schema, which the end of the connection frees.

    Raises IndexLocked naming who holds it after `wait_s` seconds; `index` is how it is called.
    """
    deadline = time.monotonic() + wait_s
    asked = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    while connection.execute(asked, (schema,)).fetchone() != (True,):
        if time.monotonic() >= deadline:
            row = connection.execute(_HOLDER, (schema,)).fetchone()
            holder = (row and row[0]) or "another process"
            raise IndexLocked(
                f"{index} is being written by {holder}; wait for it, or use --wait SECONDS"
            )
        time.sleep(0.05)


def next_epoch(connection: psycopg.Connection[Any]) -> int:
    """Begin the writing of one process, and return its number; those before are over with it."""
    asked = "UPDATE generation SET epoch = epoch + 1 RETURNING epoch"
    row = connection.execute(asked).fetchone()
    assert row is not None
    return int(row[0])


def advance(connection: psycopg.Connection[Any], epoch: int, remade: bool, where: str) -> None:
    """Count a commit of the writing `epoch`. Raises StoreError where another one has begun."""
    counted = connection.execute(
        "UPDATE generation SET number = number + 1, remade = remade + %s WHERE epoch = %s",
        (int(remade), epoch),
    ).rowcount
    if not counted:
        raise StoreError(
            f"{where}: another process has written since the connection was lost; nothing more is "
            "written, run the command again"
        )
