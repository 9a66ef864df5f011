"""What is known of a file before it is read: its own facts, and what is said about it elsewhere."""

from __future__ import annotations

from dataclasses import asdict, replace

from q2e.errors import MediaError
from q2e.ingest.manifest import Record
from q2e.ingest.messages import Failed, Job
from q2e.ingest.said import said_before
from q2e.store.base import Store
from q2e.types import Video


def said_of_copies(job: Job) -> tuple[list[Record], list[Failed]]:
    """Return what is said about other files of the same content, and what is wrong there."""
    from q2e.media.sidecar import sidecar_record

    said, problems = [], []
    for copy in job.copies:
        if copy.record is not None:
            said.append(copy.record)
            continue
        try:
            said.append(Record(**sidecar_record(copy.path)))
        except MediaError as error:
            problems.append(Failed(str(error), "description", copy.path))
    return said, problems


def read_facts(job: Job, store: Store, older: Store | None) -> tuple[Video, str]:
    """Return the file's facts with what is said about it (by its manifest row, else by the
    description beside it, else by an earlier manifest), and what is wrong with the second."""
    from q2e.decoding.doors import probe
    from q2e.media.sidecar import sidecar_record

    video = probe(job.path, job.video_id)
    if job.record is not None:
        return replace(video, **asdict(job.record)), ""
    wrong = ""
    try:
        if beside := sidecar_record(job.path):
            return replace(video, **beside), ""
    except MediaError as error:
        wrong = str(error)
    stores = (one for one in (store, older) if one is not None)
    earlier = (said_before(one, job.video_id) for one in stores)
    said = next((one for one in earlier if one is not None), Record())
    return replace(video, **asdict(said)), wrong
