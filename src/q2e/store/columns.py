"""The evidence of a store as numpy columns: filled once, then only what is new is added."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from q2e.arrays import Float32, Float64, Int32, Int64
from q2e.store.base import Table

_COLUMNS = "id, video, channel, start_s, end_s, length"
_CHUNK = 20_000
#: Postings kept in memory, by number of pieces of evidence.
_REMEMBERED = 20_000_000


@dataclass(slots=True)
class _Space:
    rows: Int64
    matrix: Float32
    last: int
    """Highest evidence id looked at."""


@dataclass(slots=True)
class Columns:
    """What searching needs of a SQLite store, in memory; `refresh` brings it up to date."""

    generation: int = -1
    version: int = 0
    table: Table | None = None
    count: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))
    """(channels,) pieces of evidence with text in each channel."""
    mean_length: Float64 = field(default_factory=lambda: np.zeros(0))
    _spaces: dict[str, _Space] = field(default_factory=dict)
    _postings: OrderedDict[str, tuple[Int64, Int32]] = field(default_factory=OrderedDict)
    _posted: int = 0

    def refresh(self, connection: sqlite3.Connection, generation: int, channels: int) -> Table:
        """Return the current table; reads only new rows where nothing was removed."""
        if self.table is not None and generation == self.generation:
            return self.table
        numbers, ids = _videos(connection)
        old = self.table
        last = int(old.evidence_id[-1]) if old is not None and len(old) else 0
        total = int(connection.execute("SELECT count(*) FROM evidence").fetchone()[0])
        fresh = _read(connection, last)
        grown = old is not None and len(old) + len(fresh[0]) == total
        if old is not None and grown and len(fresh[0]) == 0 and ids == old.video_ids:
            self.generation = generation
            return old
        if not grown or old is None or ids[: len(old.video_ids)] != old.video_ids:
            fresh = _read(connection, 0)
            self._spaces.clear()
            old = None
        fresh[1] = np.searchsorted(numbers, fresh[1])
        if old is not None:
            before: tuple[NDArray[Any], ...] = (
                old.evidence_id,
                old.video,
                old.channel,
                old.start_s,
                old.end_s,
                old.length,
            )
            fresh = [np.concatenate((was, new)) for was, new in zip(before, fresh, strict=True)]
        self.version += 1
        self.generation = generation
        self.table = Table(
            version=self.version,
            evidence_id=fresh[0].astype(np.int64),
            video=fresh[1].astype(np.int32),
            channel=fresh[2].astype(np.int16),
            start_s=fresh[3].astype(np.float32),
            end_s=fresh[4].astype(np.float32),
            length=fresh[5].astype(np.int32),
            video_ids=ids,
        )
        self._measure(self.table, channels)
        self._postings.clear()
        self._posted = 0
        return self.table

    def _measure(self, table: Table, channels: int) -> None:
        spoken = table.length > 0
        code = table.channel[spoken]
        self.count = np.bincount(code, minlength=channels)
        total = np.bincount(code, weights=table.length[spoken], minlength=channels)
        self.mean_length = np.divide(total, self.count, out=np.ones(channels), where=self.count > 0)

    def space(self, connection: sqlite3.Connection, name: str, table: Table) -> _Space:
        """Return the rows and vectors of one space."""
        known = self._spaces.get(name)
        last = int(table.evidence_id[-1]) if len(table) else 0
        if known is not None and known.last == last:
            return known
        found = connection.execute(
            "SELECT number, dimension FROM space WHERE name = ?", (name,)
        ).fetchone()
        if found is None:
            return _Space(np.zeros(0, np.int64), np.zeros((0, 0), np.float32), last)
        number, dimension = found
        ids, matrix = _vectors(connection, number, dimension, known.last if known else 0)
        rows = np.searchsorted(table.evidence_id, ids).astype(np.int64)
        if known is not None:
            rows = np.concatenate([known.rows, rows])
            matrix = np.concatenate([known.matrix, matrix])
        self._spaces[name] = _Space(rows, matrix, last)
        return self._spaces[name]

    def postings(
        self, connection: sqlite3.Connection, term: str, table: Table
    ) -> tuple[Int64, Int32]:
        """Return the rows that hold a term, and how often each does."""
        if term in self._postings:
            self._postings.move_to_end(term)
            return self._postings[term]
        blobs = connection.execute(
            "SELECT evidence, count FROM posting WHERE term = ?", (term,)
        ).fetchall()
        ids = np.frombuffer(b"".join(blob[0] for blob in blobs), dtype="<i8")
        counts = np.frombuffer(b"".join(blob[1] for blob in blobs), dtype="<u2").astype(np.int32)
        rows = np.searchsorted(table.evidence_id, ids).astype(np.int64)
        self._postings[term] = rows, counts
        self._posted += len(rows)
        while self._posted > _REMEMBERED and len(self._postings) > 1:
            _, (dropped, _) = self._postings.popitem(last=False)
            self._posted -= len(dropped)
        return rows, counts


def bm25(
    table: Table,
    count: Int64,
    mean_length: Float64,
    terms: Sequence[tuple[int, Int64, Int32]],
) -> Float32:
    """Return (E,) BM25 scores of every row, 0 where no term occurs.

    `terms` are (times in the question, rows, times in each row). Lucene's form:
    sum_t q_t idf_t f / (f + 1.2 (1 - 0.75 + 0.75 l / mean l)),
    idf_t = ln(1 + (N - n_t + 0.5) / (n_t + 0.5)), with N, n and mean l of each row's channel.
    """
    scores = np.zeros(len(table), dtype=np.float32)
    for asked, rows, found in terms:
        channel = table.channel[rows]
        holding = np.bincount(channel, minlength=len(count))
        idf = np.log1p((count - holding + 0.5) / (holding + 0.5))
        length = table.length[rows] / mean_length[channel]
        scores[rows] += asked * idf[channel] * found / (found + 1.2 * (0.25 + 0.75 * length))
    return scores


def _videos(connection: sqlite3.Connection) -> tuple[Int64, tuple[str, ...]]:
    rows = connection.execute("SELECT number, id FROM video ORDER BY number").fetchall()
    return np.array([row[0] for row in rows], dtype=np.int64), tuple(row[1] for row in rows)


def _read(connection: sqlite3.Connection, after: int) -> list[NDArray[Any]]:
    """Return the columns of the evidence whose id is above `after`."""
    cursor = connection.execute(
        f"SELECT {_COLUMNS} FROM evidence WHERE id > ? ORDER BY id", (after,)
    )
    # float64 holds every id below 2**53 exactly.
    whole = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 6)
    return list(whole.T)


def _vectors(
    connection: sqlite3.Connection, space: int, dimension: int, after: int
) -> tuple[Int64, Float32]:
    cursor = connection.execute(
        "SELECT evidence, data FROM vector WHERE space = ? AND evidence > ? ORDER BY evidence",
        (space, after),
    )
    ids: list[int] = []
    blocks: list[Float32] = []
    while rows := cursor.fetchmany(_CHUNK):
        ids.extend(row[0] for row in rows)
        data = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2")
        blocks.append(data.reshape(len(rows), dimension).astype(np.float32))
    matrix = np.concatenate(blocks) if blocks else np.zeros((0, dimension), np.float32)
    return np.array(ids, dtype=np.int64), matrix
