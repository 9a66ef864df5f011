"""What an index knows of its videos, apart from what finds among them; lists come by pages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, Protocol

from q2e.types import Evidence, Segment, Video

if TYPE_CHECKING:
    from q2e.store.base import Derived, Failure, Item, Remade, StageKey

Order = Literal["stored", "path", "title", "date", "length"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which videos a list is of, and in which order.

    They have all words of `find` in path, title or tags, whatever their case and form (NFKC), and
    lie in `folder` or below it; without these all do. Newest and longest come first, and what has
    no date last; ties are by path and id.
    """

    find: str = ""
    folder: str = ""
    sort: Order = "stored"

    @property
    def words(self) -> tuple[str, ...]:
        """The words of `find` as `said` holds them."""
        return tuple(_plain(self.find).split())

    @property
    def below(self) -> str:
        """What a folder begins with that lies below `folder`."""
        own = str(PurePath(self.folder))
        return own if own.endswith("/") else f"{own}/"

    def fits(self, video: Video) -> bool:
        """Return whether a video belongs to the list."""
        own = folder_of(video)
        if self.folder and own != str(PurePath(self.folder)):
            relative = self.below == "./" and own != "" and not own.startswith("/")
            if not relative and not own.startswith(self.below):
                return False
        return all(word in said(video) for word in self.words)

    def ordered(self, videos: Iterable[Video]) -> list[Video]:
        """Return videos, given in order of storage, as the list shows them."""
        match self.sort:
            case "stored":
                return list(videos)
            case "title":
                return sorted(videos, key=lambda one: (title(one), one.path, one.id))
            case "date":
                known = sorted(videos, key=lambda one: (one.path, one.id))
                return sorted(known, key=lambda one: one.date or "", reverse=True)
            case "length":
                return sorted(videos, key=lambda one: (-one.duration_s, one.path, one.id))
            case "path":
                return sorted(videos, key=lambda one: (one.path, one.id))


#: All videos, in order of storage.
ALL = Wanted()


def folder_of(video: Video) -> str:
    """Return the folder that a video lies in; nothing where it has no file."""
    return str(PurePath(video.path).parent) if video.path else ""


def title(video: Video) -> str:
    """Return what a video is listed by, its title or else the name of its file, in plain form."""
    return _plain(video.title or PurePath(video.path).stem)


def said(video: Video) -> str:
    """Return the words that name a video, in plain form."""
    return _plain(" ".join((video.path or video.id, video.title, *video.tags)))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


class Catalogue(Protocol):
    """Videos, the work done on them, failures, settings and the texts of evidence.

    Each writing call is one transaction.
    """

    # -- videos -----------------------------------------------------------------------------------
    def videos(
        self, wanted: Wanted = ALL, offset: int = 0, limit: int | None = None
    ) -> Iterator[Video]:
        """Yield the videos of a list, or `limit` of them after the first `offset`.

        They are read as they are asked for, all of one state, and never all held at once.
        """
        ...

    def count(self, wanted: Wanted = ALL) -> int:
        """Return how many videos a list has."""
        ...

    def duration_s(self) -> float:
        """Return how long all videos are together."""
        ...

    def folders(self) -> Mapping[str, int]:
        """Return how many videos lie in each folder itself, as `folder_of` names it."""
        ...

    def video(self, video_id: str) -> Video | None: ...

    def several(self, video_ids: Sequence[str]) -> Mapping[str, Video]:
        """Return videos by id, in one step; those that are not known are left out."""
        ...

    def at(self, path: str) -> list[Video]:
        """Return the videos that are kept under a path or address; none under no path."""
        ...

    def named(self, name: str) -> list[Video]:
        """Return the video of an id; else those whose path holds a name, or whose id begins so."""
        ...

    def put_video(self, video: Video) -> None:
        """Add a video or replace what is known about it; its evidence stays."""
        ...

    def remove_video(self, video_id: str) -> bool:
        """Remove a video with all its evidence; False where it was not known."""
        ...

    def forget(self, video: Video) -> bool:
        """Remove a video with all that names it or its file; False where nothing did.

        What a store keeps on disk may hold it until the store's own `scrub`.
        """
        ...

    # -- work on them -----------------------------------------------------------------------------
    def put_part(
        self,
        key: StageKey,
        config_key: str,
        items: Sequence[Item] = (),
        segments: Sequence[Segment] | None = None,
        frame_times_s: Sequence[float] | None = None,
        derived: Derived = ...,
    ) -> None:
        """Store what one stage found in one part, replacing what it found there before.

        `segments` and `frame_times_s` are given by the stage `shots` alone. `derived` says by what
        the items' tokens and text vectors were made. Marks the key as done under `config_key` and
        clears its failure.
        """
        ...

    def put_derived(self, derived: Derived, remade: Sequence[Remade]) -> None:
        """Replace tokens, and add text vectors, of work that is there; its evidence stays.

        Vectors of the older space stay beside the new ones, for searches meanwhile, until `adopt`.
        Work that is no longer there, or has another number of pieces by now, is left alone.
        """
        ...

    def adopt(self, kind: str, space: str) -> None:
        """Bind the index to a space of a kind, such as `text`; vectors of the one before it go."""
        ...

    def done(self, video_id: str) -> Mapping[tuple[str, int], str]:
        """Return {(stage, part): config_key} of the finished work of a video."""
        ...

    def outdated(self, derived: Derived) -> Iterator[tuple[StageKey, Derived]]:
        """Yield the work with evidence that is derived otherwise, in order of storage, and how.

        It is read as it is asked for, all of one state, whatever is written meanwhile.
        """
        ...

    def count_outdated(self, derived: Derived) -> int:
        """Return how much work `outdated` yields."""
        ...

    def segments(self, video_id: str) -> list[Segment]: ...

    def segments_of(self, video_ids: Sequence[str]) -> Mapping[str, list[Segment]]:
        """Return the segments of several videos, in one step; those without are left out."""
        ...

    def frame_times_s(self, video_id: str, part: int) -> list[float]: ...

    def found_by(self, key: StageKey) -> list[Evidence]:
        """Return the evidence of one stage's work on one part in order of storage."""
        ...

    def evidence_of(self, video_id: str) -> list[Evidence]:
        """Return all evidence of one video in time order, without vectors."""
        ...

    # -- failures and settings --------------------------------------------------------------------
    def failures(self, path: str | None = None) -> Iterator[Failure]:
        """Yield what could not be read, of one path or in order of paths, as it is asked for."""
        ...

    def count_failures(self) -> int:
        """Return how many failures there are."""
        ...

    def put_failure(self, failure: Failure) -> None: ...

    def clear_failure(self, path: str) -> None: ...

    def setting(self, name: str) -> str | None: ...

    def set_setting(self, name: str, value: str) -> None: ...
