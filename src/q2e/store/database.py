"""The SQLite file: its connections, reading states, writing transactions and writer's lock."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Int64
from q2e.errors import IndexMissing, StoreError
from q2e.store import changed, erase, schema, sessions, sql
from q2e.store.columns import Columns
from q2e.store.inserting import SqliteWriter
from q2e.store.lock import Held, hold
from q2e.store.rows import pack
from q2e.store.shelf import Shelves
from q2e.store.sql import Dialect, State
from q2e.store.states import States

#: Lists are given as JSON, and the facts of a video lie in its row as JSON.
_OURS = Dialect(
    among="id IN (SELECT value FROM json_each(?))",
    listed=json.dumps,
    tagged="(SELECT value FROM json_each(?)) IN (SELECT value FROM json_each(facts, '$.tags'))",
    tag=lambda tag: json.dumps([tag]),
    duration_s="json_extract(facts, '$.duration_s')",
    times="e.start_s, e.end_s, json_extract(CAST(e.body AS TEXT), '$.frame_s')",
    holds="instr({}, ?) > 0",
    noting=changed.SQLITE,
)

#: Part of the file that may lie empty before `optimise` writes it anew.
_SLACK = 0.25


@dataclass(slots=True, eq=False)
class View:
    """One state of the index: a connection inside a reading transaction, and its columns."""

    connection: sqlite3.Connection
    columns: Columns | None = None
    dialect: Dialect = _OURS
    _channels: dict[int, str] | None = None

    def state(self) -> State:
        """Return which state it is."""
        # An older file counts nothing that was made again.
        return State(*self.connection.execute("SELECT * FROM generation").fetchone())

    def postings(self, term: str) -> tuple[Int64, Any]:
        """Return the ids of the evidence that holds a term, and how often it does."""
        blobs = self.connection.execute(
            "SELECT evidence, count FROM posting WHERE term = ? ORDER BY stage", (pack(term),)
        ).fetchall()
        ids = np.frombuffer(b"".join(blob[0] for blob in blobs), "<i8")
        return ids, np.frombuffer(b"".join(blob[1] for blob in blobs), "<u2")

    def shelves(self, number: int) -> Shelves | None:
        """Return where what is made of state `number` is kept, if the file says who wrote it."""
        return Shelves.of(sessions.lineage(self.connection, number), number)

    def batches(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """Yield what a statement finds, `size` rows at a time."""
        found = self.connection.execute(sql, values)
        while some := found.fetchmany(size):
            yield some

    @property
    def listed(self) -> str:
        """What to read of videos from; an older file lacks the columns by which they are listed."""
        return schema.listed(self.connection)

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


class Database(States):
    """One SQLite file, shared by threads; see `SqliteStore` for what it raises."""

    def __init__(self, path: Path, read_only: bool, wait_s: float) -> None:
        self.path = path
        self.read_only = read_only
        super().__init__()
        self._write_lock = threading.Lock()
        self._pool: list[sqlite3.Connection] = []
        self._closed = self._marked = False
        if read_only and not self.path.is_file():
            raise IndexMissing(f"{self.path} does not exist; make an index with  q2e index FOLDER")
        self._held: Held | None = None if read_only else hold(self.path, wait_s)
        try:
            with self._guarded():
                self._main = self._connect()
                schema.migrate(self._main, self.path, read_only)
                if self._held is not None and self._held.passed_over:
                    _begin_epoch(self._main)
                self._epoch = _epoch(self._main)
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

    @contextmanager
    def view(self) -> Iterator[sql.View]:
        with self._guarded():
            if self.held is not None:
                yield self.held
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
    def writing(self) -> Iterator[SqliteWriter]:
        """Run one transaction; nothing of it stays where it fails."""
        if self.read_only:
            raise StoreError(f"{self.path} was opened for reading")
        with self._guarded(), self._write_lock:
            connection = self._main
            connection.execute("BEGIN IMMEDIATE")
            try:
                if _epoch(connection) != self._epoch:
                    raise StoreError(
                        f"{self.path}: another process writes it, since this one had given no sign "
                        "of life; nothing more is written, run the command again"
                    )
                yield SqliteWriter(connection)
                connection.execute("UPDATE generation SET number = number + 1")
                if not self._marked:
                    sessions.begin(connection)
                connection.execute("COMMIT")
                self._marked = True
            except BaseException:
                # SQLite may have rolled back by itself, as when the disk is full.
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise


#: The setting that counts how often a writer was passed over.
_EPOCH = b"writer.epoch"


def _epoch(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (_EPOCH,)).fetchone()
    return 0 if row is None else int(row[0])


def _begin_epoch(connection: sqlite3.Connection) -> None:
    """Let the writer before this one write no more."""
    connection.execute("BEGIN IMMEDIATE")
    later = str(_epoch(connection) + 1).encode()
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (_EPOCH, later))
    connection.execute("COMMIT")


def _plainly(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return f"{text}; free some room and run the command again, nothing stored is lost"
    if "malformed" in text or "not a database" in text:
        return f"{text}; delete the file and run  q2e index  again"
    return text
