"""Finds the best videos in SQL: vectors by pgvector, words by counts that the server sums up.

Without an index of vectors the server scans them all, and misses nothing; with one (HNSW) it may.
Words are always exact. The server rounds questions to half precision, so that floors have a margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.store import rows as packing
from q2e.store.base import Searched, Table
from q2e.store.engine import Best, Counts, Pieces, Request, Words
from q2e.store.postgres import finding
from q2e.store.postgres.asking import term_key
from q2e.store.postgres.finding import SCORED, Only, counted
from q2e.types import Evidence, Filters, in_order

if TYPE_CHECKING:
    from q2e.store.postgres.database import Database
    from q2e.store.sql import View


@dataclass(slots=True)
class PostgresEngine:
    """Answers from one generation, within the snapshots of its store."""

    catalogue: Searched
    database: Database
    scanning: bool = False
    """Whether indexes of vectors are passed by."""
    _counts: tuple[int, Counts] | None = None
    _exact: tuple[int, bool] | None = None
    _last: dict[tuple[int, tuple[str, ...]], Pieces] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether no index of vectors is asked, so that nothing is missed."""
        if self.scanning:
            return True
        with self.database.view() as view:
            number = view.state().number
            if self._exact is None or self._exact[0] != number:
                self._exact = number, not indexed(view, self.database.place.schema)
            return self._exact[1]

    def version(self) -> int:
        """Return the number of the state that is seen."""
        with self.database.view() as view:
            return view.state().number

    # -- finding --------------------------------------------------------------------------------
    def best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        """Return for each request the `k` best videos of each channel, by their best piece."""
        with self.database.view() as view:
            only = replace(Only.of(view, filters), scanned=self.scanning)
            return finding.best(view, asked, only, k)

    def lexical(self, terms: Sequence[str], evidence_id: Int64) -> tuple[Int64, Float32]:
        """Return which of the pieces (n,), by place, hold any of the terms, and their scores."""
        if not terms:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        of = "SELECT id, score FROM scored WHERE id = ANY(?) ORDER BY id"
        with self.database.view() as view:
            values = (*counted({0: terms}), evidence_id.tolist())
            found = view.connection.execute(SCORED + of, values).fetchall()
        place = np.searchsorted(evidence_id, np.array([one for one, _ in found], np.int64))
        return place.astype(np.int64), np.array([score for _, score in found], np.float32)

    def rows(self, filters: Filters, evidence_id: Int64) -> Bool | None:
        """Return the mask (n,) of pieces that satisfy filters, None where all do."""
        if filters == Filters():
            return None
        with self.database.view() as view:
            only = Only.of(view, filters)
            found = view.connection.execute(
                f"SELECT e.id FROM evidence e WHERE e.id = ANY(?){only.sql}",
                (evidence_id.tolist(), *only.values),
            ).fetchall()
        return np.isin(evidence_id, [one for (one,) in found])

    # -- what is known --------------------------------------------------------------------------
    def complete(self, videos: Sequence[str]) -> Pieces:
        """Return all evidence of videos, in order of storage; what was asked last is kept."""
        with self.database.view() as view:
            key = view.state().number, tuple(videos)
            if key not in self._last:
                kept = [one for one in self._last.items() if one[0][0] == key[0]][-1:]
                self._last = dict(kept) | {key: _complete(view, videos)}
            return self._last[key]

    def evidence(self, evidence_id: Int64) -> list[Evidence]:
        """Return whole evidence, without vectors, of pieces (n,)."""
        ids = evidence_id.tolist()
        with self.database.view() as view:
            found = {
                row[0]: packing.evidence(row[1:], view.channels)
                for row in view.connection.execute(
                    f"SELECT e.id, {packing.EVIDENCE} FROM evidence e JOIN video v "
                    "ON v.number = e.video WHERE e.id = ANY(?)",
                    (ids,),
                )
            }
        return [found[one] for one in ids]

    def times_s(self, evidence_id: Int64) -> Float64:
        """Return (n, 3) times of pieces (n,), as `Searched.times_s` does."""
        ids = evidence_id.tolist()
        asked = "SELECT e.id, {} FROM evidence e WHERE e.id = ANY(?)"
        with self.database.view() as view:
            rows = view.connection.execute(asked.format(view.dialect.times), (ids,)).fetchall()
        found = {number: times for number, *times in rows}
        return np.array([found[one] for one in ids], np.float64).reshape(-1, 3)

    def counts(self) -> Counts:
        """Return the numbers of the collection."""
        with self.database.view() as view:
            number = view.state().number
            if self._counts is None or self._counts[0] != number:
                row = view.connection.execute(
                    "SELECT (SELECT count(*) FROM video), (SELECT count(*) FROM evidence)"
                ).fetchone()
                texts = view.connection.execute("SELECT name, pieces FROM channel").fetchall()
                self._counts = number, Counts(int(row[0]), int(row[1]), dict(texts))
            return self._counts[1]

    def statistics(self, terms: Sequence[str]) -> Mapping[str, Words]:
        """Return by channel with text what the weights of terms rest on."""
        term_of = {term_key(term): term for term in terms}
        of = "SELECT channel, term, pieces FROM word WHERE term = ANY(?::bytea[]) AND pieces > 0"
        with self.database.view() as view:
            held: dict[int, dict[str, int]] = {}
            for channel, term, pieces in view.connection.execute(of, (list(term_of),)):
                held.setdefault(channel, {})[term_of[bytes(term)]] = int(pieces)
            asked = "SELECT number, name, pieces, words FROM channel WHERE pieces > 0"
            return {
                name: Words(int(pieces), int(words), held.get(number, {}))
                for number, name, pieces, words in view.connection.execute(asked).fetchall()
            }

    def panel(self, size: int) -> tuple[str, ...]:
        """Return `size` videos, or all: those whose names have the lowest hashes."""
        asked = "SELECT id FROM video ORDER BY md5(id), id LIMIT ?"
        with self.database.view() as view:
            return tuple(row[0] for row in view.connection.execute(asked, (size,)))


def indexed(view: View, schema: str) -> bool:
    """Return whether vectors have an index, which may miss some."""
    asked = (
        "SELECT 1 FROM pg_indexes WHERE schemaname = ? "
        "AND position(' USING hnsw ' IN indexdef) > 0 LIMIT 1"
    )
    return view.connection.execute(asked, (schema,)).fetchone() is not None


def _complete(view: View, videos: Sequence[str]) -> Pieces:
    connection = view.connection
    known = connection.execute(
        "SELECT number, id, duration_s FROM video WHERE id = ANY(?) ORDER BY number",
        (list(videos),),
    ).fetchall()
    numbers = [number for number, _, _ in known]
    columns = connection.execute(
        "SELECT id, video, channel, start_s, end_s, length FROM evidence "
        "WHERE video = ANY(?) ORDER BY id",
        (numbers,),
    ).fetchall()
    ids, video, channel, start_s, end_s, length = (
        zip(*columns, strict=True) if columns else ((),) * 6
    )
    names = in_order(view.channels.values())
    code = {number: names.index(name) for number, name in view.channels.items()}
    evidence_id = np.array(ids, np.int64)
    table = Table(
        version=view.state().number,
        evidence_id=evidence_id,
        video=np.searchsorted(numbers, np.array(video, np.int64)).astype(np.int32),
        channel=np.array([code[number] for number in channel], np.int16),
        start_s=np.array(start_s, np.float32),
        end_s=np.array(end_s, np.float32),
        length=np.array(length, np.int32),
        video_ids=tuple(name for _, name, _ in known),
        channels=names,
    )
    duration_s = np.array([length for _, _, length in known], np.float64)
    return Pieces(table, _vectors(view, numbers, evidence_id), duration_s)


def _vectors(
    view: View, numbers: Sequence[int], evidence_id: Int64
) -> dict[str, tuple[Int64, Float32]]:
    found: dict[str, list[tuple[Int64, Float32]]] = {}
    for name, dimension, ids, data in view.connection.execute(
        "SELECT p.name, p.dimension, v.evidence, v.data FROM vector v "
        "JOIN stage s ON s.number = v.stage JOIN space p ON p.number = v.space "
        "WHERE s.video = ANY(?)",
        (list(numbers),),
    ):
        matrix = np.frombuffer(data, "<f2").reshape(-1, dimension).astype(np.float32)
        own = np.searchsorted(evidence_id, np.frombuffer(ids, "<i8")).astype(np.int64)
        found.setdefault(packing.unpack(name), []).append((own, matrix))
    spaces = {}
    for space, parts in found.items():
        rows = np.concatenate([rows for rows, _ in parts])
        order = np.argsort(rows)
        spaces[space] = rows[order], np.concatenate([matrix for _, matrix in parts])[order]
    return spaces
