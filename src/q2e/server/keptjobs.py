"""The jobs of a server on disk, so that they outlive it, however it ends.

The first server of an index holds the file; another one at the same time keeps its own jobs in
memory alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from q2e.cache import write_whole

LOG = logging.getLogger("q2e.server")
FILE_NAME = "jobs.json"
_FIELDS = {"id": str, "kind": str, "paths": list, "made": str, "state": str, "begun": int}


class KeptJobs:
    """The file of jobs of one index folder."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / FILE_NAME
        self._lock: int | None = None

    def load(self) -> list[dict[str, Any]]:
        """Return the jobs of an earlier server; none where there is none, or one still runs."""
        if not self._hold():
            return []
        try:
            rows = json.loads(self.file.read_text("utf-8"))
            return [_checked(row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            LOG.warning("%s cannot be read (%s); its jobs are forgotten", self.file, error)
            return []

    def save(self, jobs: Sequence[dict[str, Any]]) -> None:
        """Keep the jobs; where that does not work they last as long as the server."""
        text = json.dumps(list(jobs), ensure_ascii=True, default=str) + "\n"
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if self._hold():
                write_whole(self.file, lambda file: file.write(text.encode()))

    def close(self) -> None:
        """Let another server have the file."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _hold(self) -> bool:
        if self._lock is not None:
            return True
        try:
            lock = os.open(f"{self.file}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return False  # nothing was indexed yet, or nothing may be written here
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row says of a job. Raises ValueError, TypeError or KeyError for another."""
    if any(not isinstance(row[name], kind) for name, kind in _FIELDS.items()):
        raise ValueError("a job is damaged")
    return row | {"paths": tuple(map(str, row["paths"]))}
