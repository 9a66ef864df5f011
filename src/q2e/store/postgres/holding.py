"""The lock that lets one process at a time write to an index: of the session, with its name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.errors import IndexLocked, StoreError
from q2e.store import lock

if TYPE_CHECKING:
    import psycopg

_HOLDER = (
    "SELECT a.pid, a.application_name, a.state, a.wait_event_type, extract(epoch FROM "
    "clock_timestamp() - greatest(a.state_change, a.query_start, a.backend_start))::float8 "
    "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(%s, 0)"
)

_END, _END_MS = "SELECT pg_terminate_backend(%s, %s)", 10_000


def hold(
    connection: psycopg.Connection[Any], schema: str, index: Path, wait_s: float = 0.0
) -> None:
    """Take the writer's lock of a schema, which the end of the connection frees.

    The connection of a writer that gives no sign of life for `lock.LEASE_S` seconds, as one that
    was stopped, is ended where whoever waits may do so. Raises IndexLocked naming who holds it
    after `wait_s` seconds; `index` is how it is called.
    """
    deadline = time.monotonic() + wait_s
    asked = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    while connection.execute(asked, (schema,)).fetchone() != (True,):
        row = connection.execute(_HOLDER, (schema,)).fetchone()
        if wait_s > 0 and row is not None and _silent(*row[2:]) and _ended(connection, row[0]):
            continue
        if time.monotonic() >= deadline:
            holder = (row and row[1]) or "another process"
            raise IndexLocked(
                f"{index} is being written by {holder}; wait for it, or use --wait SECONDS"
            )
        time.sleep(0.05)


def _silent(state: str | None, waits_for: str | None, since_s: float | None) -> bool:
    """Return whether a writer lets the server wait for longer than a living one does.

    What others may not see of a session is None.
    """
    works = state == "active" and waits_for != "Client"
    return state is not None and not works and since_s is not None and since_s > lock.LEASE_S


def _ended(connection: psycopg.Connection[Any], pid: int) -> bool:
    """End a session; False where this user may not."""
    import psycopg

    try:
        return bool(connection.execute(_END, (pid, _END_MS)).fetchone() == (True,))
    except psycopg.errors.InsufficientPrivilege:
        return False


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
