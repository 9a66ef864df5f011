"""Files of the same content as another: what is said beside each of them is about one video."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from q2e.errors import MediaError
from q2e.ingest.identify import remembered
from q2e.ingest.manifest import Record
from q2e.store.base import Store
from q2e.types import Video


@dataclass(frozen=True, slots=True)
class Copy:
    """A file with the content of another one, and what a manifest says about it."""

    path: Path
    record: Record | None = None


def copies_of(store: Store, video_id: str, first: Path) -> tuple[Copy, ...]:
    """Return the copies of the video at `first` that were met and are still there."""
    return tuple(
        copy
        for copy in _noted(store, video_id)
        if copy.path != first and _is_still(store, copy.path, video_id)
    )


def note_copy(store: Store, video_id: str, copy: Copy) -> None:
    """Remember a copy of a video; what an earlier manifest said of it stands until another does."""
    known = {one.path: one for one in _noted(store, video_id)}
    if copy.path in known and copy.record in (None, known[copy.path].record):
        return
    known[copy.path] = copy
    noted = {
        str(one.path): None if one.record is None else asdict(one.record) for one in known.values()
    }
    store.set_setting(_name(video_id), json.dumps(noted))


def _noted(store: Store, video_id: str) -> list[Copy]:
    noted: dict[str, Any] = json.loads(store.setting(_name(video_id)) or "{}")
    return [
        Copy(
            Path(path),
            None if fields is None else Record(**{**fields, "tags": tuple(fields["tags"])}),
        )
        for path, fields in noted.items()
    ]


def _is_still(store: Store, path: Path, video_id: str) -> bool:
    try:
        return remembered(store, path) == video_id
    except MediaError:
        return False


def merged(video: Video, others: Iterable[Record]) -> Video:
    """Return a video with what is said about its copies.

    What its own record leaves out is theirs; tags are joined, and other titles and descriptions
    stand below its description.
    """
    for other in others:
        said = [video.title, *video.description.splitlines()]
        more = [] if not video.title else [other.title]
        more += other.description.splitlines()
        lines = [line for line in dict.fromkeys(more) if line.strip() and line not in said]
        video = replace(
            video,
            title=video.title or other.title,
            description="\n".join(filter(None, [video.description, *lines])),
            date=video.date or other.date,
            language=video.language or other.language,
            tags=tuple(dict.fromkeys((*video.tags, *other.tags))),
        )
    return video


def _name(video_id: str) -> str:
    return f"copies:{video_id}"
