"""The lock that lets one process at a time write to an index, as long as it gives signs of life."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from q2e.errors import IndexLocked, StoreError

#: Seconds between two signs of life of a writer, and without any after which it is passed over.
BEAT_S, LEASE_S = 5.0, 60.0


class Held:
    """The lock, until it is closed or the process ends; meanwhile it gives signs of life."""

    def __init__(self, file: IO[str], passed_over: bool) -> None:
        self.passed_over = passed_over
        """Whether another process holds it too, which has given none for `LEASE_S` seconds."""
        self._file = file
        self._ended = threading.Event()
        threading.Thread(target=self._beat, name="q2e writer", daemon=True).start()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with suppress(OSError, ValueError):  # closed meanwhile, or a full disk
                os.utime(self._file.fileno())

    def close(self) -> None:
        """Free the lock; closing twice does no harm."""
        self._ended.set()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def hold(path: Path, wait_s: float) -> Held:
    """Take the writer's lock beside `path`; closing it, or the end of the process, frees it.

    A writer that gives no sign of life for `LEASE_S` of the seconds that are waited, as one that
    was stopped, is passed over. Raises IndexLocked naming who holds it after `wait_s` seconds,
    StoreError where the folder cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file, passed_over = _waited(path, lock, wait_s)
        try:
            file.seek(0)
            file.truncate()
            file.write(
                f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%T')}"
            )
            file.flush()
        except OSError:
            # The lock itself is held; only its holder's name found no room.
            file.close()
            raise
    except OSError as error:
        raise StoreError(f"{lock} cannot be written: {error.strerror}") from None
    return Held(file, passed_over)


def _waited(path: Path, lock: Path, wait_s: float) -> tuple[IO[str], bool]:
    """Return the locked file, and whether another one was passed over for it."""
    deadline = time.monotonic() + wait_s
    alive, seen_s = None, time.monotonic()
    while True:
        file = lock.open("a+", encoding="utf-8")
        if _taken(file):
            if _is(file, lock):
                return file, False
        elif (sign := _sign(lock)) != alive:
            alive, seen_s = sign, time.monotonic()
        elif time.monotonic() - seen_s > LEASE_S and (fresh := _replaced(lock, alive)):
            file.close()
            return fresh, True
        if time.monotonic() >= deadline:
            file.seek(0)
            holder = file.read(200).strip() or "another process"
            file.close()
            raise IndexLocked(
                f"{path.parent} is being written by {holder}; wait for it, or use --wait SECONDS"
            )
        file.close()
        time.sleep(0.05)


def _sign(lock: Path) -> tuple[int, int] | None:
    """Return what changes with each sign of life."""
    with suppress(FileNotFoundError):
        status = lock.stat()
        return status.st_ino, status.st_mtime_ns
    return None


def _replaced(lock: Path, stale: tuple[int, int] | None) -> IO[str] | None:
    """Put a locked file in the place of one whose holder is silent; None where it is so no more."""
    own = lock.with_name(f"{lock.name}.{os.getpid()}")
    file = own.open("w+", encoding="utf-8")
    if _taken(file) and _sign(lock) == stale:
        own.replace(lock)
        # Two may do so at once: the last one is there, and the epoch tells the other.
        if _is(file, lock):
            return file
    file.close()
    own.unlink(missing_ok=True)
    return None


def _is(file: IO[str], lock: Path) -> bool:
    """Return whether a file is still the one that lies there."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), lock.stat())
    return False


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
