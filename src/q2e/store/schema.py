"""The tables of the SQLite store, and the steps that bring an older index up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from q2e.errors import IndexMismatch

_FIRST = """
CREATE TABLE video (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  duration_s REAL NOT NULL,
  date TEXT,
  language TEXT,
  facts TEXT NOT NULL
);
CREATE TABLE stage (
  video INTEGER NOT NULL REFERENCES video(number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  part INTEGER NOT NULL,
  config_key TEXT NOT NULL,
  segments TEXT,
  frame_times TEXT,
  PRIMARY KEY (video, name, part)
) WITHOUT ROWID;
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  video INTEGER NOT NULL REFERENCES video(number) ON DELETE CASCADE,
  channel INTEGER NOT NULL,
  part INTEGER NOT NULL,
  start_s REAL NOT NULL,
  end_s REAL NOT NULL,
  length INTEGER NOT NULL,
  language TEXT,
  body TEXT NOT NULL
);
CREATE INDEX evidence_of_video ON evidence (video, channel, part);
CREATE TABLE space (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  dimension INTEGER NOT NULL
);
CREATE TABLE vector (
  space INTEGER NOT NULL REFERENCES space(number),
  evidence INTEGER NOT NULL REFERENCES evidence(id) ON DELETE CASCADE,
  data BLOB NOT NULL,
  PRIMARY KEY (space, evidence)
) WITHOUT ROWID;
CREATE INDEX vector_of_evidence ON vector (evidence);
CREATE TABLE posting (
  term TEXT NOT NULL,
  video INTEGER NOT NULL REFERENCES video(number) ON DELETE CASCADE,
  channel INTEGER NOT NULL,
  part INTEGER NOT NULL,
  evidence BLOB NOT NULL,
  count BLOB NOT NULL,
  PRIMARY KEY (term, video, channel, part)
) WITHOUT ROWID;
CREATE INDEX posting_of_video ON posting (video, channel, part);
CREATE TABLE failure (
  path TEXT NOT NULL,
  stage TEXT NOT NULL,
  video TEXT,
  reason TEXT NOT NULL,
  PRIMARY KEY (path, stage)
) WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO setting VALUES ('generation', '0');
"""


def _m001_first(connection: sqlite3.Connection) -> None:
    for statement in _FIRST.split(";"):
        if statement.strip():
            connection.execute(statement)


#: Steps in order; the number of steps taken is the version of a file. Only ever append.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_m001_first,)


def migrate(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    """Bring a file to the newest version, in one transaction.

    Raises IndexMismatch for a file of a newer version, or an older one opened for reading.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    newest = len(MIGRATIONS)
    if version > newest:
        raise IndexMismatch(
            f"{path} was written by a newer q2e (format {version}, this one knows {newest}); "
            "upgrade with  pip install -U q2e"
        )
    if version < newest and read_only:
        raise IndexMismatch(
            f"{path} has the older format {version}; run any writing command, such as  "
            "q2e retry --failed,  to bring it up to date"
        )
    if version == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(f"PRAGMA user_version = {newest}")
    connection.execute("COMMIT")
