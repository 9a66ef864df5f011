"""Lets functions of `q2e.media` run in decoding processes, a fresh one for each call.

A process that crashes, hangs or takes too much ends, and with it nothing but its own call.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from q2e import errors, stopping
from q2e.decoding.confine import Kernel
from q2e.decoding.messages import WIRE, Answer, Ended, Raised, Ready, Request
from q2e.errors import MediaError
from q2e.paths import shown_name
from q2e.processes import clean_environment, python_module
from q2e.wire import WireError

#: Seconds the first process may take to load what decoding needs.
_START_S = 120.0
#: Seconds between looks at whether anybody still waits.
_LOOK_S = 0.1
_MOST_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one call may take; what takes more is ended with MediaError."""

    wall_s: float
    """Longest wait for the answer, or for the next of several."""
    cpu_s: int = 24 * 3600
    memory_bytes: int = 8 << 30
    """Address space: about 1 GiB of it is there from the beginning."""
    file_bytes: int = 64 << 30


#: For files of one's own that are indexed or cut, which may be long.
USUAL = Allowance(wall_s=900.0)
#: For what somebody waits for on a page.
QUICK = Allowance(wall_s=60.0, cpu_s=300, memory_bytes=4 << 30, file_bytes=4 << 30)
#: For what a stranger hands in.
STRANGE = Allowance(wall_s=20.0, cpu_s=40, memory_bytes=3 << 30, file_bytes=128 << 20)


class Pool:
    """The decoding processes of this process; all methods may be called by any thread."""

    def __init__(self) -> None:
        self._origin: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._kernel = Kernel(0, False)
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Load what decoding needs meanwhile, so that the first call need not wait for it."""

        def load() -> None:
            with contextlib.suppress(MediaError):  # the first call says so
                self.shut_in_by()

        threading.Thread(target=load, name="q2e-decoding", daemon=True).start()

    def shut_in_by(self) -> Kernel:
        """Return what the processes are shut in with on this machine."""
        with self._lock:
            self._started()
            return self._kernel

    def call(
        self,
        function: str,
        *arguments: object,
        reads: Sequence[str],
        named: dict[str, Any] | None = None,
        folder: str | None = None,
        allowance: Allowance = USUAL,
    ) -> Any:
        """Return what a function of `q2e.media` returns, called in a process of its own.

        The process may read the files `reads` and write into `folder`. Raises the errors of
        ours that the function raises, MediaError where it takes too much or crashes, Stopped
        where nobody waits for it any more.
        """
        request = _request(function, arguments, named or {}, reads, folder, allowance)
        with contextlib.closing(self._asked(request, allowance)) as all_:
            return next(all_).value

    def each(
        self,
        function: str,
        *arguments: object,
        reads: Sequence[str],
        named: dict[str, Any] | None = None,
        allowance: Allowance = USUAL,
    ) -> Iterator[Any]:
        """Yield what a generator of `q2e.media` yields, as `call` returns a value."""
        request = _request(function, arguments, named or {}, reads, None, allowance)
        with contextlib.closing(self._asked(request, allowance)) as all_:
            for message in all_:
                if isinstance(message, Ended):
                    return
                yield message.value

    def close(self) -> None:
        """End all processes; a later call starts them anew."""
        with self._lock:
            self._end()

    def _asked(self, request: Request, allowance: Allowance) -> Generator[Answer | Ended]:
        name = shown_name(request.reads[0]) if request.reads else "the file"
        ours, theirs = socket.socketpair()
        told, tells = os.pipe()
        # Closing our end of the pipe ends the process, however we leave.
        with ours, os.fdopen(told, "rb", buffering=0) as ending:
            try:
                self._send(theirs, tells)
            finally:
                theirs.close()
                os.close(tells)
            reader = _Reader(ours, name, allowance)
            try:
                for piece in WIRE.pack(request):
                    ours.sendall(piece)
                while True:
                    message = reader.next()
                    if isinstance(message, Raised):
                        raise _error(message)
                    yield message
                    if isinstance(message, Ended):
                        return
            except (EOFError, OSError, WireError):
                raise MediaError(f"{name}: {_obituary(ending, allowance)}") from None

    def _send(self, theirs: socket.socket, tells: int) -> None:
        with self._lock:
            for attempt in (1, 2):
                control = self._started()
                try:
                    socket.send_fds(control, [b"decode"], [theirs.fileno(), tells])
                except OSError:
                    self._end()
                    if attempt == 2:
                        raise
                else:
                    return

    def _started(self) -> socket.socket:
        if self._control is not None and self._origin is not None and self._origin.poll() is None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as said:
            self._origin = subprocess.Popen(
                python_module("q2e.decoding.origin", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=[theirs.fileno()],
                env=_environment(),
            )
            theirs.close()
            ours.settimeout(_START_S)
            try:
                ready = WIRE.unpack(BytesIO(ours.recv(65536)).read)
            except (OSError, EOFError, WireError):
                self._end()
                ours.close()
                said.seek(0)
                last = said.read().decode(errors="replace").strip().splitlines()[-1:]
                raise MediaError(
                    f"no process to decode media in could be started ({' '.join(last)}); "
                    "q2e doctor says what is missing"
                ) from None
        assert isinstance(ready, Ready)
        ours.settimeout(None)
        self._kernel = Kernel(ready.landlock, ready.seccomp)
        self._control = ours
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._origin is not None:
            # Without anybody to ask, it ends its copies and itself.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._origin.wait(5.0)
            self._origin.kill()
            self._origin.wait()
            self._origin = None


def _request(
    function: str,
    arguments: tuple[object, ...],
    named: dict[str, Any],
    reads: Sequence[str],
    folder: str | None,
    allowance: Allowance,
) -> Request:
    taken = (allowance.memory_bytes, allowance.cpu_s, allowance.file_bytes)
    return Request(function, arguments, named, tuple(reads), folder, *taken)


class _Reader:
    """Reads messages, as long as somebody waits for them and no longer than is allowed."""

    def __init__(self, source: socket.socket, name: str, allowance: Allowance) -> None:
        self._source = source
        self._name = name
        self._allowance = allowance
        self._until = 0.0

    def next(self) -> Answer | Ended | Raised:
        self._until = time.monotonic() + self._allowance.wall_s
        message = WIRE.unpack(self._read)
        if not isinstance(message, Answer | Ended | Raised):
            raise WireError("an answer was expected")
        return message

    def _read(self, count: int) -> bytearray:
        held = bytearray(count)
        view, at = memoryview(held), 0
        while at < count:
            self._wait()
            got = self._source.recv_into(view[at:])
            if not got:
                break
            at += got
        return held[:at] if at < count else held

    def _wait(self) -> None:
        while not select.select([self._source], [], [], _LOOK_S)[0]:
            stopping.check()
            if time.monotonic() > self._until:
                raise MediaError(
                    f"{self._name}: not decoded within {self._allowance.wall_s:g} s; "
                    "shorten it or make its pictures smaller"
                )


def _error(raised: Raised) -> Exception:
    """Return the error of ours that was raised; its text is made of the file, and is cut."""
    kind = getattr(errors, raised.name, None)
    text = "".join(c if c.isprintable() else "?" for c in raised.text[:_MOST_CHARACTERS])
    if not (isinstance(kind, type) and issubclass(kind, errors.Q2EError)):
        kind = MediaError
    error = kind.__new__(kind)
    Exception.__init__(error, text)
    return error


def _obituary(ending: Any, allowance: Allowance) -> str:
    """Return why a process ended without an answer."""
    if not select.select([ending], [], [], 5.0)[0]:
        return "decoding was ended"
    said = ending.read(16)
    code = int(said) if said else 0
    if code == -signal.SIGXCPU:
        return f"takes more than {allowance.cpu_s} s of computing; shorten it"
    if code == -signal.SIGKILL:
        return "decoding was ended by the system, for want of memory or time"
    if code < 0:
        return f"its decoder crashed (signal {-code}): damaged; copy it again"
    return "its decoder ended without an answer: damaged; copy it again"


def _environment() -> dict[str, str]:
    """Return what a decoding process may know of ours: no key, token or other secret."""
    kept = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR")
    own = {name: value for name, value in clean_environment().items() if name in kept}
    # Each arena takes 64 MiB of the address space that is bounded, and there is one for each core.
    bounded = {"MALLOC_ARENA_MAX": "4", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return own | bounded | {"PYTHONUTF8": "1"}


_pool = Pool()
atexit.register(_pool.close)


def pool() -> Pool:
    """Return the decoding processes of this process."""
    return _pool
