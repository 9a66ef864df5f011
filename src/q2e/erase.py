"""Takes videos out of an index with every trace: all generations, labels, and what was cached."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path

from q2e import cache
from q2e.cache import write_whole
from q2e.errors import StoreError
from q2e.store import generations
from q2e.store.base import Store
from q2e.store.sqlite import SqliteStore
from q2e.types import Video


def erase(
    directory: Path, videos: Sequence[Video], opened: Callable[[Path], Store] = SqliteStore
) -> int:
    """Erase videos from an index and from the cache; the media themselves are never touched.

    `opened` opens a generation for writing, by its file.

    Every generation's file is written anew, also without videos, for what was removed before.
    Lines about the videos go from all lists beside them (`*.jsonl`). Returns how many generations
    held any of it. Raises IndexLocked where one is being written, StoreError where a file cannot
    be written anew; running it again goes on from there.
    """
    held = 0
    for file in generations.held(directory).values():
        with closing(opened(file)) as store:
            found = [store.forget(video) for video in videos]
            held += any(found)
            store.scrub()
    names = {text for video in videos for text in (video.id, video.path) if text}
    for file in sorted(directory.glob("*.jsonl")):
        _without(file, lambda line: _names_any(line, names))
    cache.forget({video.id for video in videos})
    return held


def _without(file: Path, gone: Callable[[bytes], bool]) -> None:
    try:
        lines = file.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not gone(line)]
        if len(kept) < len(lines):
            write_whole(file, lambda out: out.writelines(kept))
    except OSError as error:
        raise StoreError(f"{file} cannot be written anew: {error.strerror}") from None


def _names_any(line: bytes, names: Collection[str]) -> bool:
    """Return whether a line of JSON holds any of the names as a text of its own."""
    try:
        waiting = [json.loads(line)]
    except ValueError:
        return False
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and value in names:
            return True
    return False
