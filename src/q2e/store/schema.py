"""The tables of the SQLite store, and the steps that bring an older index up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from q2e.errors import IndexMismatch, StoreError
from q2e.store import rows as packing

#: Marks a SQLite file as an index of ours: the letters `Q2E` and a 1.
APPLICATION_ID = 0x51324531

# A stage's row owns all that the stage found in one part of a video. Names and paths are bytes
# because a path of Linux need not be valid text. Vectors and postings of a part lie together: a
# row for each piece of evidence would be slower to read and, beyond a quarter of a page, larger.
_FIRST = """
CREATE TABLE video (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  date TEXT,
  language TEXT,
  facts TEXT NOT NULL
);
CREATE TABLE stage (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  video INTEGER NOT NULL REFERENCES video(number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  part INTEGER NOT NULL,
  config_key TEXT NOT NULL,
  segments TEXT,
  frame_times TEXT,
  UNIQUE (video, name, part)
);
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stage INTEGER NOT NULL REFERENCES stage(number) ON DELETE CASCADE,
  video INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  start_s REAL NOT NULL,
  end_s REAL NOT NULL,
  length INTEGER NOT NULL,
  language TEXT,
  body BLOB NOT NULL
);
CREATE INDEX evidence_of_stage ON evidence (stage);
CREATE TABLE space (
  number INTEGER PRIMARY KEY,
  name BLOB NOT NULL UNIQUE,
  dimension INTEGER NOT NULL
);
CREATE TABLE vector (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stage INTEGER NOT NULL REFERENCES stage(number) ON DELETE CASCADE,
  space INTEGER NOT NULL REFERENCES space(number),
  evidence BLOB NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX vector_of_stage ON vector (stage);
CREATE TABLE posting (
  term BLOB NOT NULL,
  stage INTEGER NOT NULL REFERENCES stage(number) ON DELETE CASCADE,
  evidence BLOB NOT NULL,
  count BLOB NOT NULL,
  PRIMARY KEY (term, stage)
) WITHOUT ROWID;
CREATE INDEX posting_of_stage ON posting (stage);
CREATE TABLE failure (
  path BLOB NOT NULL,
  stage TEXT NOT NULL,
  video TEXT,
  reason BLOB NOT NULL,
  PRIMARY KEY (path, stage)
) WITHOUT ROWID;
CREATE TABLE setting (name BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE generation (number INTEGER NOT NULL);
INSERT INTO generation VALUES (0);
"""


def _m001_first(connection: sqlite3.Connection) -> None:
    for statement in _FIRST.split(";"):
        if statement.strip():
            connection.execute(statement)


#: Channels by the numbers that stood for them in files of format 1, which knew no others.
_OF_FORMAT_1 = ("frame", "caption", "summary", "speech", "screen_text", "metadata", "sound")


def _m002_channels_by_name(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE channel (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)"
    )
    used = connection.execute("SELECT DISTINCT channel FROM evidence").fetchall()
    connection.executemany(
        "INSERT INTO channel VALUES (?, ?)", ((one, _OF_FORMAT_1[one]) for (one,) in used)
    )


def _m003_derived_apart(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE stage ADD COLUMN terms TEXT")
    connection.execute("ALTER TABLE stage ADD COLUMN text_space TEXT")
    connection.execute("ALTER TABLE generation ADD COLUMN remade INTEGER NOT NULL DEFAULT 0")
    connection.execute(
        "UPDATE stage SET text_space = (SELECT CAST(p.name AS TEXT) FROM vector v "
        "JOIN space p ON p.number = v.space "
        "JOIN setting s ON s.value = p.name AND s.name = CAST('space.text' AS BLOB) "
        "WHERE v.stage = stage.number)"
    )
    # The keys of older work hold the space of texts; see `q2e.ingest.keys`.
    connection.execute(
        "INSERT INTO setting SELECT CAST('keys.space' AS BLOB), value FROM setting "
        "WHERE name = CAST('space.text' AS BLOB)"
    )


#: By what videos are listed; the beginnings are those of `sql.HEAD`.
_LISTS = (
    "CREATE INDEX video_by_path ON video (substr(path, 1, 500), path, id)",
    "CREATE INDEX video_by_title ON video "
    "(substr(title, 1, 500), title, substr(path, 1, 500), path, id)",
    "CREATE INDEX video_by_date ON video (coalesce(date, '') DESC, substr(path, 1, 500), path, id)",
    "CREATE INDEX video_by_length ON video (duration_s DESC, substr(path, 1, 500), path, id)",
    "CREATE INDEX video_by_folder ON video (folder)",
)


def _m004_listed_by_columns(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE video ADD COLUMN duration_s REAL NOT NULL DEFAULT 0")
    for name in ("path", "folder", "title", "said"):
        connection.execute(f"ALTER TABLE video ADD COLUMN {name} BLOB NOT NULL DEFAULT x''")
    after = -1
    while some := connection.execute(
        "SELECT number, facts FROM video WHERE number > ? ORDER BY number LIMIT 1000", (after,)
    ).fetchall():
        after = some[-1][0]
        connection.executemany(
            "UPDATE video SET duration_s = ?, path = ?, folder = ?, title = ?, said = ? "
            "WHERE number = ?",
            [(*packing.listed(packing.video(facts)), number) for number, facts in some],
        )
    for statement in _LISTS:
        connection.execute(statement)


#: Steps in order; the number of steps taken is the version of a file. Only ever append.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _m001_first,
    _m002_channels_by_name,
    _m003_derived_apart,
    _m004_listed_by_columns,
)
#: The oldest version that is read as it lies, where it may not be written.
OLDEST_READ = 1


def channels(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the names of channels by their numbers in the file that a connection reads."""
    if _pragma(connection, "user_version") == 1:
        return dict(enumerate(_OF_FORMAT_1))
    return dict(connection.execute("SELECT number, name FROM channel").fetchall())


#: The table `video` of an older file with the columns by which videos are listed.
_OLDER = (
    "(SELECT number, id, date, facts, CAST(json_extract(facts, '$.duration_s') AS REAL) AS "
    "duration_s, listed(facts, 1) AS path, listed(facts, 2) AS folder, listed(facts, 3) AS title, "
    "listed(facts, 4) AS said FROM video)"
)


def listed(connection: sqlite3.Connection) -> str:
    """Return what to read of videos from, with the columns by which they are listed."""
    if _pragma(connection, "user_version") >= 4:
        return "video"

    def column(facts: str, number: int) -> bytes:
        found: bytes = packing.listed(packing.video(facts))[number]
        return found

    connection.create_function("listed", 2, column, deterministic=True)
    return _OLDER


def migrate(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    """Bring a file to the newest version, in one transaction.

    What is opened for reading stays as it is. Raises IndexMismatch for a file of a newer version,
    or one too old to be read as it lies, and StoreError for a database that is not an index.
    """
    version = _pragma(connection, "user_version")
    newest = len(MIGRATIONS)
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if tables and _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreError(
            f"{path} is not an index of this q2e; choose another folder, or delete the file and "
            "run  q2e index  again"
        )
    if version > newest:
        raise IndexMismatch(
            f"{path} was written by a newer q2e (format {version}, this one knows {newest}); "
            "upgrade with  git pull  in its repository, and install it again"
        )
    if version == newest or (read_only and version >= OLDEST_READ):
        return
    if read_only:
        raise IndexMismatch(
            f"{path} has the older format {version}; run any writing command, such as  "
            "q2e retry --failed,  to bring it up to date"
            if version
            else f"{path} is empty; run  q2e index FOLDER"
        )
    connection.execute("BEGIN IMMEDIATE")
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {newest}")
    connection.execute("COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
