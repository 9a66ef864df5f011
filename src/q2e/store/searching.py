"""The verbs of a store that search, answered by the columns of a database in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.errors import StoreError
from q2e.store import filtering
from q2e.store import rows as packing
from q2e.store.base import NEXT_SPACE, Table
from q2e.store.facts import Facts
from q2e.store.known import Known
from q2e.store.rank import best, top
from q2e.store.shelf import Shelf
from q2e.store.sql import Connection, View, Writer
from q2e.types import Evidence, Filters

#: SQLite takes at most this many `?` in one statement by default.
_VARIABLES = 900
#: Rows whose times are asked for from which those of all are kept.
_MANY = 2_000


class Searching(Known):
    """The searching verbs of a store, exact: its `_database` gives the columns."""

    def view(self) -> AbstractContextManager[View]:
        """Lend a view of the newest state, or of the snapshot that this thread holds."""
        return self._database.view()

    def writing(self) -> AbstractContextManager[Writer]:
        """Run one transaction; nothing of it stays where it fails. Needs a writing store."""
        return self._database.writing()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._database.pinned():
            yield

    def table(self) -> Table:
        with self._database.view() as view:
            return self._database.columns(view).table

    def rows(self, filters: Filters) -> Bool | None:
        if filters == Filters():
            return None
        with self._database.view() as view:
            return filtering.mask(view, self._database.columns(view), filters)

    def dense(
        self, space: str, queries: Float32, *, mask: Bool | None = None, k: int | None = None
    ) -> list[tuple[Int64, Float32]]:
        with self._database.view() as view:
            columns = self._database.columns(view)
            rows, matrix = columns.space(view, space)
        asked = _asked(space, queries, matrix)
        if mask is None:
            return top(asked, rows, matrix, k)
        kept = _checked(mask, columns.table)[rows]
        if 4 * kept.sum() < len(kept):
            return top(asked, rows[kept], matrix[kept], k)
        # Copying most of the matrix would cost more than scoring all of it.
        scores = asked @ matrix.T
        return [best(rows[kept], line[kept], k) for line in scores]

    def lexical(
        self, tokens: Sequence[str], *, mask: Bool | None = None, k: int | None = None
    ) -> tuple[Int64, Float32]:
        with self._database.view() as view:
            columns = self._database.columns(view)
            scores = np.zeros(len(columns.table))
            for term, asked in Counter(tokens).items():
                holding, weight = columns.postings(view, term)
                scores[holding] += asked * weight
        if mask is not None:
            scores *= _checked(mask, columns.table)
        rows = np.flatnonzero(scores).astype(np.int64)
        return best(rows, scores[rows].astype(np.float32), k)

    def languages(self) -> tuple[str, ...]:
        with self._database.view() as view:
            spoken = set(self._database.columns(view).languages)
            rows = view.connection.execute("SELECT DISTINCT language FROM video").fetchall()
        return tuple(sorted(filter(None, spoken | {row[0] for row in rows})))

    def facts(self) -> Facts:
        """Return the facts of all videos, see `q2e.store.facts`."""
        with self._database.view() as view:
            return self._database.columns(view).facts(view)

    def shelved(self) -> tuple[Table, Shelf] | None:
        """Return a table that this one begins with, and the shelf of what is made of it."""
        with self._database.view() as view:
            return self._database.columns(view).shelved

    def durations_s(self, first: int = 0) -> Float64:
        """Return the lengths (n,) of the videos from number `first` of the table on."""
        with self._database.view() as view:
            numbers = self._database.columns(view).numbers
            if first >= len(numbers):
                return np.zeros(0)
            rows = view.connection.execute(
                f"SELECT {view.dialect.duration_s} FROM video WHERE number >= ? ORDER BY number",
                (int(numbers[first]),),
            ).fetchall()
            return np.array(rows, np.float64).reshape(-1)

    def spaces(self) -> Mapping[str, int]:
        with self._database.view() as view:
            counts = dict(self._database.columns(view).counts(view))
        counts.pop(self.setting(NEXT_SPACE) or "", None)
        return counts

    def vectors(self, space: str) -> tuple[Int64, Float32]:
        with self._database.view() as view:
            return self._database.columns(view).space(view, space)

    def evidence(self, rows: Iterable[int]) -> list[Evidence]:
        with self._database.view() as view:
            ids = self._database.columns(view).table.evidence_id[list(rows)].tolist()
            source = f"{packing.EVIDENCE} FROM evidence e JOIN video v ON v.number = e.video"
            found = {
                row[0]: packing.evidence(row[1:], view.channels)
                for row in _chosen(view.connection, source, ids)
            }
        return [found[evidence_id] for evidence_id in ids]

    def times_s(self, rows: Int64) -> Float64:
        with self._database.view() as view:
            columns = self._database.columns(view)
            if len(rows) > _MANY:
                return columns.times_s(view)[rows]
            ids = columns.table.evidence_id[rows].tolist()
            found = {
                number: times
                for number, *times in _chosen(
                    view.connection, f"{view.dialect.times} FROM evidence e", ids
                )
            }
        return np.array([found[one] for one in ids], np.float64).reshape(-1, 3)


def _chosen(connection: Connection, source: str, ids: list[int]) -> Iterator[Any]:
    """Yield rows of evidence by their ids, each with its id before the columns of `source`."""
    for start in range(0, len(ids), _VARIABLES):
        some = ids[start : start + _VARIABLES]
        marks = ", ".join("?" * len(some))
        yield from connection.execute(f"SELECT e.id, {source} WHERE e.id IN ({marks})", some)


def _asked(space: str, queries: Float32, matrix: Float32) -> Float32:
    asked = np.asarray(queries, dtype=np.float32)
    if len(matrix) and asked.shape[1:] != matrix.shape[1:]:
        raise StoreError(
            f"space {space!r} has {matrix.shape[1]} dimensions, got questions of {asked.shape}"
        )
    return asked[:, : matrix.shape[1]]


def _checked(mask: Bool, table: Table) -> Bool:
    if len(mask) != len(table):
        raise StoreError(
            f"a mask of {len(mask)} rows does not fit {table}; ask inside one `snapshot()`"
        )
    return mask
