"""The tables of an index in PostgreSQL, and the steps that bring an older one up to date.

A generation is a schema of its own, named in a file of the index's folder. Its tables are those of
the SQLite file as far as both need the same; what engines ask in SQL has columns that they can
index: counts of words, lengths, and vectors one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from q2e.errors import IndexMismatch, StoreError
from q2e.store import rows as packing

if TYPE_CHECKING:
    import psycopg

# Names and paths are bytes, because a path of Linux need not be valid text; such that may be long
# have a hash index, which takes any length. Text is compared byte by byte, as SQLite does.
_FIRST = """
CREATE TABLE video (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  date text COLLATE "C",
  language text COLLATE "C",
  duration_s double precision NOT NULL,
  tags bytea[] NOT NULL,
  facts text NOT NULL
);
CREATE INDEX ON video (md5(id));
CREATE TABLE channel (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  pieces bigint NOT NULL DEFAULT 0,
  words bigint NOT NULL DEFAULT 0
);
CREATE TABLE stage (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  video bigint NOT NULL REFERENCES video ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  part integer NOT NULL,
  channel integer REFERENCES channel,
  config_key text NOT NULL,
  segments text,
  frame_times text,
  terms text,
  text_space text,
  UNIQUE (video, name, part)
);
CREATE SEQUENCE evidence_id;
CREATE TABLE evidence (
  id bigint PRIMARY KEY,
  stage bigint NOT NULL REFERENCES stage ON DELETE CASCADE,
  video bigint NOT NULL,
  channel integer NOT NULL,
  start_s double precision NOT NULL,
  end_s double precision NOT NULL,
  frame_s double precision,
  length integer NOT NULL,
  language text COLLATE "C",
  body bytea NOT NULL
);
CREATE INDEX ON evidence (stage);
CREATE INDEX ON evidence (video);
CREATE TABLE space (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name bytea NOT NULL,
  dimension integer NOT NULL
);
CREATE TABLE vector (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stage bigint NOT NULL REFERENCES stage ON DELETE CASCADE,
  space integer NOT NULL REFERENCES space,
  evidence bytea STORAGE EXTERNAL NOT NULL,
  data bytea STORAGE EXTERNAL NOT NULL
);
CREATE INDEX ON vector (stage);
CREATE INDEX ON vector (space, id);
CREATE TABLE posting (
  term bytea NOT NULL,
  stage bigint NOT NULL REFERENCES stage ON DELETE CASCADE,
  video bigint NOT NULL,
  channel integer NOT NULL,
  evidence bigint[] NOT NULL,
  count integer[] NOT NULL,
  length integer[] NOT NULL
);
CREATE INDEX ON posting (term, channel);
CREATE INDEX ON posting (stage);
CREATE TABLE word (
  term bytea NOT NULL,
  channel integer NOT NULL REFERENCES channel,
  pieces bigint NOT NULL,
  PRIMARY KEY (term, channel)
) WITH (fillfactor = 80);
CREATE TABLE failure (
  path bytea NOT NULL,
  stage text COLLATE "C" NOT NULL,
  video text,
  reason bytea NOT NULL
);
CREATE INDEX ON failure USING hash (path);
CREATE TABLE setting (name bytea NOT NULL, value bytea NOT NULL);
CREATE INDEX ON setting USING hash (name);
CREATE TABLE generation (
  number bigint NOT NULL,
  remade bigint NOT NULL,
  epoch bigint NOT NULL,
  format integer NOT NULL
);
INSERT INTO generation VALUES (0, 0, 0, 0);
"""


def _m001_first(connection: psycopg.Connection[Any]) -> None:
    connection.execute(_FIRST)


#: By what videos are listed; the beginnings are those of `sql.HEAD`.
_LISTS = """
CREATE INDEX ON video (substr(path, 1, 500));
CREATE INDEX ON video (substr(title, 1, 500), substr(path, 1, 500));
CREATE INDEX ON video (coalesce(date, '') DESC, substr(path, 1, 500));
CREATE INDEX ON video (duration_s DESC, substr(path, 1, 500));
"""


def _m002_listed_by_columns(connection: psycopg.Connection[Any]) -> None:
    for name in ("path", "folder", "title", "said"):
        connection.execute(f"ALTER TABLE video ADD COLUMN {name} bytea NOT NULL DEFAULT ''")
    after = -1
    while some := connection.execute(
        "SELECT number, facts FROM video WHERE number > %s ORDER BY number LIMIT 1000", (after,)
    ).fetchall():
        after = some[-1][0]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE video SET duration_s = %s, path = %s, folder = %s, title = %s, said = %s "
                "WHERE number = %s",
                [(*packing.listed(packing.video(facts)), number) for number, facts in some],
            )
    connection.execute(_LISTS)


def _m003_deleted_by_the_writer(connection: psycopg.Connection[Any]) -> None:
    # Of these there is a row for each word and vector, and each was checked one by one.
    tables = connection.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint "
        "WHERE contype = 'f' AND confrelid = 'stage'::regclass "
        "AND conrelid::regclass::text ~ '^(posting|nearest_[0-9]+)$'"
    ).fetchall()
    for table, constraint in tables:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")


#: Steps in order; the number of steps taken is the format of an index. Only ever append.
MIGRATIONS: tuple[Callable[[psycopg.Connection[Any]], None], ...] = (
    _m001_first,
    _m002_listed_by_columns,
    _m003_deleted_by_the_writer,
)
#: The oldest format that is read as it lies, where it may not be written.
OLDEST_READ = 2


def there(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Return whether a database has a schema of a name."""
    asked = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
    return connection.execute(asked, (schema,)).fetchone() is not None


def make(connection: psycopg.Connection[Any], schema: str) -> None:
    """Make the tables of a new generation, in one transaction."""
    with connection.transaction():
        connection.execute(f'CREATE SCHEMA "{schema}"')
        connection.execute(f'SET LOCAL search_path TO "{schema}"')
        for step in MIGRATIONS:
            step(connection)
        connection.execute("UPDATE generation SET format = %s", (len(MIGRATIONS),))


def migrate(connection: psycopg.Connection[Any], where: str, read_only: bool) -> None:
    """Bring an index to the newest format, in one transaction; `where` is what to call it.

    What is opened for reading stays as it is. Raises IndexMismatch for a newer format, or one too
    old to be read as it lies, and StoreError for a schema that is no index.
    """
    found = connection.execute("SELECT to_regclass('generation')").fetchone()
    if found is None or found[0] is None:
        raise StoreError(f"{where} is no index of this q2e; name another database")
    row = connection.execute("SELECT format FROM generation").fetchone()
    version, newest = int(row[0]) if row else 0, len(MIGRATIONS)
    if version > newest:
        raise IndexMismatch(
            f"{where} was written by a newer q2e (format {version}, this one knows {newest}); "
            "upgrade with  git pull  in its repository, and install it again"
        )
    if version == newest or (read_only and version >= OLDEST_READ):
        return
    if read_only:
        raise IndexMismatch(
            f"{where} has the older format {version}; run any writing command, such as  "
            "q2e retry --failed,  to bring it up to date"
        )
    with connection.transaction():
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute("UPDATE generation SET format = %s", (newest,))
