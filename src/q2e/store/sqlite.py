"""The embedded store: one SQLite file holds the truth, numpy columns in memory answer questions.

Each write is one transaction, so an index is valid whenever the process ends. One process
writes at a time, held by a lock file; readers see what it commits without reopening.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from q2e.arrays import Bool, Float32, Int64
from q2e.errors import IndexLocked, StoreError
from q2e.store import rows as packing
from q2e.store.base import Failure, Item, StageKey, Table
from q2e.store.columns import Columns, bm25
from q2e.store.schema import migrate
from q2e.types import CHANNELS, Evidence, Filters, Segment, Video

#: SQLite takes at most this many `?` in one statement by default.
_VARIABLES = 900


class SqliteStore:
    """Keeps an index in the SQLite file `path`.

    A writing store holds `path.lock` until closed; `wait_s` says how long to wait for another
    writer. Safe to share between threads. Raises IndexLocked naming the process that writes,
    IndexMismatch for a file of another version, StoreError where the file cannot be used.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, wait_s: float = 0.0) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._lock = threading.RLock()
        self._columns = Columns()
        self._seen = -1
        self._held = None if read_only else _hold(self.path, wait_s)
        try:
            self._connection = self._connect()
            migrate(self._connection, self.path, read_only)
        except sqlite3.Error as error:
            self._let_go()
            raise StoreError(f"{self.path} cannot be opened: {error}") from None
        except StoreError:
            self._connection.close()
            self._let_go()
            raise

    def _connect(self) -> sqlite3.Connection:
        if self.read_only and not self.path.is_file():
            raise StoreError(f"{self.path} does not exist; make an index with  q2e index FOLDER")
        connection = sqlite3.connect(
            self.path, check_same_thread=False, isolation_level=None, timeout=30.0
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if self.read_only:
            connection.execute("PRAGMA query_only = ON")
        return connection

    # -- writing --------------------------------------------------------------------------------
    def put_video(self, video: Video) -> None:
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO video (id, path, duration_s, date, language, facts) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET path = excluded.path, "
                "duration_s = excluded.duration_s, date = excluded.date, "
                "language = excluded.language, facts = excluded.facts",
                packing.video_row(video),
            )

    def put_part(
        self,
        key: StageKey,
        config_key: str,
        items: Sequence[Item] = (),
        segments: Sequence[Segment] | None = None,
        frame_times_s: Sequence[float] | None = None,
    ) -> None:
        with self._writing() as connection:
            number = self._number(connection, key.video)
            self._forget(connection, number, key.stage, key.part)
            ids = [
                self._insert(connection, number, key.part, item.evidence, len(item.tokens))
                for item in items
            ]
            self._insert_vectors(connection, ids, items)
            self._insert_postings(connection, number, key.part, ids, items)
            connection.execute(
                "INSERT INTO stage VALUES (?, ?, ?, ?, ?, ?)",
                (
                    number,
                    key.stage,
                    key.part,
                    config_key,
                    None
                    if segments is None
                    else json.dumps([[one.start_s, one.end_s] for one in segments]),
                    None if frame_times_s is None else json.dumps(list(frame_times_s)),
                ),
            )
            connection.execute(
                "DELETE FROM failure WHERE video = ? AND stage = ?", (key.video, key.stage)
            )

    def _insert(
        self, connection: sqlite3.Connection, number: int, part: int, one: Evidence, length: int
    ) -> int:
        cursor = connection.execute(
            "INSERT INTO evidence (video, channel, part, start_s, end_s, length, language, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                CHANNELS.index(one.channel),
                part,
                one.start_s,
                one.end_s,
                length,
                one.language,
                packing.body(one),
            ),
        )
        return int(cursor.lastrowid or 0)

    def _insert_vectors(
        self, connection: sqlite3.Connection, ids: list[int], items: Sequence[Item]
    ) -> None:
        spaces: dict[str, int] = {}
        for evidence_id, item in zip(ids, items, strict=True):
            for name, vector in item.evidence.vectors.items():
                if name not in spaces:
                    spaces[name] = self._space(connection, name, len(vector))
                connection.execute(
                    "INSERT INTO vector VALUES (?, ?, ?)",
                    (spaces[name], evidence_id, np.asarray(vector, dtype="<f2").tobytes()),
                )

    def _space(self, connection: sqlite3.Connection, name: str, dimension: int) -> int:
        connection.execute(
            "INSERT OR IGNORE INTO space (name, dimension) VALUES (?, ?)", (name, dimension)
        )
        number, known = connection.execute(
            "SELECT number, dimension FROM space WHERE name = ?", (name,)
        ).fetchone()
        if known != dimension:
            raise StoreError(f"space {name!r} has {known} dimensions, got a vector of {dimension}")
        return int(number)

    def _insert_postings(
        self,
        connection: sqlite3.Connection,
        number: int,
        part: int,
        ids: list[int],
        items: Sequence[Item],
    ) -> None:
        found: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for evidence_id, item in zip(ids, items, strict=True):
            code = CHANNELS.index(item.evidence.channel)
            for term, count in Counter(item.tokens).items():
                found.setdefault((term, code), []).append((evidence_id, min(count, 65_535)))
        connection.executemany(
            "INSERT INTO posting VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    term,
                    number,
                    code,
                    part,
                    np.array([one for one, _ in where], dtype="<i8").tobytes(),
                    np.array([count for _, count in where], dtype="<u2").tobytes(),
                )
                for (term, code), where in found.items()
            ],
        )

    def _forget(
        self, connection: sqlite3.Connection, number: int, stage: str, part: int | None
    ) -> None:
        """Delete what a stage found in a part of a video, or in all of it."""
        where, values = "video = ?", [number]
        if part is not None:
            where, values = where + " AND part = ?", [number, part]
        connection.execute(f"DELETE FROM stage WHERE {where} AND name = ?", (*values, stage))
        if stage in CHANNELS:
            code = CHANNELS.index(stage)
            for table in ("evidence", "posting"):
                connection.execute(
                    f"DELETE FROM {table} WHERE {where} AND channel = ?", (*values, code)
                )

    def put_failure(self, failure: Failure) -> None:
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO failure (path, stage, video, reason) VALUES (?, ?, ?, ?)",
                (failure.path, failure.stage or "", failure.video, failure.reason),
            )

    def clear_failure(self, path: str) -> None:
        with self._writing() as connection:
            connection.execute("DELETE FROM failure WHERE path = ?", (path,))

    def remove_video(self, video_id: str) -> bool:
        with self._writing() as connection:
            cursor = connection.execute("DELETE FROM video WHERE id = ?", (video_id,))
            return cursor.rowcount > 0

    def drop_stage(self, video_id: str, stage: str) -> None:
        with self._writing() as connection:
            self._forget(connection, self._number(connection, video_id), stage, None)

    def set_setting(self, name: str, value: str) -> None:
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def optimise(self) -> None:
        """Fold the write-ahead log into the file and let SQLite look after its statistics."""
        with self._guarded() as connection:
            connection.execute("PRAGMA optimize")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- what is known --------------------------------------------------------------------------
    def videos(self) -> list[Video]:
        with self._guarded() as connection:
            rows = connection.execute("SELECT facts FROM video ORDER BY number").fetchall()
        return [packing.video(row[0]) for row in rows]

    def video(self, video_id: str) -> Video | None:
        with self._guarded() as connection:
            row = connection.execute("SELECT facts FROM video WHERE id = ?", (video_id,)).fetchone()
        return None if row is None else packing.video(row[0])

    def done(self, video_id: str) -> Mapping[tuple[str, int], str]:
        with self._guarded() as connection:
            rows = connection.execute(
                "SELECT name, part, config_key FROM stage JOIN video ON number = video "
                "WHERE id = ?",
                (video_id,),
            ).fetchall()
        return {(name, part): key for name, part, key in rows}

    def segments(self, video_id: str) -> list[Segment]:
        with self._guarded() as connection:
            rows = connection.execute(
                "SELECT segments FROM stage JOIN video ON number = video "
                "WHERE id = ? AND segments IS NOT NULL ORDER BY part",
                (video_id,),
            ).fetchall()
        return [Segment(*pair) for row in rows for pair in json.loads(row[0])]

    def frame_times_s(self, video_id: str, part: int) -> list[float]:
        with self._guarded() as connection:
            row = connection.execute(
                "SELECT frame_times FROM stage JOIN video ON number = video "
                "WHERE id = ? AND part = ? AND frame_times IS NOT NULL",
                (video_id, part),
            ).fetchone()
        return [] if row is None else list(json.loads(row[0]))

    def failures(self) -> list[Failure]:
        with self._guarded() as connection:
            rows = connection.execute(
                "SELECT path, reason, video, stage FROM failure ORDER BY path, stage"
            ).fetchall()
        return [Failure(path, why, video, stage or None) for path, why, video, stage in rows]

    def setting(self, name: str) -> str | None:
        with self._guarded() as connection:
            row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def evidence_of(self, video_id: str) -> list[Evidence]:
        with self._guarded() as connection:
            rows = connection.execute(
                f"SELECT {packing.EVIDENCE} FROM evidence e JOIN video v ON v.number = e.video "
                "WHERE v.id = ? ORDER BY e.start_s, e.channel, e.id",
                (video_id,),
            ).fetchall()
        return [packing.evidence(row) for row in rows]

    # -- searching ------------------------------------------------------------------------------
    def table(self) -> Table:
        with self._guarded() as connection:
            return self._table(connection)

    def _table(self, connection: sqlite3.Connection) -> Table:
        # data_version tells whether another connection wrote; our own writes bump `_seen`.
        seen = int(connection.execute("PRAGMA data_version").fetchone()[0])
        if seen == self._seen and self._columns.table is not None:
            return self._columns.table
        connection.execute("BEGIN")
        try:
            generation = int(
                connection.execute(
                    "SELECT value FROM setting WHERE name = 'generation'"
                ).fetchone()[0]
            )
            table = self._columns.refresh(connection, generation, len(CHANNELS))
        finally:
            connection.execute("COMMIT")
        self._seen = seen
        return table

    def rows(self, filters: Filters) -> Bool | None:
        if filters == Filters():
            return None
        with self._guarded() as connection:
            table = self._table(connection)
            mask = np.ones(len(table), dtype=bool)
            if filters.channels:
                codes = [CHANNELS.index(name) for name in filters.channels if name in CHANNELS]
                mask &= np.isin(table.channel, codes)
            wanted = [packing.matches(one, filters) for one in self._ordered(connection, table)]
            mask &= np.array(wanted, dtype=bool)[table.video]
            if filters.languages:
                mask &= self._spoken(connection, table, filters.languages)
        return mask

    def _ordered(self, connection: sqlite3.Connection, table: Table) -> Iterator[Video]:
        for (facts,) in connection.execute("SELECT facts FROM video ORDER BY number"):
            yield packing.video(facts)

    def _spoken(
        self, connection: sqlite3.Connection, table: Table, languages: Sequence[str]
    ) -> Bool:
        marks = ", ".join("?" * len(languages))
        found = connection.execute(
            "SELECT e.id FROM evidence e JOIN video v ON v.number = e.video "
            f"WHERE coalesce(e.language, v.language) IN ({marks}) ORDER BY e.id",
            tuple(languages),
        ).fetchall()
        return np.isin(table.evidence_id, np.array([row[0] for row in found], dtype=np.int64))

    def dense(
        self,
        space: str,
        queries: Float32,
        *,
        mask: Bool | None = None,
        k: int | None = None,
    ) -> list[tuple[Int64, Float32]]:
        rows, matrix = self.vectors(space)
        if mask is not None:
            kept = mask[rows]
            rows, matrix = rows[kept], matrix[kept]
        if not len(rows):
            return [(rows, np.zeros(0, np.float32)) for _ in queries]
        scores = np.asarray(queries, dtype=np.float32) @ matrix.T
        return [_best(rows, line, k) for line in scores]

    def dense_rows(self, space: str, queries: Float32, rows: Int64) -> Float32:
        known, matrix = self.vectors(space)
        scores = np.full((len(queries), len(rows)), np.nan, dtype=np.float32)
        if len(known):
            place = np.searchsorted(known, rows).clip(max=len(known) - 1)
            found = known[place] == rows
            scores[:, found] = np.asarray(queries, np.float32) @ matrix[place[found]].T
        return scores

    def lexical(
        self,
        tokens: Sequence[str],
        *,
        mask: Bool | None = None,
        k: int | None = None,
    ) -> tuple[Int64, Float32]:
        with self._guarded() as connection:
            table = self._table(connection)
            terms = [
                (asked, *self._columns.postings(connection, term, table))
                for term, asked in Counter(tokens).items()
            ]
            scores = bm25(table, self._columns.count, self._columns.mean_length, terms)
        if mask is not None:
            scores = np.where(mask, scores, 0.0).astype(np.float32)
        rows = np.flatnonzero(scores > 0).astype(np.int64)
        return _best(rows, scores[rows], k)

    def spaces(self) -> Mapping[str, int]:
        with self._guarded() as connection:
            rows = connection.execute(
                "SELECT name, (SELECT count(*) FROM vector WHERE space = number) FROM space"
            ).fetchall()
        return {name: count for name, count in rows if count}

    def vectors(self, space: str) -> tuple[Int64, Float32]:
        with self._guarded() as connection:
            found = self._columns.space(connection, space, self._table(connection))
        return found.rows, found.matrix

    def evidence(self, rows: Iterable[int]) -> list[Evidence]:
        with self._guarded() as connection:
            table = self._table(connection)
            ids = [int(table.evidence_id[row]) for row in rows]
            found: dict[int, Evidence] = {}
            for start in range(0, len(ids), _VARIABLES):
                some = ids[start : start + _VARIABLES]
                marks = ", ".join("?" * len(some))
                for row in connection.execute(
                    f"SELECT e.id, {packing.EVIDENCE} FROM evidence e "
                    f"JOIN video v ON v.number = e.video WHERE e.id IN ({marks})",
                    some,
                ):
                    found[row[0]] = packing.evidence(row[1:])
        return [found[evidence_id] for evidence_id in ids]

    # -- plumbing -------------------------------------------------------------------------------
    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    def _number(self, connection: sqlite3.Connection, video_id: str) -> int:
        row = connection.execute("SELECT number FROM video WHERE id = ?", (video_id,)).fetchone()
        if row is None:
            raise StoreError(f"video {video_id!r} is not in the index")
        return int(row[0])

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StoreError(f"{self.path}: {error}") from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction; nothing of it stays where it fails."""
        if self.read_only:
            raise StoreError(f"{self.path} was opened for reading")
        with self._guarded() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("UPDATE setting SET value = value + 1 WHERE name = 'generation'")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._seen = -1


def _best(rows: Int64, scores: Float32, k: int | None) -> tuple[Int64, Float32]:
    """Return the k best, highest first and ties by row."""
    if k is not None and k < len(scores):
        # Everything that reaches the k-th score, so that ties at the edge fall by row too.
        edge = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = np.flatnonzero(scores >= edge)
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


def _hold(path: Path, wait_s: float) -> IO[str]:
    """Take the writer's lock beside `path`; it is let go when the file or process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    try:
        # Closed by the caller: holding the file open is what holds the lock.
        file = lock.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{lock} cannot be written: {error.strerror}") from None
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "another process"
                file.close()
                raise IndexLocked(
                    f"{path.parent} is being written by {holder}; wait for it, or use "
                    "--wait SECONDS"
                ) from None
            time.sleep(0.1)
    file.seek(0)
    file.truncate()
    since = time.strftime("%H:%M:%S")
    file.write(f"process {os.getpid()} on {socket.gethostname()} since {since}")
    file.flush()
    return file
