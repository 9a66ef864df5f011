"""Indexes a list of files: knows the order of the first line, from file to stored evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from q2e.errors import MediaError
from q2e.ingest.copies import Copy, copies_of, note_copy
from q2e.ingest.derive import refresh
from q2e.ingest.executors.base import Executing
from q2e.ingest.identify import identify
from q2e.ingest.inherit import CARRIED
from q2e.ingest.keys import IMPORTED, grown
from q2e.ingest.manifest import Source, allowed
from q2e.ingest.messages import Failed, Finished, Found, Job, Message, PartRead, Progress
from q2e.ingest.said import note_said
from q2e.models.base import TextEncoder
from q2e.paths import exists
from q2e.plugins import registry
from q2e.settings import Settings
from q2e.store.base import Failure, StageKey, Store
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
    jobs: dict[str, Job] = {}
    at: dict[Path, str] = {}
    before = store.videos()
    executor: Executing = registry().one("executor", settings.executor).bound
    with executor(settings, index_file, older, within) as worker:
        if encoder is not None:
            space = worker.start()["text"] if sources else encoder().space
            report.refreshed = refresh(store, space, encoder, derivation(watch))
        for number, source in enumerate(sources):
            path = source.path
            try:
                video_id = identify(store, path)
            except MediaError as error:
                _fail(store, report, Failure(str(path), str(error)))
                continue
            at[path] = video_id
            job = jobs.get(video_id)
            first = _first(store, report, video_id, path) if job is None else job.path
            if first != path:
                report.duplicates.append((str(path), str(first)))
                note_copy(store, video_id, Copy(path, source.record))
            copies = copies_of(store, video_id, first)
            if first != path and job is not None and job.copies == copies:
                continue
            # What is said about a copy is said about the video.
            earlier = None if job is None else job.record
            record = source.record if first == path else earlier
            job = jobs[video_id] = Job(first, video_id, record, copies)
            for copy in copies:
                store.clear_failure(str(copy.path))
            is_new = store.video(video_id) is None
            note_said(store, video_id, first, record)
            said: set[type[Message]] = set()
            for message in worker.run(job):
                _keep(store, report, job, message, worker.spaces)
                if not (isinstance(message, Failed) and message.path):
                    said.add(type(message))
                if watch is not None:
                    watch(path, number, len(sources), message)
            if Failed in said or first != path:
                continue
            store.clear_failure(str(path))
            known = store.video(video_id)
            if PartRead in said and known is not None:
                report.indexed.append(known)
            elif is_new and known is not None:
                report.empty.append(known)
            else:
                report.unchanged += 1
        _overwritten(store, report, at, before)
    return report


def _keep(
    store: Store, report: Report, job: Job, message: Message, spaces: Mapping[str, str]
) -> None:
    """Store what the reading process says about one file, and count it."""
    match message:
        case Found(video):
            _bind(store, spaces)
            if grown(store.video(job.video_id), video):
                _undo(store, job.video_id)
            if store.video(job.video_id) != video:
                store.put_video(video)
        case PartRead(key, config_key, items, segments, times_s, derived):
            store.put_part(key, config_key, items, segments, times_s, derived)
            report.evidence[key.channel] += len(items)
        case Failed(reason, stage, path):
            _fail(store, report, Failure(str(path or job.path), reason, job.video_id, stage))
        case Finished(seconds):
            for stage_name, spent_s in seconds.items():
                report.seconds[stage_name] += spent_s


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


def _first(store: Store, report: Report, video_id: str, path: Path) -> Path:
    """Return the path that content is indexed under: another live one, else `path`.

    Where the other one is gone, the file was renamed, and that is noted.
    """
    known = store.video(video_id)
    if known is None or known.path == str(path):
        return path
    if _is_at(store, video_id, Path(known.path)):
        return Path(known.path)
    report.renamed.append((known.path, str(path)))
    store.put_video(replace(known, path=str(path)))
    return path


def _is_at(store: Store, video_id: str, path: Path) -> bool:
    """Return whether a file is there and still holds the content of a video."""
    try:
        return exists(path) and identify(store, path) == video_id
    except MediaError:
        return False


def _overwritten(store: Store, report: Report, at: Mapping[Path, str], before: list[Video]) -> None:
    """Take out the videos whose file was overwritten; of one with a copy, that is its place now.

    `at` is the content of the files of this run, `before` are the videos known when it began.
    """
    for video in before:
        path = Path(video.path)
        now = store.video(video.id) if at.get(path, video.id) != video.id else None
        if now is None or now.path != video.path:
            continue
        copies = copies_of(store, video.id, path)
        if copies:
            store.put_video(replace(now, path=str(copies[0].path)))
            report.renamed.append((now.path, str(copies[0].path)))
        else:
            store.remove_video(video.id)
            report.replaced.append(video)


def _fail(store: Store, report: Report, failure: Failure) -> None:
    store.put_failure(failure)
    report.failures.append(failure)
