"""What one stage found, as rows of the SQLite file: inside one writing transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.store.base import Item
from q2e.store.rows import body, by_space, by_term, other_dimension, pack


class SqliteWriter:
    """The writing connection inside a transaction; see `q2e.store.sql.Writer`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self.executemany = connection.executemany

    def put_items(self, stage: int, video: int, items: Sequence[Item]) -> None:
        """Add what a stage found, with its vectors and postings."""
        number_of = {name: self._channel(name) for name in {i.evidence.channel for i in items}}
        stored: list[tuple[int, Item]] = []
        for item in items:
            one = item.evidence
            added = self.execute(
                "INSERT INTO evidence "
                "(stage, video, channel, start_s, end_s, length, language, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    stage,
                    video,
                    number_of[one.channel],
                    one.start_s,
                    one.end_s,
                    len(item.tokens),
                    one.language,
                    body(one),
                ),
            )
            stored.append((int(added.lastrowid or 0), item))
        self.put_vectors(stage, ((each, item.evidence.vectors) for each, item in stored))
        self.put_postings(stage, ((each, item.tokens) for each, item in stored))

    def _channel(self, name: str) -> int:
        """Return a channel's number, given at its first use and never to another one."""
        self.execute("INSERT OR IGNORE INTO channel (name) VALUES (?)", (name,))
        row = self.execute("SELECT number FROM channel WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def put_vectors(self, stage: int, vectors: Iterable[tuple[int, Mapping[str, Float32]]]) -> None:
        for name, (ids, data) in by_space(vectors).items():
            space = self._space(name, data.shape[1])
            self.execute(
                "INSERT INTO vector (stage, space, evidence, data) VALUES (?, ?, ?, ?)",
                (stage, space, ids.tobytes(), data.tobytes()),
            )

    def _space(self, name: str, dimension: int) -> int:
        self.execute(
            "INSERT OR IGNORE INTO space (name, dimension) VALUES (?, ?)", (pack(name), dimension)
        )
        number, known = self.execute(
            "SELECT number, dimension FROM space WHERE name = ?", (pack(name),)
        ).fetchone()
        if known != dimension:
            raise other_dimension(name, known, dimension)
        return int(number)

    def put_postings(self, stage: int, tokens: Iterable[tuple[int, Sequence[str]]]) -> None:
        self.execute("DELETE FROM posting WHERE stage = ?", (stage,))
        rows: list[tuple[Any, ...]] = [
            (pack(term), stage, np.array(ids, "<i8").tobytes(), np.array(counts, "<u2").tobytes())
            for term, (ids, counts) in by_term(tokens).items()
        ]
        self.executemany("INSERT INTO posting VALUES (?, ?, ?, ?)", rows)

    def drop_vectors(self, space: str, stage: int | None = None) -> None:
        self.execute(
            "DELETE FROM vector WHERE space = (SELECT number FROM space WHERE name = ?)"
            + ("" if stage is None else " AND stage = ?"),
            (pack(space), *(() if stage is None else (stage,))),
        )
        if stage is None:
            self.execute("DELETE FROM space WHERE name = ?", (pack(space),))
