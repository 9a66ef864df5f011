"""The database of an index: its connections, reading states and writing transactions."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.errors import IndexMissing, StoreError
from q2e.store import lock
from q2e.store.postgres import holding, nearest, place, schema
from q2e.store.postgres.address import connect, needed, own_name
from q2e.store.postgres.asking import Asking, PostgresView
from q2e.store.postgres.faults import lost, told
from q2e.store.postgres.writer import PostgresWriter
from q2e.store.sql import State, View
from q2e.store.states import States

if TYPE_CHECKING:
    import psycopg

#: Connections that are kept for the next call.
_IDLE = 8
#: Seconds in which the server may end the session of a connection that was lost.
_ENDED_S = 5.0


class Database(States):
    """One generation in a database, shared by threads; see `PostgresStore` for what it raises.

    Connections that were lost are made anew when next needed, so that a server that was started
    again is used again.
    """

    def __init__(self, address: str, file: Path, read_only: bool, wait_s: float) -> None:
        needed()
        super().__init__()
        self.address = address
        self.file = place.file_of(file)
        self.read_only = read_only
        self._write_lock = threading.Lock()
        self._ended = threading.Event()
        self._pool: list[psycopg.Connection[Any]] = []
        # Whoever does not close a handle ends its connections all the same.
        weakref.finalize(self, _close_all, self._pool)
        self._main: psycopg.Connection[Any] | None = None
        self._closed = False
        self._halves = False
        self._epoch = 0
        known = place.read(self.file)
        if known is None and read_only:
            raise IndexMissing(f"{self.file} does not exist; make an index with  q2e index FOLDER")
        self.place = known or place.fresh(file)
        try:
            with self._guarded():
                if read_only:
                    self._give_back(self._reading())
                else:
                    self._main = self._writing(wait_s, new=known is None)
                    self._epoch = holding.next_epoch(self._main)
                    self._begin_beating()
        except BaseException:
            self.close()
            raise

    # -- connections ----------------------------------------------------------------------------
    def _reading(self) -> psycopg.Connection[Any]:
        """Return a connection of which each transaction sees one state."""
        import psycopg

        connection = connect(self.address)
        try:
            self._look_there(connection)
            schema.migrate(connection, self._called, read_only=True)
            connection.autocommit = False
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        except BaseException:
            connection.close()
            raise
        return connection

    def _writing(self, wait_s: float, new: bool = False) -> psycopg.Connection[Any]:
        """Return the connection that holds the writer's lock; with `new` make the index."""
        connection = connect(self.address, own_name())
        try:
            holding.hold(connection, self.place.schema, self.file.parent, wait_s)
            if new:
                nearest.offer(connection)
                schema.make(connection, self.place.schema)
                if not place.write(self.file, self.place, new=True):
                    # Another process made the index meanwhile.
                    self._drop(connection)
                    connection.close()
                    self.place = place.read(self.file) or self.place
                    return self._writing(wait_s)
            self._look_there(connection)
            self._halves = nearest.extension(connection) is not None
            schema.migrate(connection, self._called, read_only=False)
        except BaseException:
            connection.close()
            raise
        return connection

    def _look_there(self, connection: psycopg.Connection[Any]) -> None:
        """Let a connection find tables in the schema of the index, and types of the extension."""
        if not schema.there(connection, self.place.schema):
            raise StoreError(
                f"{self.address} has no schema {self.place.schema}; put it back, as with  "
                f"pg_restore,  or delete {self.file} to begin anew"
            )
        types = nearest.extension(connection)
        names = ", ".join(f'"{one}"' for one in (self.place.schema, types) if one)
        connection.execute(f"SET search_path TO {names}")

    @property
    def _called(self) -> str:
        return f"{self.address} (schema {self.place.schema})"

    def _taken(self) -> tuple[psycopg.Connection[Any], State]:
        """Return a connection in which a reading transaction has begun, and the state it sees."""
        import psycopg

        while True:
            fresh = not self._pool
            try:
                connection = self._pool.pop()
            except IndexError:
                connection = self._reading()
            try:
                row = connection.execute("SELECT number, remade FROM generation").fetchone()
                assert row is not None
                return connection, State(*row)
            except psycopg.Error as error:
                connection.close()
                if fresh or not lost(error):
                    raise
                # The server was started again since: the others are lost too.
                self._let_go()

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        import psycopg

        if not connection.closed:
            with suppress(psycopg.Error):
                connection.rollback()
        if connection.closed or self._closed or len(self._pool) >= _IDLE:
            connection.close()
        else:
            self._pool.append(connection)

    def _let_go(self) -> None:
        _close_all(self._pool)

    def close(self) -> None:
        """Close all connections and free the writer's lock; closing twice does no harm."""
        self._closed = True
        self._ended.set()
        self._let_go()
        if self._main is not None:
            self._main.close()
            self._main = None

    # -- reading and writing --------------------------------------------------------------------
    @contextmanager
    def view(self) -> Iterator[View]:
        with self._guarded():
            if self.held is not None:
                yield self.held
                return
            connection, state = self._taken()
            try:
                yield PostgresView(Asking(connection), state)
            finally:
                self._give_back(connection)

    @contextmanager
    def writing(self, remade: bool = False) -> Iterator[PostgresWriter]:
        """Run one transaction; nothing of it stays where it fails.

        `remade` says that tokens or text vectors of stored evidence are made again.
        """
        with self._guarded(), self._write_lock, ExitStack() as stack:

            def begin(connection: psycopg.Connection[Any]) -> None:
                stack.enter_context(connection.transaction())

            connection = self._alive(begin)
            yield PostgresWriter(connection, self._halves)
            holding.advance(connection, self._epoch, remade, self._called)

    @contextmanager
    def alone(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend the writing connection, made anew where it was lost since the last transaction."""
        with self._guarded(), self._write_lock:
            yield self._alive(lambda connection: connection.execute("SELECT 1"))

    def _begin_beating(self) -> None:
        """Give signs of life while nothing is written, without which the lock is taken away."""
        own, ended = weakref.ref(self), self._ended

        def beat() -> None:
            while not ended.wait(lock.BEAT_S):
                database = own()
                if database is None:
                    return
                database._beat()
                del database  # nothing else may keep a handle that nobody closed

        threading.Thread(target=beat, name="q2e writer", daemon=True).start()

    def _beat(self) -> None:
        import psycopg

        # Who writes lives; what is lost is told by the next write.
        if self._write_lock.acquire(blocking=False):
            try:
                with suppress(psycopg.Error):
                    if (connection := self._main) is not None:
                        connection.execute("SELECT 1")
            finally:
                self._write_lock.release()

    def _alive(self, begin: Callable[[psycopg.Connection[Any]], object]) -> psycopg.Connection[Any]:
        """Return the writing connection after `begin`, on a new one where it was lost."""
        import psycopg

        if self.read_only:
            raise StoreError(f"{self.file} was opened for reading")
        assert self._main is not None
        try:
            begin(self._main)
        except psycopg.Error as error:
            if not lost(error):
                raise
            self._main.close()
            self._main = self._writing(_ENDED_S)
            begin(self._main)
        return self._main

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        import psycopg

        if self._closed:
            raise StoreError(f"{self.file} is closed")
        try:
            yield
        except psycopg.Error as error:
            raise told(error, self.address) from None

    # -- looking after --------------------------------------------------------------------------
    def size_bytes(self) -> int:
        """Return the bytes of all tables and their indexes."""
        asked = (
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
            "WHERE relnamespace = ?::regnamespace AND relkind = 'r'"
        )
        with self.view() as view:
            return int(view.connection.execute(asked, (self.place.schema,)).fetchone()[0])

    def tables(self, connection: psycopg.Connection[Any]) -> list[str]:
        """Return the names of all tables of the index."""
        asked = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1"
        return [row[0] for row in connection.execute(asked, (self.place.schema,))]

    def scrub(self) -> None:
        """Write all tables anew without what was deleted from them."""
        with self.alone() as connection:
            connection.execute("SET lock_timeout TO '10s'")
            try:
                for table in self.tables(connection):
                    connection.execute(f'VACUUM (FULL, ANALYZE) "{table}"')
            finally:
                connection.execute("RESET lock_timeout")

    def fill(self) -> None:
        """Make the tables of vectors for engines that are not there yet."""
        with self.alone() as connection:
            if not self._halves:
                self._halves = nearest.extension(connection) is not None
                self._look_there(connection)
            if self._halves and nearest.missing(connection):
                with connection.transaction():
                    nearest.fill(connection)
                    holding.advance(connection, self._epoch, False, self._called)

    def unfound(self) -> int:
        """Return how many vectors lie in no table that an index may be made of."""
        with self.view() as view:
            ask = view.connection.execute
            row = ask("SELECT coalesce(sum(length(evidence) / 8), 0)::bigint FROM vector")
            held = int(row.fetchone()[0])
            for (space,) in ask("SELECT number FROM space").fetchall():
                there = ask("SELECT to_regclass(?)", (f"nearest_{space}",)).fetchone()[0]
                if there is not None:
                    held -= int(ask(f"SELECT count(*) FROM nearest_{space}").fetchone()[0])
            return held

    def build(self) -> int:
        """Make the indexes of vectors anew and return how many; they answer from then on.

        Raises StoreError where the server has no pgvector.
        """
        self.fill()
        with self.alone() as connection, connection.transaction():
            if not self._halves:
                raise StoreError(
                    f"{self.address} has no extension pgvector; install it on the server and run  "
                    "CREATE EXTENSION vector  in the database"
                )
            made = nearest.build(connection)
            holding.advance(connection, self._epoch, False, self._called)
        return made

    def drop(self) -> None:
        """Remove the generation from the database and from the folder, and close."""
        with self.alone() as connection:
            self._drop(connection)
        self.file.unlink(missing_ok=True)
        self.close()

    def _drop(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f'DROP SCHEMA IF EXISTS "{self.place.schema}" CASCADE')


def _close_all(connections: list[psycopg.Connection[Any]]) -> None:
    while connections:
        connections.pop().close()
