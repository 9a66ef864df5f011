"""Index jobs: one is worked on at a time, in a thread of its own; the reading is done elsewhere.

`Index.add` reads media in a separate process, so a job that crashes a decoder fails one file.
"""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from q2e import shape
from q2e.errors import Q2EError
from q2e.index import Index
from q2e.ingest.messages import Failed, Finished, Message, PartRead, Progress
from q2e.ingest.run import Report
from q2e.paths import lies_within, shown
from q2e.server.faults import Fault
from q2e.server.keptjobs import KeptJobs

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: Jobs remembered after their end.
_KEPT = 100
#: A job that brings the server down is not begun for ever.
_MOST_BEGUN = 3
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
    begun: int = 0
    """How often it was begun: again after each end of the server in the middle of it."""
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
            "paths": [shown(path) for path in self.paths],
            "made": self.made,
            "started": self.started,
            "ended": self.ended,
            "files": {"total": self.total, "done": self.done},
            "current": self.current,
            "report": self.report,
            "error": self.error,
        }


_FIELDS = tuple(one.name for one in fields(Job))


class Jobs:
    """Takes jobs, works them off in order, and forgets old ones.

    `roots`, where given, are the only folders whose files may be indexed. Jobs outlive the
    server: what was queued or under way when it ended, however it ended, goes on at its next start.
    """

    def __init__(self, index: Index, roots: Sequence[Path] | None) -> None:
        self.index = index
        self.roots = None if roots is None else tuple(root.resolve() for root in roots)
        self._kept = KeptJobs(index.directory)
        self._jobs: dict[str, Job] = {}
        self._stopped: set[str] = set()
        self._closing = False
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Go on with the jobs that an earlier server of this index has left."""
        with self._lock:
            for row in self._kept.load():
                job = Job(**{name: row[name] for name in _FIELDS if name in row})
                if not job.over:
                    job = replace(job, state="queued", total=0, done=0, current=None)
                self._jobs.setdefault(job.id, job)
                if not job.over:
                    self._enqueue(job.id)

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
        """Stop the running job, which goes on at the next start, and take no more."""
        with self._lock:
            self._closing = True
            self._stopped.update(job.id for job in self._jobs.values() if job.state == "running")
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=10.0)
        self._kept.close()

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
        if self.roots is not None and not lies_within(Path(path).expanduser(), self.roots):
            allowed = ", ".join(map(str, self.roots)) or "none"
            raise Fault(
                403,
                "unsafe_path",
                f"{path[:200]!r} lies outside the folders that may be indexed: {allowed}",
                "start  q2e serve  with  --folder DIR  to allow another",
            )

    def _queued(self, kind: Literal["index", "retry"], paths: tuple[str, ...]) -> Job:
        with self._lock:
            waiting = sum(not job.over for job in self._jobs.values())
            if waiting >= _KEPT:
                raise Fault(429, "busy", f"{waiting} jobs are waiting", "wait for some to end")
            for old in [job.id for job in self._jobs.values() if job.over][:-_KEPT]:
                del self._jobs[old]
            job = self._put(Job(secrets.token_hex(8), kind, paths, _now()))
            self._enqueue(job.id)
        return job

    def _enqueue(self, job_id: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="q2e-jobs", daemon=True)
            self._thread.start()
        self._queue.put(job_id)

    def _put(self, job: Job) -> Job:
        changed = replace(job, change=job.change + 1)
        known = self._jobs.get(job.id)
        self._jobs[job.id] = changed
        if known is None or known.state != job.state:
            self._kept.save([asdict(one) for one in self._jobs.values()])
        return changed

    def _change(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            self._put(replace(self._jobs[job_id], **changes))

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None and not self._closing:
            job = self._jobs.get(job_id)
            if job is None or job.state != "queued":
                continue
            if job.begun >= _MOST_BEGUN:
                told = f"the server ended in the midst of it {job.begun} times; its log may say why"
                self._change(job_id, state="failed", ended=_now(), error=told)
                continue
            self._change(job_id, state="running", started=_now(), begun=job.begun + 1)
            try:
                report = self._done(job)
            except _Cancelled:
                if self._closing:  # stopped in order, it has not brought the server down
                    self._change(job_id, state="queued", current=None, begun=job.begun)
                else:
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
            return self.index.retry(watch=watch, wait_s=_WAIT_S, within=self.roots)
        for path in job.paths:
            self._check(path)  # again: another server may have taken it
        return self.index.add(*job.paths, watch=watch, wait_s=_WAIT_S, within=self.roots)

    def _watcher(self, job_id: str) -> Callable[[Path, int, int, Message], None]:
        def watch(path: Path, number: int, total: int, message: Message) -> None:
            if job_id in self._stopped:
                self._stopped.discard(job_id)
                raise _Cancelled
            current: dict[str, Any] = {
                "path": shown(path),
                "stage": None,
                "done": 0.0,
                "length": 0.0,
            }
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
