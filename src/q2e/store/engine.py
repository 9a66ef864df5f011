"""What finds the best videos of a collection too large to be held by who asks.

A search takes from an engine the best videos of every score row, all that is known of them, and a
fixed sample of videos that says what the others are like (`search/near.py`). An engine ranks by
inner product: vectors of questions are not of unit length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.store.base import Searched, Table
from q2e.types import Evidence, Filters


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One row's worth of asking: by vectors (q, d) in a space, or by terms.

    `how` and `part` name the rows that are made of the answer; `channels` are those that are
    asked, all where there are none.
    """

    how: str
    part: str
    space: str = ""
    matrix: Float32 | None = None
    terms: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class Best(NamedTuple):
    """The videos of one channel that answer a request best, best first.

    No other video of the channel scores above `floor`, -inf where no other has a score.
    """

    channel: str
    videos: tuple[str, ...]
    floor: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of a collection, each of which is a sum over its parts; `texts` by channel."""

    videos: int
    pieces: int
    texts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Words:
    """What BM25 asks of one channel: sums over the parts of a collection."""

    pieces: int
    """Pieces of evidence with text."""
    words: int
    holding: Mapping[str, int]
    """Pieces that hold a term; terms that none holds are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """All evidence of some videos: columns, and vectors by space as `Searched.vectors` does."""

    table: Table
    vectors: Mapping[str, tuple[Int64, Float32]]
    duration_s: Float64
    """(V,) lengths of the videos."""


def joined(one: Pieces, other: Pieces) -> Pieces:
    """Return the pieces of different videos together, in order of storage."""
    first, second = one.table, other.table
    ids = np.concatenate((first.evidence_id, second.evidence_id))
    order = np.argsort(ids, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))

    def column(name: str) -> Any:
        return np.concatenate((getattr(first, name), getattr(second, name)))[order]

    owner = np.concatenate((first.video, second.video + np.int32(len(first.video_ids))))
    columns = {name: column(name) for name in ("channel", "start_s", "end_s", "length")}
    table = replace(
        first,
        evidence_id=ids[order],
        video=owner[order],
        video_ids=first.video_ids + second.video_ids,
        **columns,
    )
    vectors = {}
    for space in {**one.vectors, **other.vectors}:
        pairs = [
            (place[rows + offset], matrix)
            for pieces, offset in ((one, 0), (other, len(first)))
            for rows, matrix in [pieces.vectors.get(space, (None, None))]
            if rows is not None
        ]
        rows = np.concatenate([rows for rows, _ in pairs])
        ascending = np.argsort(rows)
        matrix = np.concatenate([matrix for _, matrix in pairs])
        vectors[space] = rows[ascending], matrix[ascending]
    return Pieces(table, vectors, np.concatenate((one.duration_s, other.duration_s)))


class Engine(Protocol):
    """Finds videos of one collection; asked within the snapshot of its catalogue."""

    catalogue: Searched
    """What is known of videos by name: facts, texts, settings."""

    @property
    def exact(self) -> bool:
        """Whether `best` misses nothing, so that its floors hold."""
        ...

    def version(self) -> int:
        """Return a number that changes with every commit."""
        ...

    def best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        """Return for each request the `k` best videos of each channel, by their best piece."""
        ...

    def complete(self, videos: Sequence[str]) -> Pieces:
        """Return all evidence of videos, in order of storage; unknown ones are left out."""
        ...

    def lexical(self, terms: Sequence[str], evidence_id: Int64) -> tuple[Int64, Float32]:
        """Return which of the pieces (n,), by place, hold any of the terms, and their BM25 scores.

        As `Searched.lexical` scores them, by the numbers of the whole collection.
        """
        ...

    def rows(self, filters: Filters, evidence_id: Int64) -> Bool | None:
        """Return the mask (n,) of pieces that satisfy filters, None where all do."""
        ...

    def evidence(self, evidence_id: Int64) -> list[Evidence]:
        """Return whole evidence, without vectors, of pieces (n,)."""
        ...

    def times_s(self, evidence_id: Int64) -> Float64:
        """Return (n, 3) times of pieces (n,), as `Searched.times_s` does."""
        ...

    def counts(self) -> Counts: ...

    def statistics(self, terms: Sequence[str]) -> Mapping[str, Words]:
        """Return by channel with text what the weights of terms rest on."""
        ...

    def panel(self, size: int) -> tuple[str, ...]:
        """Return `size` videos, or all: a random sample that commits change as little as they can.

        Those whose names have the lowest hashes (bottom-k sampling: Cohen and Kaplan 2007).
        """
        ...


@runtime_checkable
class Finding(Protocol):
    """A store that may have an engine for collections larger than memory."""

    def engine(self) -> Engine | None:
        """Return the engine, or None where none was made."""
        ...

    def build_engine(self) -> int:
        """Make what the engine needs anew of what is kept; returns how many indexes it made."""
        ...

    def scan(self) -> Engine:
        """Return what finds the same by looking at everything."""
        ...

    def unfound(self) -> int:
        """Return how many vectors the engine does not hold."""
        ...


@runtime_checkable
class Apart(Finding, Protocol):
    """An engine beside the store, which holds a copy of what is found by: a projection."""

    def follow(self) -> int:
        """Bring the copy up to what was committed; returns how many videos were copied or removed.

        Needs a writing store. Raises StoreError where the engine does not answer; what is missing
        stays noted.
        """
        ...
