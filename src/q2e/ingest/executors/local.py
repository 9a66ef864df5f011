"""Videos read on this machine, one after another, in a process beside the one that writes.

A file that crashes a model ends the reading process (`q2e.ingest.worker`), not the run, and
replacing that process now and then returns what models leak.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated, Self

from pydantic import AfterValidator, Field

from q2e.errors import ModelError
from q2e.ingest.executors.base import Executor, Throughput
from q2e.ingest.messages import (
    NO_MEMORY,
    WIRE,
    Failed,
    Finished,
    Greeting,
    Job,
    Message,
    PartRead,
    Refused,
    Staged,
    say,
    too_much_memory,
)
from q2e.ingest.staging import Staging, shared_place
from q2e.processes import clean_environment, python_module
from q2e.registry import method
from q2e.settings import Settings
from q2e.wire import WireError

#: Seconds without any message after which a reading process is taken for hung.
SILENCE_S = 1800.0


class Local:
    """Runs jobs in a reading process, which is started when needed and replaced when it dies."""

    fetches = False

    def __init__(
        self,
        settings: Settings,
        index: Path,
        older: Path | None = None,
        within: Sequence[Path] | None = None,
        staging: str = "",
    ) -> None:
        self.settings = settings
        self.index = index
        self.older = older
        self.within = None if within is None else tuple(within)
        self.staging = staging
        self._process: subprocess.Popen[bytes] | None = None
        self.spaces: dict[str, str] = {}
        """Vector spaces of the models, known once a job was run."""
        self.fingerprint = ""
        self.nodes: dict[str, Throughput] = {}
        self._jobs_done = 0
        self._stderr: IO[bytes] | None = None

    def start(self) -> dict[str, str]:
        """Start the reading process and return the vector spaces of its models by kind.

        Raises ModelError where it cannot have them.
        """
        self._alive()
        return self.spaces

    def each(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Message | None]]:
        for job in jobs:
            for message in self.run(job):
                yield job, message
            yield job, None

    def run(self, job: Job) -> Iterator[Message]:
        """Yield the messages about one job, ending with Finished or Failed.

        Raises ModelError where the reading process cannot have its models.
        """
        process = self._alive()
        assert process.stdin is not None  # opened with a pipe below
        answers: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        try:
            say(process.stdin, job)
        except BrokenPipeError:
            yield Failed(self._obituary())
            return
        threading.Thread(target=_listen, args=(process, answers), daemon=True).start()
        while True:
            try:
                message = answers.get(timeout=SILENCE_S)
            except queue.Empty:
                self.close()
                yield Failed(f"reading stopped: no progress in {SILENCE_S / 60:.0f} minutes")
                return
            if message is None:
                yield Failed(self._obituary())
                return
            yield message
            if isinstance(message, Finished):
                self._jobs_done += 1
                if self._jobs_done >= self.settings.recycle_after:
                    self.close()
                return

    def part(self, staged: Staged) -> PartRead:
        return Staging(self.staging).get(staged.name)

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # Closed in close(): it lives as long as the process.
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
            self._process = subprocess.Popen(
                python_module("q2e.ingest.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=clean_environment(),
            )
            assert self._process.stdin is not None
            self._jobs_done = 0
            self._greet(self._process)
        return self._process

    def _greet(self, process: subprocess.Popen[bytes]) -> None:
        """Hand over the settings and wait for the models; without them no file can be read."""
        assert process.stdin is not None and process.stdout is not None
        try:
            chosen = self.settings.model_dump(mode="json")
            say(process.stdin, Greeting(chosen, self.index, self.older, self.within, self.staging))
            answer = WIRE.unpack(process.stdout.read)
        except (BrokenPipeError, EOFError, WireError):
            raise ModelError(f"{self._obituary()}; q2e doctor says what is missing") from None
        if isinstance(answer, Refused):
            self.close()
            raise ModelError(answer.problem)
        self.spaces, self.fingerprint = answer.spaces, answer.fingerprint

    def _obituary(self) -> str:
        """Return why the reading process died, and forget it."""
        process, stderr = self._process, self._stderr
        assert process is not None and stderr is not None
        code = process.wait()
        stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - 2000))
        last = stderr.read().decode(errors="replace").strip().splitlines()
        self.close()
        if any(map(NO_MEMORY.search, last)):
            return too_much_memory()
        if code < 0:
            why = ", as the system does where memory runs out" if code == -signal.SIGKILL else ""
            return f"the reading process was ended by signal {-code} while it read this file{why}"
        return f"the reading process ended ({last[-1] if last else f'exit code {code}'})"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout, self._stderr):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _listen(process: subprocess.Popen[bytes], answers: queue.SimpleQueue[Message | None]) -> None:
    """Pass on the answers to one job; None stands for a process that died."""
    assert process.stdout is not None
    try:
        while True:
            message = WIRE.unpack(process.stdout.read)
            answers.put(message)
            if isinstance(message, Finished):
                return
    except (EOFError, WireError, ValueError):  # closed meanwhile, it raises the last
        answers.put(None)


@method("executor")
def local(
    settings: Settings,
    index: Path,
    older: Path | None,
    within: Sequence[Path] | None,
    *,
    staging: Annotated[
        str,
        Field(
            description="Where what is read is staged first, and taken from where it is there: a "
            "folder, or s3://BUCKET/FOLDER; nothing means that only the index keeps it."
        ),
        AfterValidator(shared_place),
    ] = "",
) -> Executor:
    """One process of this machine, replaced when it dies and after every so many videos."""
    return Local(settings, index, older, within, staging)
