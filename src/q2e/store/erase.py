"""Takes a video out of a database so that no byte of it is left in the file."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from q2e.errors import StoreError
from q2e.store.rows import pack
from q2e.store.sql import Connection
from q2e.types import Video


def forget(connection: Connection, holds: str, video: Video) -> bool:
    """Delete a video with its evidence, its failures and the paths it was known by.

    Returns whether there was any of it. `scrub` then takes it out of the file. `holds` is what
    says whether the bytes `value` hold those of a mark.
    """
    paths = {pack(video.path)} - {b""}
    named = connection.execute(
        f"SELECT name FROM setting WHERE substr(name, 1, 5) = ? AND {holds}",
        (b"file:", pack(video.id)),
    ).fetchall()
    paths |= {bytes(name)[len(b"file:") :] for (name,) in named}
    count = connection.execute("DELETE FROM video WHERE id = ?", (video.id,)).rowcount
    count += connection.execute("DELETE FROM failure WHERE video = ?", (video.id,)).rowcount
    for path in paths:
        count += connection.execute("DELETE FROM failure WHERE path = ?", (path,)).rowcount
        name = b"file:" + path
        count += connection.execute("DELETE FROM setting WHERE name = ?", (name,)).rowcount
    for kind in ("copies", "said"):
        name = pack(f"{kind}:{video.id}")
        count += connection.execute("DELETE FROM setting WHERE name = ?", (name,)).rowcount
    return count > 0


def scrub(connection: sqlite3.Connection, path: Path) -> None:
    """Write the file anew without what was deleted from it, and empty the log.

    Raises StoreError where there is no room for that, or where another process goes on reading
    the older state.
    """
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < 2 * size:
        raise StoreError(
            f"{path} must be written anew, which needs {2 * size / 1e6:.0f} MB; only "
            f"{free / 1e6:.0f} MB are free: make room and run the command again"
        )
    # Samples of what was in an index, where this SQLite takes any.
    for name in ("sqlite_stat3", "sqlite_stat4"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute("VACUUM")
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            f"{path} is being read by another process, which keeps the older state; stop it and "
            "run the command again"
        )
