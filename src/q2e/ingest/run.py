"""Indexes a list of files: knows the order of the first line, from file to stored evidence."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from q2e.errors import MediaError
from q2e.ingest.copies import Copy, copies_of, note_copy
from q2e.ingest.derive import refresh
from q2e.ingest.executors.base import Executing, Executor, Throughput
from q2e.ingest.held import held_of
from q2e.ingest.identify import Noted, identify, note, noted
from q2e.ingest.inherit import CARRIED
from q2e.ingest.keys import IMPORTED, digest, grown
from q2e.ingest.manifest import Record, Source, allowed
from q2e.ingest.messages import (
    Failed,
    Finished,
    Found,
    Identified,
    Job,
    Message,
    PartRead,
    Progress,
    Staged,
)
from q2e.ingest.said import note_said
from q2e.ingest.tagged import tagged
from q2e.models.base import TextEncoder
from q2e.paths import exists, is_address
from q2e.plugins import registry
from q2e.settings import Settings
from q2e.store.base import Failure, StageKey, Store
from q2e.store.bulk import PIECES, Part, put_all
from q2e.types import Video

#: Called with the file, its number, the count of files, and what was just said about it.
Watcher = Callable[[Path, int, int, Message], None]


def derivation(watch: Watcher | None) -> Callable[[int, int], None] | None:
    """Return what tells a watcher of files how far words and text vectors are made again."""
    if watch is None:
        return None
    return lambda done, count: watch(Path("words"), 0, 1, Progress("words", done, count))


@dataclass(slots=True)
class Report:
    """What one indexing run did."""

    indexed: list[Video] = field(default_factory=list)
    unchanged: int = 0
    refreshed: int = 0
    """Pieces of work whose words or text vectors were made again of what is stored."""
    empty: list[Video] = field(default_factory=list)
    """New ones with nothing for the channels that were read, as sound for `frame`."""
    renamed: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[Video] = field(default_factory=list)
    """Videos that are no longer: other content was written over their file."""
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    evidence: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    nodes: dict[str, Throughput] = field(default_factory=dict)
    """What each machine has read, where others than this one did."""

    @property
    def ok(self) -> bool:
        return not self.failures


def ingest(
    store: Store,
    index_file: Path,
    sources: Sequence[Source],
    settings: Settings,
    watch: Watcher | None = None,
    older: Path | None = None,
    encoder: Callable[[], TextEncoder] | None = None,
    within: Sequence[Path] | None = None,
) -> Report:
    """Read every source into the store; a file that fails becomes a row and the run goes on.

    `index_file` is what the store is opened by, for the executor, which opens it too.
    `older` is the file of another generation, whose work is taken over where it is the same.
    With `within`, only files below these folders are read, links or not; the others fail.
    With `encoder`, which loads the text model, what was derived otherwise is first made again.
    Raises StoreError where the index itself cannot be written, as on a full disk; what was
    committed before stays, and running again goes on from there.
    """
    report = Report()
    for source in sources:
        if source.wrong:
            report.failures.append(Failure(str(source.path), source.wrong))
    sources, outside = allowed([one for one in sources if not one.wrong], within)
    for link in outside:
        reason = "leads out of the folders that may be indexed"
        report.failures.append(Failure(str(link), reason))
    executor: Executing = registry().one("executor", settings.executor).bound
    with executor(settings, index_file, older, within) as worker:
        if encoder is not None:
            space = worker.start()["text"] if sources else encoder().space
            report.refreshed = refresh(store, space, encoder, derivation(watch))
        run = _Run(store, report, sources, watch, worker, settings.part_s)
        for job, message in worker.each(run.jobs()):
            run.take(job, message)
        run.overwritten()
        report.nodes = dict(worker.nodes)
    return report


@dataclass(slots=True)
class _Task:
    """One file on its way, from when its job is made until nothing more is said about it."""

    source: Source
    number: int
    first: str
    """The path or address that its content is kept under."""
    stamp: object = None
    is_new: bool = False
    said: set[type[Message]] = field(default_factory=set)
    dropped: bool = False
    """Whether it turned out to be the same as another one."""


class _Run:
    """One run: what it has met, and what is on its way."""

    def __init__(
        self,
        store: Store,
        report: Report,
        sources: Sequence[Source],
        watch: Watcher | None,
        worker: Executor,
        part_s: float,
    ) -> None:
        self._store = store
        self._report = report
        self._sources = sources
        self._watch = watch
        self._worker = worker
        self._part_s = part_s
        self._jobs: dict[str, Job] = {}
        self._at: dict[str, str] = {}
        """The content of the files of this run, by path or address."""
        self._tasks: deque[_Task] = deque()
        self._read: list[Part] = []
        """What was staged and is committed together with what follows of its video."""

    # -- what is to be read ---------------------------------------------------------------------
    def jobs(self) -> Iterator[Job]:
        """Yield a job for each source that is to be read, as they are asked for."""
        for number, source in enumerate(self._sources):
            with ExitStack() as kept:
                try:
                    made = self._remote(source, kept) if source.address else self._local(source)
                except MediaError as error:
                    self._fail(Failure(source.where, str(error)))
                    continue
                if made is not None:
                    task, job = made
                    task.number = number
                    self._tasks.append(task)
                    yield job

    def _local(self, source: Source) -> tuple[_Task, Job] | None:
        store, path = self._store, source.path
        video_id = self._at[str(path)] = identify(store, path)
        job = self._jobs.get(video_id)
        kept_at = self._first(video_id, str(path)) if job is None else job.where
        first = Path(kept_at)
        if kept_at != str(path):
            self._report.duplicates.append((str(path), kept_at))
            if is_address(kept_at):
                return None
            note_copy(store, video_id, Copy(path, source.record))
        copies = copies_of(store, video_id, first)
        if first != path and job is not None and job.copies == copies:
            return None
        # What is said about a copy is said about the video.
        earlier = None if job is None else job.record
        record = source.record if first == path else earlier
        job = self._jobs[video_id] = Job(first, video_id, record, copies)
        for copy in copies:
            store.clear_failure(str(copy.path))
        note_said(store, video_id, first, record)
        return _Task(source, 0, str(first)), self._held(job)

    def _remote(self, source: Source, kept: ExitStack) -> tuple[_Task, Job] | None:
        from q2e.files.remote import fetch, stamp_of
        from q2e.media.identity import content_id

        store, where = self._store, source.where
        stamp = stamp_of(where)
        known = noted(store, where)
        if known is not None and known.stamp != stamp:
            known = None
        if known is not None and known.read and known.read == self._reading(source.record):
            video = store.video(known.video_id)
            if video is not None and video.path == where:
                self._at[where] = known.video_id
                self._report.unchanged += 1
                return None
        video_id = "" if known is None else known.video_id
        path = source.path
        if not self._worker.fetches:
            folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="q2e-"))
            path = fetch(where, Path(folder))
            video_id = video_id or content_id(path)
            note(store, where, Noted(stamp, video_id))
        task = _Task(source, 0, where, stamp)
        if video_id and not self._is_first(task, video_id):
            return None
        job = Job(path, video_id, source.record, address=where)
        if video_id:
            self._jobs[video_id] = job
            note_said(store, video_id, path, source.record)
        return task, self._held(job)

    def _held(self, job: Job) -> Job:
        """Return a job with what the index holds, where who reads does not see it."""
        if not self._worker.fetches or not job.video_id:
            return job
        return replace(job, held=held_of(self._store, job.video_id, self._part_s))

    def _is_first(self, task: _Task, video_id: str) -> bool:
        """Return whether an object is what its content is kept under; a copy is only told of."""
        where = task.source.where
        self._at[where] = video_id
        job = self._jobs.get(video_id)
        first = self._first(video_id, where) if job is None else job.where
        if first != where:
            self._report.duplicates.append((where, first))
        return first == where

    def _reading(self, record: Record | None) -> str:
        return digest(self._worker.fingerprint, repr(record))

    # -- what was read --------------------------------------------------------------------------
    def take(self, job: Job, message: Message | None) -> None:
        """Store what is said about the file that stands first, and count it."""
        task, staged = self._tasks[0], isinstance(message, Staged)
        if not staged or sum(len(one.items) for one in self._read) >= PIECES:
            self._commit()
        if message is None:
            self._tasks.popleft()
            if not task.dropped:
                self._end(job, task)
            return
        if isinstance(message, Identified):
            job = replace(job, video_id=message.video_id)
            note(self._store, task.first, Noted(task.stamp, message.video_id))
            task.dropped = not self._is_first(task, message.video_id)
            if not task.dropped:
                note_said(self._store, message.video_id, job.path, job.record)
                self._jobs[message.video_id] = job
            return
        if task.dropped:
            return
        if isinstance(message, Staged):
            if self._store.done(message.key.video).get((message.key.stage, message.key.part)) == (
                message.config_key
            ):
                return  # committed before an earlier run was ended
            try:
                message = self._worker.part(message)
            except MediaError as error:
                message = Failed(str(error), message.key.stage)
        if not task.said:
            task.is_new = self._video(job) is None
        self._keep(job, message)
        if not staged:
            self._commit()
        if not (isinstance(message, Failed) and message.path):
            task.said.add(type(message))
        if self._watch is not None:
            self._watch(task.source.path, task.number, len(self._sources), message)

    def _commit(self) -> None:
        if self._read:
            put_all(self._store, (), self._read)
            self._read = []

    def _video(self, job: Job) -> Video | None:
        video_id = job.video_id or self._at.get(job.where, "")
        return self._store.video(video_id)

    def _end(self, job: Job, task: _Task) -> None:
        if Failed in task.said or task.first != task.source.where:
            return
        self._store.clear_failure(task.first)
        known = self._video(job)
        if task.source.address and known is not None:
            read = self._reading(job.record)
            note(self._store, task.first, Noted(task.stamp, known.id, read))
        if PartRead in task.said and known is not None:
            self._report.indexed.append(known)
        elif task.is_new and known is not None:
            self._report.empty.append(known)
        else:
            self._report.unchanged += 1

    def _keep(self, job: Job, message: Message) -> None:
        store, report = self._store, self._report
        match message:
            case Found(video):
                _bind(store, self._worker.spaces)
                if grown(store.video(video.id), video):
                    _undo(store, video.id)
                told = tagged(store, video)
                if store.video(video.id) != told:
                    store.put_video(told)
            case PartRead(key, config_key, items, segments, times_s, derived):
                self._read.append(Part(key, config_key, items, segments, times_s, derived))
                report.evidence[key.channel] += len(items)
            case Failed(reason, stage, path):
                video_id = job.video_id or self._at.get(job.where)
                self._fail(Failure(str(path or job.where), reason, video_id, stage))
            case Finished(seconds):
                for stage_name, spent_s in seconds.items():
                    report.seconds[stage_name] += spent_s

    def _first(self, video_id: str, where: str) -> str:
        """Return the place that content is indexed under: another live one, else `where`.

        Where the other one is gone, the file was renamed, and that is noted.
        """
        known = self._store.video(video_id)
        if known is None or known.path == where:
            return where
        if _is_at(self._store, video_id, known.path):
            return known.path
        self._report.renamed.append((known.path, where))
        self._store.put_video(replace(known, path=where))
        return where

    def overwritten(self) -> None:
        """Take out the videos whose file was overwritten; of one with a copy, that is its place."""
        store = self._store
        gone = (
            one
            for where, video_id in self._at.items()
            for one in store.at(where)
            if one.id != video_id
        )
        for video in gone:
            copies = copies_of(store, video.id, Path(video.path))
            if copies:
                store.put_video(replace(video, path=str(copies[0].path)))
                self._report.renamed.append((video.path, str(copies[0].path)))
            else:
                store.remove_video(video.id)
                self._report.replaced.append(video)

    def _fail(self, failure: Failure) -> None:
        self._store.put_failure(failure)
        self._report.failures.append(failure)


def _undo(store: Store, video_id: str) -> None:
    """Forget what was read of a file; evidence from elsewhere stays."""
    for (stage, part), key in store.done(video_id).items():
        if key not in (IMPORTED, CARRIED):
            store.put_part(StageKey(video_id, stage, part), "")


def _bind(store: Store, spaces: Mapping[str, str]) -> None:
    """Note which models the index is made with, so that no other ones search it."""
    for kind, space in spaces.items():
        if store.setting(f"space.{kind}") != space:
            store.set_setting(f"space.{kind}", space)


def _is_at(store: Store, video_id: str, where: str) -> bool:
    """Return whether a file is there and still holds the content of a video."""
    if is_address(where):
        from q2e.files.base import Absent
        from q2e.files.remote import stamp_of

        known = noted(store, where)
        try:
            return known is None or known.video_id != video_id or known.stamp == stamp_of(where)
        except Absent:
            return False
        except MediaError:  # as without a network, which tells nothing of the video
            return True
    try:
        return exists(Path(where)) and identify(store, Path(where)) == video_id
    except MediaError:
        return False
