"""Knows files by their content, which is read once for each size and time of change of a path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from q2e.errors import MediaError
from q2e.paths import is_address, is_link
from q2e.store.base import Store
from q2e.types import Video

_READ_AGAIN_BYTES = 256 << 20


def identify(store: Store, path: Path) -> str:
    """Return the content id of a file. Raises MediaError where it cannot be read."""
    from q2e.media.identity import content_id

    known = remembered(store, path)
    if known is not None:
        return known
    video_id = content_id(path)
    store.set_setting(_name(path), json.dumps([*_stamp(path), video_id]))
    return video_id


def remembered(store: Store, path: Path) -> str | None:
    """Return the content id of a file that has not changed since it was read, else None.

    Raises MediaError where the file is not there.
    """
    stamp = _stamp(path)
    cached = store.setting(_name(path))
    if cached is not None:
        *known_stamp, video_id = json.loads(cached)
        if known_stamp == stamp and isinstance(video_id, str):
            return video_id
    return None


@dataclass(frozen=True, slots=True)
class Noted:
    """What is remembered of an object between runs."""

    stamp: object
    """Size, ETag, and those of what lies beside it."""
    video_id: str
    read: str = ""
    """Under what it was last read to its end, so that it need not be fetched to know that."""


def noted(store: Store, address: str) -> Noted | None:
    """Return what is remembered of an object of object storage."""
    cached = store.setting(_name(address))
    return None if cached is None else Noted(*json.loads(cached))


def note(store: Store, address: str, known: Noted) -> None:
    """Remember what an object is."""
    store.set_setting(_name(address), json.dumps([known.stamp, known.video_id, known.read]))


def still_there(store: Store, video: Video) -> bool:
    """Return whether the file of a video holds it still.

    Of a large file whose time alone has changed, as by a copy of it, nothing is read. Object
    storage is not asked: what lies there counts as there.
    """
    from q2e.media.identity import content_id

    if is_address(video.path):
        return True
    path = Path(video.path)
    try:
        known = remembered(store, path)
        size_bytes = path.stat().st_size
        if known is None and video.size_bytes in (0, size_bytes):
            known = content_id(path) if size_bytes <= _READ_AGAIN_BYTES else video.id
    except (OSError, MediaError):
        return False
    return known == video.id


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError as error:
        if is_link(path):
            raise MediaError("a link that leads nowhere; mend or remove it") from None
        raise MediaError(f"cannot be read: {error.strerror}") from None
    return [status.st_size, status.st_mtime_ns]


def _name(path: Path | str) -> str:
    return f"file:{path}"
