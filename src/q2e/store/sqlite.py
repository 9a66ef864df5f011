"""The embedded store: one SQLite file holds the truth, numpy columns in memory answer questions.

Each write is one transaction, so an index is valid whenever the process ends. One process
writes at a time, held by a lock file; readers see what it commits without reopening. No thread
waits for another to read: each call borrows a connection of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.errors import StoreError
from q2e.registry import method
from q2e.store import derived as deriving
from q2e.store import erase, filtering
from q2e.store import rows as packing
from q2e.store.base import NEXT_SPACE, UNKNOWN, Derived, Failure, Item, Remade, StageKey, Table
from q2e.store.database import Database
from q2e.store.rank import best, top
from q2e.types import Evidence, Filters, Segment, Video, in_order

#: SQLite takes at most this many `?` in one statement by default.
_VARIABLES = 900


class SqliteStore:
    """Keeps an index in the SQLite file `path`; vectors are kept in half precision.

    A writing store holds `path.lock` until closed; `wait_s` says how long to wait for another
    writer. Safe to share between threads. Raises IndexLocked naming the process that writes,
    IndexMismatch for a file of another version, StoreError where the file cannot be used.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, wait_s: float = 0.0) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._database = Database(self.path, read_only, wait_s)

    # -- writing --------------------------------------------------------------------------------
    def put_video(self, video: Video) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO video (id, date, language, facts) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET date = excluded.date, "
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
        derived: Derived = UNKNOWN,
    ) -> None:
        for one in (item.evidence for item in items):
            if (one.video, one.channel) != (key.video, key.channel):
                raise StoreError(
                    f"stage {key.stage!r} of video {key.video!r} found evidence of channel "
                    f"{one.channel!r} of video {one.video!r}; a channel reads for itself alone"
                )
        shots = [[s.start_s, s.end_s, s.movement] for s in segments or ()]
        cuts = None if segments is None else json.dumps(shots)
        times = None if frame_times_s is None else json.dumps([float(t) for t in frame_times_s])
        with self._database.writing() as connection:
            video = self._number(connection, key.video)
            connection.execute(
                "DELETE FROM stage WHERE video = ? AND name = ? AND part = ?",
                (video, key.stage, key.part),
            )
            stage = connection.execute(
                "INSERT INTO stage (video, name, part, config_key, segments, frame_times, terms, "
                "text_space) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (video, key.stage, key.part, config_key, cuts, times, derived.terms, derived.space),
            ).lastrowid
            packing.insert(connection, int(stage or 0), video, items)
            self._clear(connection, key.video, key.stage)

    def put_derived(self, derived: Derived, remade: Sequence[Remade]) -> None:
        with self._database.writing() as connection:
            for one in remade:
                deriving.replace(connection, derived, one)
            connection.execute("UPDATE generation SET remade = remade + 1")

    def adopt(self, kind: str, space: str) -> None:
        with self._database.writing() as connection:
            if deriving.adopt(connection, kind, space):
                connection.execute("UPDATE generation SET remade = remade + 1")

    def put_failure(self, failure: Failure) -> None:
        path, reason = packing.pack(failure.path), packing.pack(failure.reason)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO failure (path, stage, video, reason) VALUES (?, ?, ?, ?)",
                (path, failure.stage or "", failure.video, reason),
            )

    def clear_failure(self, path: str) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM failure WHERE path = ?", (packing.pack(path),))

    def remove_video(self, video_id: str) -> bool:
        with self._database.writing() as connection:
            cursor = connection.execute("DELETE FROM video WHERE id = ?", (video_id,))
            return cursor.rowcount > 0

    def forget(self, video: Video) -> bool:
        with self._database.writing() as connection:
            return erase.forget(connection, video)

    def scrub(self) -> None:
        """Write the file anew, so that nothing of what was removed is left in it."""
        self._database.scrub()

    def set_setting(self, name: str, value: str) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO setting VALUES (?, ?)",
                (packing.pack(name), packing.pack(value)),
            )

    def optimise(self) -> Mapping[str, int]:
        """Give unused room back to the disk; returns `before_bytes` and `after_bytes`."""
        return self._database.optimise()

    def _number(self, connection: sqlite3.Connection, video_id: str) -> int:
        row = connection.execute("SELECT number FROM video WHERE id = ?", (video_id,)).fetchone()
        if row is None:
            raise StoreError(f"video {video_id!r} is not in the index; put_video comes first")
        return int(row[0])

    def _clear(self, connection: sqlite3.Connection, video_id: str, stage: str) -> None:
        connection.execute("DELETE FROM failure WHERE video = ? AND stage = ?", (video_id, stage))

    # -- what is known --------------------------------------------------------------------------
    def videos(self) -> list[Video]:
        with self._database.view() as view:
            rows = view.connection.execute("SELECT facts FROM video ORDER BY number").fetchall()
        return [packing.video(row[0]) for row in rows]

    def video(self, video_id: str) -> Video | None:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT facts FROM video WHERE id = ?", (video_id,)
            ).fetchone()
        return None if row is None else packing.video(row[0])

    def done(self, video_id: str) -> Mapping[tuple[str, int], str]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT s.name, s.part, s.config_key FROM stage s JOIN video v "
                "ON v.number = s.video WHERE v.id = ?",
                (video_id,),
            ).fetchall()
        return {(name, part): key for name, part, key in rows}

    def outdated(self, derived: Derived) -> Mapping[StageKey, Derived]:
        with self._database.view() as view:
            return deriving.outdated(view.connection, derived)

    def found_by(self, key: StageKey) -> list[Evidence]:
        with self._database.view() as view:
            rows = view.connection.execute(
                f"SELECT {packing.EVIDENCE} FROM video v JOIN stage s ON s.video = v.number "
                "JOIN evidence e ON e.stage = s.number "
                "WHERE v.id = ? AND s.name = ? AND s.part = ? ORDER BY e.id",
                (key.video, key.stage, key.part),
            ).fetchall()
            return [packing.evidence(row, view.channels) for row in rows]

    def segments(self, video_id: str) -> list[Segment]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT s.segments FROM stage s JOIN video v ON v.number = s.video "
                "WHERE v.id = ? AND s.segments IS NOT NULL ORDER BY s.part",
                (video_id,),
            ).fetchall()
        return [Segment(*pair) for row in rows for pair in json.loads(row[0])]

    def frame_times_s(self, video_id: str, part: int) -> list[float]:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT s.frame_times FROM stage s JOIN video v ON v.number = s.video "
                "WHERE v.id = ? AND s.part = ? AND s.frame_times IS NOT NULL",
                (video_id, part),
            ).fetchone()
        return [] if row is None else list(json.loads(row[0]))

    def failures(self) -> list[Failure]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT path, reason, video, stage FROM failure ORDER BY path, stage"
            ).fetchall()
        return [
            Failure(packing.unpack(path), packing.unpack(why), video, stage or None)
            for path, why, video, stage in rows
        ]

    def setting(self, name: str) -> str | None:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT value FROM setting WHERE name = ?", (packing.pack(name),)
            ).fetchone()
        return None if row is None else packing.unpack(row[0])

    def evidence_of(self, video_id: str) -> list[Evidence]:
        with self._database.view() as view:
            rows = view.connection.execute(
                f"SELECT {packing.EVIDENCE} FROM video v JOIN stage s ON s.video = v.number "
                "JOIN evidence e ON e.stage = s.number WHERE v.id = ? "
                "ORDER BY e.id",
                (video_id,),
            ).fetchall()
            found = [packing.evidence(row, view.channels) for row in rows]
        order = in_order(one.channel for one in found)
        return sorted(found, key=lambda one: (one.start_s, order.index(one.channel)))

    # -- searching ------------------------------------------------------------------------------
    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._database.view() as view:
            self._database.pinned.view = view
            try:
                yield
            finally:
                self._database.pinned.view = None

    def table(self) -> Table:
        with self._database.view() as view:
            return self._database.columns(view).table

    def rows(self, filters: Filters) -> Bool | None:
        if filters == Filters():
            return None
        with self._database.view() as view:
            columns = self._database.columns(view)
            allowed, speaks, shuns = filtering.allowed_videos(view.connection, columns, filters)
        table = columns.table
        mask = allowed[table.video]
        if filters.channels:
            mask &= table.of_channels(filters.channels)
        if filters.without_channels:
            mask &= ~table.of_channels(filters.without_channels)
        if filters.languages:
            mask &= filtering.speaking(columns, filters.languages, speaks)
        if filters.without_languages:
            mask &= ~filtering.speaking(columns, filters.without_languages, shuns)
        return mask

    def dense(
        self, space: str, queries: Float32, *, mask: Bool | None = None, k: int | None = None
    ) -> list[tuple[Int64, Float32]]:
        with self._database.view() as view:
            columns = self._database.columns(view)
            rows, matrix = columns.space(view.connection, space)
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
                holding, weight = columns.postings(view.connection, term)
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

    def spaces(self) -> Mapping[str, int]:
        with self._database.view() as view:
            counts = dict(self._database.columns(view).counts(view.connection))
        counts.pop(self.setting(NEXT_SPACE) or "", None)
        return counts

    def vectors(self, space: str) -> tuple[Int64, Float32]:
        with self._database.view() as view:
            return self._database.columns(view).space(view.connection, space)

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
            ids = self._database.columns(view).table.evidence_id[rows].tolist()
            found = {
                number: times
                for number, *times in _chosen(
                    view.connection, f"{packing.TIMES} FROM evidence e", ids
                )
            }
        return np.array([found[one] for one in ids], np.float64).reshape(-1, 3)

    # -- plumbing -------------------------------------------------------------------------------
    def close(self) -> None:
        """Close all connections and free the writer's lock; closing twice does no harm."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@method("store")
def sqlite(file: Path, read_only: bool, wait_s: float) -> SqliteStore:
    """A file in the folder of the index, with its columns in memory when searched."""
    return SqliteStore(file, read_only=read_only, wait_s=wait_s)


def _chosen(connection: sqlite3.Connection, source: str, ids: list[int]) -> Iterator[Any]:
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
