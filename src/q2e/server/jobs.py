"""Index jobs: one is worked on at a time, in a thread of its own; the reading is done elsewhere.

`Index.add` reads media in a separate process, so a job that crashes a decoder fails one file.
"""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from q2e import shape
from q2e.errors import Q2EError
from q2e.index import Index
from q2e.ingest.manifest import sources
from q2e.ingest.messages import Failed, Finished, Message, PartRead, Progress
from q2e.ingest.run import Report
from q2e.server.faults import Fault

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: Jobs remembered after their end.
_KEPT = 100
#: Seconds a job waits for another process that writes to the index.
_WAIT_S = 60.0
_REMOTE = ("://", "\\\\", "//")


class _Cancelled(Exception):
    """Raised inside a job that was told to stop."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands; each change makes a new one with a higher `change`."""

    id: str
    kind: Literal["index", "retry"]
    paths: tuple[str, ...]
    made: str
    state: State = "queued"
    started: str | None = None
    ended: str | None = None
    total: int = 0
    done: int = 0
    current: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    error: str | None = None
    change: int = field(default=0)

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    def shape(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "paths": list(self.paths),
            "made": self.made,
            "started": self.started,
            "ended": self.ended,
            "files": {"total": self.total, "done": self.done},
            "current": self.current,
            "report": self.report,
            "error": self.error,
        }


class Jobs:
    """Takes jobs, works them off in order, and forgets old ones.

    `roots`, where given, are the only folders whose files may be indexed.
    """

    def __init__(self, index: Index, roots: Sequence[Path] | None) -> None:
        self.index = index
        self.roots = None if roots is None else tuple(root.resolve() for root in roots)
        self._jobs: dict[str, Job] = {}
        self._stopped: set[str] = set()
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, paths: Sequence[str]) -> Job:
        """Queue the reading of files. Raises Fault for what is not a path of an allowed folder."""
        for path in paths:
            self._check(path)
        return self._queued("index", tuple(paths))

    def retry(self) -> Job:
        """Queue the reading of all files that failed before."""
        return self._queued("retry", ())

    def all(self) -> list[Job]:
        """Return the jobs, newest first."""
        return list(reversed(self._jobs.values()))

    def job(self, job_id: str) -> Job:
        """Return one job. Raises Fault where it is not known."""
        try:
            return self._jobs[job_id]
        except KeyError:
            raise Fault(
                404, "not_found", f"there is no job {job_id[:40]!r}", "GET /v1/jobs lists them"
            ) from None

    def cancel(self, job_id: str) -> Job:
        """Stop a job at its next step; what it has read stays. One that is over stays as it is."""
        with self._lock:
            job = self.job(job_id)
            if job.state == "queued":
                return self._put(replace(job, state="cancelled", ended=_now()))
            if job.state == "running":
                self._stopped.add(job_id)
            return job

    def close(self) -> None:
        """Stop the running job and take no more."""
        with self._lock:
            self._stopped.update(job.id for job in self._jobs.values() if job.state == "running")
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=10.0)

    # -- inside ---------------------------------------------------------------------------------
    def _check(self, path: str) -> None:
        remote = path.startswith(_REMOTE[1:]) or _REMOTE[0] in path
        if remote or "\0" in path:
            raise Fault(
                400,
                "unsafe_path",
                f"{path[:200]!r} is not a path on the server's own disk",
                "download it first, then give the file's path",
            )
        if self.roots is not None and not self._inside(Path(path)):
            raise self._outside(path)

    def _outside(self, path: str) -> Fault:
        allowed = ", ".join(map(str, self.roots or ())) or "none"
        return Fault(
            403,
            "unsafe_path",
            f"{path[:200]!r} lies outside the folders that may be indexed: {allowed}",
            "start  q2e serve  with  --folder DIR  to allow another",
        )

    def _inside(self, path: Path) -> bool:
        try:
            real = path.expanduser().resolve()
        except (OSError, RuntimeError):
            return False
        return any(real.is_relative_to(root) for root in self.roots or ())

    def _queued(self, kind: Literal["index", "retry"], paths: tuple[str, ...]) -> Job:
        with self._lock:
            waiting = sum(not job.over for job in self._jobs.values())
            if waiting >= _KEPT:
                raise Fault(429, "busy", f"{waiting} jobs are waiting", "wait for some to end")
            for old in [job.id for job in self._jobs.values() if job.over][:-_KEPT]:
                del self._jobs[old]
            job = self._put(Job(secrets.token_hex(8), kind, paths, _now()))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="q2e-jobs", daemon=True)
                self._thread.start()
        self._queue.put(job.id)
        return job

    def _put(self, job: Job) -> Job:
        changed = replace(job, change=job.change + 1)
        self._jobs[job.id] = changed
        return changed

    def _change(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            self._put(replace(self._jobs[job_id], **changes))

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None:
            job = self._jobs.get(job_id)
            if job is None or job.state != "queued":
                continue
            self._change(job_id, state="running", started=_now())
            try:
                report = self._done(job)
            except _Cancelled:
                self._change(job_id, state="cancelled", ended=_now(), current=None)
            except (Q2EError, Fault, OSError) as error:
                self._change(job_id, state="failed", ended=_now(), current=None, error=str(error))
            except Exception as error:  # noqa: BLE001 - the thread must outlive any one job
                told = f"unforeseen: {type(error).__name__}: {error}"
                self._change(job_id, state="failed", ended=_now(), current=None, error=told)
            else:
                self._change(
                    job_id, state="done", ended=_now(), current=None, report=shape.report(report)
                )

    def _done(self, job: Job) -> Report:
        watch = self._watcher(job.id)
        if job.kind == "retry":
            return self.index.retry(watch=watch, wait_s=_WAIT_S)
        if self.roots is not None:
            for source in sources(job.paths):
                if not self._inside(source.path):
                    raise self._outside(str(source.path))
        return self.index.add(*job.paths, watch=watch, wait_s=_WAIT_S)

    def _watcher(self, job_id: str) -> Callable[[Path, int, int, Message], None]:
        def watch(path: Path, number: int, total: int, message: Message) -> None:
            if job_id in self._stopped:
                self._stopped.discard(job_id)
                raise _Cancelled
            current: dict[str, Any] = {"path": str(path), "stage": None, "done": 0.0, "length": 0.0}
            match message:
                case Progress(stage, done_s, total_s):
                    current |= {"stage": stage, "done": done_s, "length": total_s}
                case PartRead(key):
                    current["stage"] = key.stage
                case Failed(reason, None):
                    current["failed"] = reason
            ended = number + isinstance(message, Finished)
            self._change(job_id, total=total, done=ended, current=current)

        return watch


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
