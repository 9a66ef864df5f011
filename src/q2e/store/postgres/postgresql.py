"""The store in PostgreSQL: a schema holds the truth, numpy columns in memory answer questions.

Each write is one transaction, so an index is valid whenever the process or the server ends. One
process writes at a time, held by an advisory lock; readers see what it commits without reopening.
Each call of a thread borrows a connection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from q2e.registry import method
from q2e.store import derived as deriving
from q2e.store import erase, rows
from q2e.store.base import NEXT_SPACE, UNKNOWN, Derived, Failure, Item, Remade, StageKey
from q2e.store.bulk import Part
from q2e.store.engine import Engine
from q2e.store.postgres import counting, place
from q2e.store.postgres import parts as putting
from q2e.store.postgres.address import Address
from q2e.store.postgres.database import Database
from q2e.store.postgres.engine import PostgresEngine, indexed
from q2e.store.rows import pack
from q2e.store.searching import Searching
from q2e.types import Filters, Segment, Video

#: Setting of the profile that an index is made with, which its folder says too.
_PROFILE = "profile"


class PostgresStore(Searching):
    """Keeps a generation of an index in a schema of a database; vectors in half precision.

    `file` is where a store of files would keep it: beside it a small file names the schema. A
    writing store holds the writer's lock until closed; `wait_s` says how long to wait for another
    writer. Safe to share between threads. Raises MissingDependency without psycopg, IndexLocked
    naming the process that writes, IndexMismatch for an index of another version, StoreError where
    the server cannot be reached or used.
    """

    def __init__(
        self, address: str, file: str | Path, *, read_only: bool = False, wait_s: float = 0.0
    ) -> None:
        self._database: Database = Database(address, Path(file), read_only, wait_s)
        # Of which state it was last asked whether vectors have an index, and the answer.
        self._indexed = -1, False

    # -- writing --------------------------------------------------------------------------------
    def put_video(self, video: Video) -> None:
        self.put_parts((video,), ())

    def put_part(
        self,
        key: StageKey,
        config_key: str,
        items: Sequence[Item] = (),
        segments: Sequence[Segment] | None = None,
        frame_times_s: Sequence[float] | None = None,
        derived: Derived = UNKNOWN,
    ) -> None:
        own = Part(key, config_key, items, segments, frame_times_s, derived)
        self.put_parts((), (own,))

    def put_parts(self, videos: Sequence[Video], parts: Sequence[Part]) -> None:
        """Put videos, then parts, in one transaction; see `q2e.store.bulk`."""
        for one in parts:
            rows.check_own(one.key, one.items)
        with self._database.writing() as writer:
            writer.put_videos(videos)
            putting.put(writer, parts)

    def put_derived(self, derived: Derived, remade: Sequence[Remade]) -> None:
        with self._database.writing(remade=True) as writer:
            for one in remade:
                deriving.replace(writer, derived, one)

    def adopt(self, kind: str, space: str) -> None:
        with self._database.writing(remade=True) as writer:
            deriving.adopt(writer, kind, space)

    def put_failure(self, failure: Failure) -> None:
        path, stage = pack(failure.path), failure.stage or ""
        with self._database.writing() as writer:
            writer.execute("DELETE FROM failure WHERE path = ? AND stage = ?", (path, stage))
            writer.execute(
                "INSERT INTO failure (path, stage, video, reason) VALUES (?, ?, ?, ?)",
                (path, stage, failure.video, pack(failure.reason)),
            )

    def clear_failure(self, path: str) -> None:
        with self._database.writing() as writer:
            writer.execute("DELETE FROM failure WHERE path = ?", (pack(path),))

    def remove_video(self, video_id: str) -> bool:
        with self._database.writing() as writer:
            return writer.drop_video(video_id)

    def forget(self, video: Video) -> bool:
        with self._database.writing() as writer:
            known = writer.drop_video(video.id)
            return erase.forget(writer, "position(?::bytea IN value) > 0", video) or known

    def shelved(self) -> None:
        """Return None: nothing is kept of a database beside it."""

    def set_setting(self, name: str, value: str) -> None:
        with self._database.writing() as writer:
            writer.execute("DELETE FROM setting WHERE name = ?", (pack(name),))
            writer.execute("INSERT INTO setting VALUES (?, ?)", (pack(name), pack(value)))
        if name == _PROFILE:
            database = self._database
            database.place = replace(database.place, profile=value)
            place.write(database.file, database.place)

    # -- looking after --------------------------------------------------------------------------
    def optimise(self) -> Mapping[str, int]:
        """Make what engines need and an older run could not make; room is the server's matter."""
        self._database.fill()
        return {}

    def scrub(self) -> None:
        """Write all tables anew, so that nothing of what was removed is left in them.

        The server's log of writes, copies and standbys keep it until they are overwritten.
        """
        self._database.scrub()

    def size_bytes(self) -> int:
        """Return the bytes that the generation takes in the database."""
        return self._database.size_bytes()

    def copied_by(self) -> str:
        """Return the commands that copy the generation and put the copy back."""
        schema, address = self._database.place.schema, self._database.address
        return (
            f"pg_dump --format=custom --schema={schema} --file={schema}.dump '{address}'  (and put "
            f"it back by  pg_restore --dbname='{address}' {schema}.dump)"
        )

    def engine(self) -> Engine | None:
        """Return what finds videos in SQL, where `build_engine` has made its indexes."""
        with self._database.view() as view:
            number = view.state().number
            if self._indexed[0] != number:
                self._indexed = number, indexed(view, self._database.place.schema)
            made = self._indexed[1]
        return PostgresEngine(self, self._database) if made else None

    # -- counting on the server, where nobody holds the columns -----------------------------------
    def counted(
        self, filters: Filters, videos: Sequence[str] | None, lengths_s: Sequence[float]
    ) -> Mapping[str, Mapping[str, int]] | None:
        """Return {facet: {value: videos}}; see `q2e.store.counting`."""
        if self._database.loaded:
            return None
        with self._database.view() as view:
            return counting.facets(view, filters, videos, lengths_s)

    def held(self) -> Mapping[str, int] | None:
        """Return how many pieces of evidence there are of each channel."""
        if self._database.loaded:
            return None
        with self._database.view() as view:
            return counting.held(view)

    def spaces(self) -> Mapping[str, int]:
        if self._database.loaded:
            return super().spaces()
        with self._database.view() as view:
            counts = counting.spaces(view)
        counts.pop(self.setting(NEXT_SPACE) or "", None)
        return counts

    def languages(self) -> tuple[str, ...]:
        if self._database.loaded:
            return super().languages()
        with self._database.view() as view:
            return counting.languages(view)

    def scan(self) -> Engine:
        """Return what finds the same without an index of vectors."""
        return PostgresEngine(self, self._database, scanning=True)

    def unfound(self) -> int:
        """Return how many vectors are not among those that are indexed."""
        return self._database.unfound()

    def build_engine(self) -> int:
        """Make the indexes of vectors anew, one for each space and channel; returns how many."""
        return self._database.build()

    def drop(self) -> None:
        """Remove the generation from the database, and close."""
        self._database.drop()

    # -- plumbing -------------------------------------------------------------------------------
    def close(self) -> None:
        """Close all connections and free the writer's lock; closing twice does no harm."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@method("store", needs=("postgres",))
def postgresql(
    file: Path, read_only: bool, wait_s: float, *, address: Address = "postgresql://"
) -> PostgresStore:
    """A database of a PostgreSQL server, with its columns in memory when searched.

    It is named by its address alone, as in `--store postgresql://user@host/database`. Passwords
    come from `PGPASSWORD`, `~/.pgpass` or a service file.
    """
    return PostgresStore(address, file, read_only=read_only, wait_s=wait_s)
