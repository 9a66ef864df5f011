"""Many videos and what was read of them, put into a store together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from q2e.store.base import UNKNOWN, Derived, Item, StageKey, Store
from q2e.types import Segment, Video

#: Pieces of evidence that are put together, at about: more take memory and save nothing.
PIECES = 4_000


@dataclass(frozen=True, slots=True)
class Part:
    """What `put_part` of a store takes."""

    key: StageKey
    config_key: str
    items: Sequence[Item] = ()
    segments: Sequence[Segment] | None = None
    frame_times_s: Sequence[float] | None = None
    derived: Derived = UNKNOWN


@runtime_checkable
class Bulk(Protocol):
    """A store that puts much together far quicker than one after the other, as on a server."""

    def put_parts(self, videos: Sequence[Video], parts: Sequence[Part]) -> None:
        """Put videos, then parts, in one transaction; of two parts with one key the last stays.

        Raises what `put_video` and `put_part` raise, and then nothing of it stays.
        """
        ...


def put_all(store: Store, videos: Sequence[Video], parts: Sequence[Part]) -> None:
    """Put videos, then parts, into any store: together where it can, else one after the other."""
    if isinstance(store, Bulk):
        store.put_parts(videos, parts)
        return
    for video in videos:
        store.put_video(video)
    for one in parts:
        store.put_part(
            *(one.key, one.config_key, one.items, one.segments, one.frame_times_s, one.derived)
        )
