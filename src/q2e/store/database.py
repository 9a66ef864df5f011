"""The SQLite file: its connections, reading states, writing transactions and writer's lock."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from q2e.errors import IndexMissing, StoreError
from q2e.store import columns as loading
from q2e.store import erase, schema
from q2e.store.columns import Columns
from q2e.store.lock import hold

#: Part of the file that may lie empty before `optimise` writes it anew.
_SLACK = 0.25


@dataclass(slots=True, eq=False)
class View:
    """One state of the index: a connection inside a reading transaction, and its columns."""

    connection: sqlite3.Connection
    columns: Columns | None = None
    _channels: dict[int, str] | None = None

    @property
    def channels(self) -> dict[int, str]:
        """Names of channels by their numbers in the file."""
        if self._channels is None:
            self._channels = schema.channels(self.connection)
        return self._channels


def reading(path: Path) -> str:
    """Return the SQLite address for reading a file.

    SQLite writes beside what it reads. Where that is not allowed, as on a disc or in someone
    else's folder, and nobody has the file open, it is read as one that does not change.
    """
    allowed = os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)
    in_use = any(path.with_name(path.name + ending).exists() for ending in ("-wal", "-shm"))
    return path.absolute().as_uri() + ("" if allowed or in_use else "?immutable=1")


class Database:
    """One SQLite file, shared by threads; see `SqliteStore` for what it raises."""

    def __init__(self, path: Path, read_only: bool, wait_s: float) -> None:
        self.path = path
        self.read_only = read_only
        self._columns: Columns | None = None
        self._loading = threading.Lock()
        self._write_lock = threading.Lock()
        self.pinned = threading.local()
        self._pool: list[sqlite3.Connection] = []
        self._closed = False
        if read_only and not self.path.is_file():
            raise IndexMissing(f"{self.path} does not exist; make an index with  q2e index FOLDER")
        self._held: IO[str] | None = None if read_only else hold(self.path, wait_s)
        try:
            with self._guarded():
                self._main = self._connect()
                schema.migrate(self._main, self.path, read_only)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        where = reading(self.path) if self.read_only else self.path.absolute().as_uri()
        connection = sqlite3.connect(
            where, uri=True, check_same_thread=False, isolation_level=None, timeout=30.0
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            if self.read_only:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close all connections and free the writer's lock; closing twice does no harm."""
        self._closed = True
        while self._pool:
            self._pool.pop().close()
        if hasattr(self, "_main"):
            self._main.close()
        if self._held is not None:
            self._held.close()
            self._held = None

    def optimise(self) -> Mapping[str, int]:
        """Fold the log into the file; write it anew where a quarter of it lies empty.

        Returns the bytes of the files before and after.
        """
        before = self._size()
        with self._guarded(), self._write_lock:
            pages, free = (
                int(self._main.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count")
            )
            if free > _SLACK * pages and shutil.disk_usage(self.path.parent).free > 2 * before:
                self._main.execute("VACUUM")
            self._main.execute("PRAGMA optimize")
            self._main.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {"before_bytes": before, "after_bytes": self._size()}

    def scrub(self) -> None:
        """Write the file anew without what was deleted from it; see `q2e.store.erase`."""
        with self._guarded(), self._write_lock:
            erase.scrub(self._main, self.path)

    def _size(self) -> int:
        return sum(file.stat().st_size for file in self.path.parent.glob(self.path.name + "*"))

    def columns(self, view: View) -> Columns:
        """Return the columns of the state a view sees, read now or shared with other threads."""
        if view.columns is None:
            # An older file counts nothing that was made again.
            now, *remade = view.connection.execute("SELECT * FROM generation").fetchone()
            state = loading.FileState(now, *remade)
            with self._loading:
                known = self._columns
                if known is None or known.generation < now:
                    known = self._columns = loading.read(
                        view.connection, view.channels, state, known
                    )
            # Another thread may have moved on since this view began.
            if known.generation > now:
                known = loading.read(view.connection, view.channels, state, None)
            view.columns = known
        return view.columns

    @contextmanager
    def view(self) -> Iterator[View]:
        pinned: View | None = getattr(self.pinned, "view", None)
        with self._guarded():
            if pinned is not None:
                yield pinned
                return
            try:
                connection = self._pool.pop()
            except IndexError:
                connection = self._connect()
            try:
                connection.execute("BEGIN")
                yield View(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if self._closed:
                    connection.close()
                else:
                    self._pool.append(connection)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_plainly(error)}") from None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction; nothing of it stays where it fails."""
        if self.read_only:
            raise StoreError(f"{self.path} was opened for reading")
        with self._guarded(), self._write_lock:
            connection = self._main
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("UPDATE generation SET number = number + 1")
                connection.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself, as when the disk is full.
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise


def _plainly(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return f"{text}; free some room and run the command again, nothing stored is lost"
    if "malformed" in text or "not a database" in text:
        return f"{text}; delete the file and run  q2e index  again"
    return text
