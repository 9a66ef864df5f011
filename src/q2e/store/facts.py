"""What is known of the videos of a table as columns: they are counted without reading each one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.store.base import Searched
from q2e.types import Filters, Video


@dataclass(frozen=True, slots=True)
class Told:
    """What is counted of one video."""

    year: str | None
    language: str | None
    duration_s: float
    tags: tuple[str, ...]

    @classmethod
    def of(cls, video: Video) -> Told:
        return cls(
            video.date[:4] if video.date else None, video.language, video.duration_s, video.tags
        )


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Facts of the V videos and E pieces of evidence of a table; codes are -1 where none is known.

    `year` (V,) indexes `years`, `tag` (T,) indexes `tags` and is one of the video `tagged` (T,).
    `own` (E,) is the language of a piece itself, `spoken` (E,) that or its video's; both index
    `languages`. Lengths are seconds.
    """

    years: tuple[str, ...]
    year: Int64
    tags: tuple[str, ...]
    tag: Int64
    tagged: Int64
    duration_s: Float64
    languages: tuple[str, ...]
    own: Int64
    spoken: Int64

    @classmethod
    def of(
        cls, told: Sequence[Told], owner: Int64, own: Int64, languages: Sequence[str | None]
    ) -> Facts:
        """Return the facts of videos in the table's order.

        `owner` (E,) are the videos of pieces of evidence, `own` (E,) their languages by place in
        `languages`.
        """
        years, year = _coded([one.year for one in told])
        tags, tag = _coded([name for one in told for name in one.tags])
        known = (*(one.language for one in told), *languages)
        names, coded = _coded(known)
        of_video, of_piece = coded[: len(told)], coded[len(told) :]
        mine = of_piece[own] if len(of_piece) else np.full(len(owner), -1, np.int64)
        return cls(
            years,
            year,
            tags,
            tag,
            np.repeat(np.arange(len(told)), [len(one.tags) for one in told]).astype(np.int64),
            np.array([one.duration_s for one in told], np.float64),
            names,
            mine,
            np.where(mine >= 0, mine, of_video[owner] if len(told) else mine),
        )


def _coded(values: Iterable[str | None]) -> tuple[tuple[str, ...], Int64]:
    """Return the names among values, and for each value its place there or -1."""
    place: dict[str, int] = {}
    codes = [place.setdefault(one, len(place)) if one else -1 for one in values]
    return tuple(place), np.array(codes, np.int64)


@runtime_checkable
class Timed(Protocol):
    """A store that keeps the lengths of its videos as a column."""

    def durations_s(self, first: int = 0) -> Float64:
        """Return the lengths (n,) in seconds of the videos from number `first` of `table()` on."""
        ...


@runtime_checkable
class Described(Timed, Protocol):
    """A store that keeps the facts of its videos as columns."""

    def facts(self) -> Facts:
        """Return the facts of the videos and evidence of `table()`; do not write to them."""
        ...


def facts_of(store: Searched) -> Facts:
    """Return the facts of a store's table, from its columns or of each video."""
    if isinstance(store, Described):
        return store.facts()
    table, languages = store.table(), store.languages()
    of = {video.id: Told.of(video) for video in store.videos()}
    # Whose language a piece has is not told here, so that its video's counts as its own.
    spoken = np.full(len(table), len(languages), np.int64)
    for code, language in enumerate(languages):
        mask = store.rows(Filters(languages=(language,)))
        if mask is not None:
            spoken[mask] = code
    told = [of[name] for name in table.video_ids]
    return Facts.of(told, table.video.astype(np.int64), spoken, (*languages, None))
