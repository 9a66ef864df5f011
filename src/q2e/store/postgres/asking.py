"""Statements with `?` for psycopg, and views of one state of an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

from q2e.arrays import Int64
from q2e.store.changed import POSTGRESQL
from q2e.store.postgres.nearest import numbers
from q2e.store.rows import pack
from q2e.store.sql import Dialect, State

if TYPE_CHECKING:
    import psycopg

    from q2e.store.columns import Columns

#: Numbers cursors, of which a connection may have several open.
_CURSORS = count()
#: Longer words are kept by their digest: an index of PostgreSQL takes no long values.
_LONGEST = 512

DIALECT = Dialect(
    among="id = ANY(?)",
    listed=lambda ids: [text(one) for one in ids],
    tagged="? = ANY(tags)",
    tag=pack,
    duration_s="duration_s",
    times="e.start_s, e.end_s, e.frame_s",
    holds="position(?::bytea IN {}) > 0",
    noting=POSTGRESQL,
)


def term_key(term: str) -> bytes:
    """Return what a word is kept under: itself, or the digest of a very long one."""
    packed = pack(term)
    # No text begins with the byte 255.
    return packed if len(packed) <= _LONGEST else b"\xff" + sha256(packed).digest()


def text(value: str) -> str:
    """Return a text as PostgreSQL takes it; one that it cannot hold equals none that is there."""
    return value.replace("\0", "�").encode("utf-8", "replace").decode()


def _value(value: Any) -> Any:
    return text(value) if isinstance(value, str) else value


class Asking:
    """A connection of psycopg whose statements hold `?` for values; see `q2e.store.sql`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.psycopg = connection

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        given = [_value(one) for one in values]
        return self.psycopg.execute(sql.replace("?", "%s"), given, binary=True)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        given = [[_value(one) for one in row] for row in rows]
        if given:
            with self.psycopg.cursor() as cursor:
                cursor.executemany(sql.replace("?", "%s"), given)


@dataclass(slots=True, eq=False)
class PostgresView:
    """One state of the index: a connection inside a reading transaction, and its columns."""

    connection: Asking
    _state: State
    columns: Columns | None = None
    dialect: Dialect = DIALECT
    _channels: dict[int, str] | None = None

    @property
    def channels(self) -> dict[int, str]:
        """Names of channels by their numbers in the database."""
        if self._channels is None:
            found = self.connection.execute("SELECT number, name FROM channel ORDER BY number")
            self._channels = dict(found.fetchall())
        return self._channels

    @property
    def listed(self) -> str:
        """The table that has the columns by which videos are listed."""
        return "video"

    def state(self) -> State:
        """Return which state it is."""
        return self._state

    def shelves(self, number: int) -> None:
        """Return None: nothing is kept of a database beside it."""

    def postings(self, term: str) -> tuple[Int64, Any]:
        """Return the ids of the evidence that holds a term, and how often it does."""
        asked = (
            "COPY (SELECT u.id, u.count FROM posting p, unnest(p.evidence, p.count) u(id, count) "
            "WHERE p.term = %s ORDER BY u.id) TO STDOUT BINARY"
        )
        with self.connection.psycopg.cursor().copy(asked, (term_key(term),)) as copy:
            return numbers(b"".join(bytes(one) for one in copy))

    def batches(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """Yield what a statement finds, `size` rows at a time."""
        with self.connection.psycopg.cursor(name=f"q2e_rows_{next(_CURSORS)}") as cursor:
            given = [_value(one) for one in values]
            cursor.execute(sql.replace("?", "%s"), given, binary=True)
            while some := cursor.fetchmany(size):
                yield some
