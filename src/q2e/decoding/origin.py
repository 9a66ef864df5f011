"""The process that decoding processes are copied from, and what they do: one file, then the end.

python -m q2e.decoding.origin FD    FD is a socket on which requests come

It has loaded all that decoding needs and stays a single thread, so that a copy of it is made in
milliseconds. A request is two descriptors: a socket for question and answer, and a pipe that is
told how the copy ended; when the asker closes its end of the pipe, the copy is killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from q2e.decoding.confine import Bounds, Kernel, bound, kernel_has, programs, shut_in
from q2e.decoding.messages import WIRE, Answer, Ended, Raised, Ready, Request
from q2e.errors import Q2EError
from q2e.paths import shown_name

#: Loaded before copies are made, since each would load them again.
_LOADED = (
    "av",
    "av.audio.resampler",
    "av.subtitles.codeccontext",
    "av.subtitles.stream",
    "av.subtitles.subtitle",
    "av.video.reformatter",
    "cv2",
    "q2e.media.clip",
    "q2e.media.embedded",
    "q2e.media.frames",
    "q2e.media.probe",
    "q2e.media.scan",
    "q2e.media.sound",
    "q2e.media.still",
    "q2e.media.storyboard",
    "resource",
    "scenedetect.detectors",
)


def main(control: socket.socket) -> None:
    """Make a copy for each request until the asker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _LOADED:
        with contextlib.suppress(ImportError):  # what is missing is told where it is needed
            importlib.import_module(name)
    wake, wakened = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wakened, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
    programs()
    gc.collect()
    gc.freeze()
    kernel = _tried(kernel_has())
    control.sendall(b"".join(WIRE.pack(Ready(kernel.landlock, kernel.seccomp))))
    _Nursery(control, wake, kernel).run()


class _Nursery:
    """Makes copies, and knows which of them live."""

    def __init__(self, control: socket.socket, wake: int, kernel: Kernel) -> None:
        self._control = control
        self._wake = wake
        self._kernel = kernel
        self._living: dict[int, int] = {}
        """Ends of pipes that are told how a copy ended, by its process."""

    def run(self) -> None:
        while True:
            poll = select.poll()
            poll.register(self._control, select.POLLIN)
            poll.register(self._wake, select.POLLIN)
            for pipe in self._living.values():
                poll.register(pipe, 0)  # its other end was closed: that is always told
            events = dict(poll.poll())
            for process, pipe in self._living.items():
                if pipe in events:
                    os.kill(process, signal.SIGKILL)
            if self._wake in events:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
            self._bury()
            if self._control.fileno() in events and not self._request():
                break
        for process in self._living:
            os.kill(process, signal.SIGKILL)

    def _request(self) -> bool:
        """Take one request; False where the asker is gone."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 16, 2)
        if not message:
            return False
        answers, pipe = descriptors
        process = os.fork()
        if process == 0:
            gc.disable()  # it would copy what is shared, and there is little to collect
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (pipe, self._wake, self._control.detach(), *self._living.values()):
                os.close(one)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what decoders print is the file's word
            _answer(socket.socket(fileno=answers), self._kernel)
            os._exit(0)
        os.close(answers)
        self._living[process] = pipe
        return True

    def _bury(self) -> None:
        for process in list(self._living):
            gone, status = os.waitpid(process, os.WNOHANG)
            if gone:
                pipe = self._living.pop(process)
                with contextlib.suppress(BrokenPipeError):
                    os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
                os.close(pipe)


def _answer(answers: socket.socket, kernel: Kernel) -> None:
    """Do what is asked, shut in, and say what came of it."""
    # A buffer of Python's own might hold bytes that belong to nobody.
    file = answers.makefile("rb", buffering=0)

    def send(value: object) -> None:
        for piece in WIRE.pack(value):
            answers.sendall(piece)

    name = "the file"
    try:
        request = WIRE.unpack(_reader(file))
        assert isinstance(request, Request)
        name = shown_name(request.reads[0]) if request.reads else name
        function = _function(request.function)
        bound(Bounds(request.memory_bytes, request.cpu_s, request.file_bytes))
        shut_in(request.reads, request.folder, kernel)
        made = function(*request.arguments, **request.named)
        if isinstance(made, Generator):
            for one in made:
                send(Answer(one))
            send(Ended(None))
        else:
            send(Ended(made))
    except Q2EError as error:
        send(Raised(type(error).__name__, str(error)))
    except MemoryError:
        send(Raised("MediaError", f"{name}: cannot be decoded (it needs too much memory)"))
    except Exception as error:  # noqa: BLE001 - a damaged file makes decoders raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        send(Raised("MediaError", f"{name}: cannot be decoded ({reason})"))


def _function(name: str) -> Callable[..., Any]:
    """Return the function `MODULE.NAME` of `q2e.media`."""
    module, _, function = name.rpartition(".")
    made: Callable[..., Any] = getattr(importlib.import_module(f"q2e.media.{module}"), function)
    return made


def _reader(file: Any) -> Callable[[int], bytearray]:
    def read(count: int) -> bytearray:
        held = bytearray(count)
        view, at = memoryview(held), 0
        while at < count and (got := file.readinto(view[at:])):
            at += got
        return held[:at] if at < count else held

    return read


def _tried(kernel: Kernel) -> Kernel:
    """Return of what the kernel has what lets decoding work here: every libc needs other calls."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(1 << 20))
        file.flush()
        for less in (kernel, Kernel(kernel.landlock, False), Kernel(0, False)):
            process = os.fork()
            if process == 0:
                with contextlib.suppress(BaseException):
                    _try_out(less, Path(file.name))
                    os._exit(0)
                os._exit(1)
            if os.waitpid(process, 0)[1] == 0:
                return less
    return Kernel(0, False)


def _try_out(kernel: Kernel, file: Path) -> None:
    """Shut this process in, then read and compute as decoders do."""
    shut_in([str(file)], None, kernel)
    read = [0] * 4

    def work(number: int) -> None:
        read[number] = len(file.read_bytes())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if read != [1 << 20] * 4:
        raise OSError("reading does not work")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
