"""The lock that lets one process at a time write to an index."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

from q2e.errors import IndexLocked, StoreError


def hold(path: Path, wait_s: float) -> IO[str]:
    """Take the writer's lock beside `path`; closing the file, or the end of the process, frees it.

    Raises IndexLocked naming who holds it after `wait_s` seconds, StoreError where the folder
    cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{lock} cannot be written: {error.strerror}") from None
    deadline = time.monotonic() + wait_s
    while not _taken(file):
        if time.monotonic() >= deadline:
            file.seek(0)
            holder = file.read(200).strip() or "another process"
            file.close()
            raise IndexLocked(
                f"{path.parent} is being written by {holder}; wait for it, or use --wait SECONDS"
            )
        time.sleep(0.05)
    try:
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%T')}")
        file.flush()
    except OSError as error:
        # The lock itself is held; only its holder's name found no room.
        file.close()
        raise StoreError(f"{lock} cannot be written: {error.strerror}") from None
    return file


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
