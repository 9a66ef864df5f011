"""The embedded store: one SQLite file holds the truth, numpy columns in memory answer questions.

Each write is one transaction, so an index is valid whenever the process ends. One process
writes at a time, held by a lock file; readers see what it commits without reopening. No thread
waits for another to read: each call borrows a connection of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from q2e.errors import StoreError
from q2e.registry import method
from q2e.store import derived as deriving
from q2e.store import erase
from q2e.store import rows as packing
from q2e.store.base import UNKNOWN, Derived, Failure, Item, Remade, StageKey
from q2e.store.database import Database
from q2e.store.searching import Searching
from q2e.store.sql import View, Writer
from q2e.types import Filters, Segment, Video


class SqliteStore(Searching):
    """Keeps an index in the SQLite file `path`; vectors are kept in half precision.

    A writing store holds `path.lock` until closed; `wait_s` says how long to wait for another
    writer. Safe to share between threads. Raises IndexLocked naming the process that writes,
    IndexMismatch for a file of another version, StoreError where the file cannot be used.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, wait_s: float = 0.0) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._database: Database = Database(self.path, read_only, wait_s)

    # -- counting -------------------------------------------------------------------------------
    def counted(
        self, filters: Filters, videos: Sequence[str] | None, lengths_s: Sequence[float]
    ) -> None:
        """Return None: facets are counted in columns."""

    def held(self) -> Mapping[str, int] | None:
        """Return how many pieces of evidence there are of each channel."""
        if self._database.loaded:
            return None
        with self._database.view() as view:
            rows = view.connection.execute("SELECT channel, count(*) FROM evidence GROUP BY 1")
            return {view.channels[channel]: int(number) for channel, number in rows}

    # -- writing --------------------------------------------------------------------------------
    def put_video(self, video: Video) -> None:
        with self._database.writing() as writer:
            writer.execute(packing.putting(), packing.video_row(video))

    def put_part(
        self,
        key: StageKey,
        config_key: str,
        items: Sequence[Item] = (),
        segments: Sequence[Segment] | None = None,
        frame_times_s: Sequence[float] | None = None,
        derived: Derived = UNKNOWN,
    ) -> None:
        packing.check_own(key, items)
        shots = [[s.start_s, s.end_s, s.movement] for s in segments or ()]
        cuts = None if segments is None else json.dumps(shots)
        times = None if frame_times_s is None else json.dumps([float(t) for t in frame_times_s])
        with self._database.writing() as writer:
            video = self._number(writer, key.video)
            writer.execute(
                "DELETE FROM stage WHERE video = ? AND name = ? AND part = ?",
                (video, key.stage, key.part),
            )
            stage = writer.execute(
                "INSERT INTO stage (video, name, part, config_key, segments, frame_times, terms, "
                "text_space) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (video, key.stage, key.part, config_key, cuts, times, derived.terms, derived.space),
            ).lastrowid
            writer.put_items(int(stage or 0), video, items)
            self._clear(writer, key.video, key.stage)

    def put_derived(self, derived: Derived, remade: Sequence[Remade]) -> None:
        with self._database.writing() as writer:
            for one in remade:
                deriving.replace(writer, derived, one)
            writer.execute("UPDATE generation SET remade = remade + 1")

    def adopt(self, kind: str, space: str) -> None:
        with self._database.writing() as writer:
            if deriving.adopt(writer, kind, space):
                writer.execute("UPDATE generation SET remade = remade + 1")

    def put_failure(self, failure: Failure) -> None:
        path, reason = packing.pack(failure.path), packing.pack(failure.reason)
        with self._database.writing() as writer:
            writer.execute(
                "INSERT OR REPLACE INTO failure (path, stage, video, reason) VALUES (?, ?, ?, ?)",
                (path, failure.stage or "", failure.video, reason),
            )

    def clear_failure(self, path: str) -> None:
        with self._database.writing() as writer:
            writer.execute("DELETE FROM failure WHERE path = ?", (packing.pack(path),))

    def remove_video(self, video_id: str) -> bool:
        with self._database.writing() as writer:
            cursor = writer.execute("DELETE FROM video WHERE id = ?", (video_id,))
            return cursor.rowcount > 0

    def forget(self, video: Video) -> bool:
        with self._database.writing() as writer:
            return erase.forget(writer, "instr(value, ?)", video)

    def scrub(self) -> None:
        """Write the file anew, so that nothing of what was removed is left in it."""
        self._database.scrub()

    def set_setting(self, name: str, value: str) -> None:
        with self._database.writing() as writer:
            writer.execute(
                "INSERT OR REPLACE INTO setting VALUES (?, ?)",
                (packing.pack(name), packing.pack(value)),
            )

    def optimise(self) -> Mapping[str, int]:
        """Give unused room back to the disk; returns `before_bytes` and `after_bytes`."""
        return self._database.optimise()

    def _number(self, writer: Writer, video_id: str) -> int:
        row = writer.execute("SELECT number FROM video WHERE id = ?", (video_id,)).fetchone()
        if row is None:
            raise StoreError(f"video {video_id!r} is not in the index; put_video comes first")
        return int(row[0])

    def _clear(self, writer: Writer, video_id: str, stage: str) -> None:
        writer.execute("DELETE FROM failure WHERE video = ? AND stage = ?", (video_id, stage))

    def outdated(self, derived: Derived) -> Iterator[tuple[StageKey, Derived]]:
        with self._database.view() as view:
            yield from deriving.outdated(view, derived, _told(view))

    def count_outdated(self, derived: Derived) -> int:
        with self._database.view() as view:
            return deriving.count_outdated(view, derived, _told(view))

    # -- plumbing -------------------------------------------------------------------------------
    def close(self) -> None:
        """Close all connections and free the writer's lock; closing twice does no harm."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _told(view: View) -> bool:
    """Return whether a file says how its tokens were made; one of an older format does not."""
    return "terms" in {row[1] for row in view.connection.execute("PRAGMA table_info(stage)")}


@method("store")
def sqlite(file: Path, read_only: bool, wait_s: float) -> SqliteStore:
    """A file in the folder of the index, with its columns in memory when searched."""
    return SqliteStore(file, read_only=read_only, wait_s=wait_s)
