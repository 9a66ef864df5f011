"""One worker of a cluster: fetches a file, has it read by a reading process, says what was staged.

What goes to it and comes from it are messages of `q2e.wire` as bytes, which hold no code.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from q2e.about import __version__
from q2e.errors import MediaError
from q2e.ingest.executors.local import Local
from q2e.ingest.messages import (
    WIRE,
    Failed,
    Finished,
    Found,
    Hello,
    Identified,
    Job,
    Message,
    Spread,
)
from q2e.settings import Settings


def packed(values: Iterable[object]) -> bytes:
    """Return messages as bytes, one after the other."""
    return b"".join(b"".join(WIRE.pack(one)) for one in values)


def unpacked(data: bytes) -> list[Any]:
    """Return the messages in bytes. Raises WireError for anything else."""
    held, found = io.BytesIO(data), []
    while held.tell() < len(data):
        found.append(WIRE.unpack(held.read))
    return found


class Worker:
    """Holds one reading process with its models as long as it lives."""

    def __init__(self, settings: bytes, staging: str, within: Sequence[Path] | None) -> None:
        (chosen,) = unpacked(settings)
        self._folder = Path(tempfile.mkdtemp(prefix="q2e-"))
        # No index is there: what one holds of a file comes with the job.
        self._local = Local(Settings(**chosen), self._folder / "none.sqlite", None, within, staging)
        self._kept: tuple[str, object, str] | None = None

    def start(self) -> bytes:
        """Load the models, and say what is read with and where."""
        spaces = self._local.start()
        return packed([Hello(__version__, spaces, self._local.fingerprint, _node(), os.getpid())])

    def read(self, asked: bytes) -> bytes:
        """Read one job; returns how many tasks, seconds of video and seconds of work it was, and
        what was said about it."""
        (job,) = unpacked(asked)
        assert isinstance(job, Job)
        began, said = time.perf_counter(), list[Message]()
        try:
            local = self._fetched(job)
            if not job.video_id:
                said.append(Identified(local.video_id))
            said += self._local.run(local)
        except MediaError as error:
            said += [Failed(str(error)), Finished({})]
        duration_s = next((one.video.duration_s for one in said if isinstance(one, Found)), 0.0)
        if job.parts is None:
            video_s = 0.0 if any(isinstance(one, Spread) for one in said) else duration_s
        else:
            video_s = min(duration_s, self._local.settings.part_s)
        return packed([1, video_s, time.perf_counter() - began, *said])

    def close(self) -> None:
        """End the reading process and take away what was fetched."""
        self._local.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fetched(self, job: Job) -> Job:
        """Return the job with its file on this machine's disk; the last one stays there."""
        from q2e.files.remote import fetch, stamp_of
        from q2e.media.identity import content_id

        if not job.address:
            return job
        stamp = stamp_of(job.address)
        if self._kept is None or self._kept[:2] != (job.address, stamp):
            self._kept = None
            shutil.rmtree(self._folder / "fetched", ignore_errors=True)
            (self._folder / "fetched").mkdir()
            path = fetch(job.address, self._folder / "fetched")
            self._kept = job.address, stamp, content_id(path)
        name = job.address.rpartition("/")[2]
        return replace(job, path=self._folder / "fetched" / name, video_id=self._kept[2])


def _node() -> str:
    import ray

    return f"{ray.util.get_node_ip_address()} ({socket.gethostname()}, {_short(ray)})"


def _short(ray: Any) -> str:
    return str(ray.get_runtime_context().get_node_id())[:8]
