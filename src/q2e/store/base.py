"""The verbs every store offers, and the columns scoring works on.

A store keeps videos, their segments, the state of each stage, and evidence. Scoring sees
evidence as rows of a `Table`; `dense` and `lexical` answer in row numbers of that same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int16, Int32, Int64
from q2e.store.catalogue import Catalogue
from q2e.types import Evidence, Filters, Segment, Video

#: Setting that names the space of texts that is being made beside the one that answers.
NEXT_SPACE = "space.text.next"


#: The stage of the frames between those of `frame`: further evidence of that channel.
DENSE = "dense"


@dataclass(frozen=True, slots=True)
class StageKey:
    """One unit of work: a stage (`shots`, `dense` or a channel) over one part of one video."""

    video: str
    stage: str
    part: int

    @property
    def channel(self) -> str:
        """The channel of the evidence that the stage finds."""
        return "frame" if self.stage == DENSE else self.stage


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be read, or a stage of it."""

    path: str
    reason: str
    video: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """By what tokens and text vectors were made of the texts of evidence; empty where unknown.

    Both can be made again of what is stored, which what was seen and heard cannot.
    """

    terms: str = ""
    """Version of the tokens."""
    space: str = ""
    """Vector space of the texts."""


UNKNOWN = Derived()


@dataclass(frozen=True, slots=True, eq=False)
class Remade:
    """What was made again of one stage's work on one part, for each piece in order of storage."""

    key: StageKey
    tokens: tuple[tuple[str, ...], ...] | None = None
    """None where the tokens stay as they are."""
    vectors: tuple[Float32 | None, ...] | None = None
    """In the new space of texts; None where a piece is not found by its meaning."""


@dataclass(frozen=True, slots=True)
class Item:
    """Evidence ready to be stored: with the lexical tokens its text passes the index by."""

    evidence: Evidence
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """The numbers of a collection of which a table holds a part."""

    videos: int
    pieces: int
    texts: Mapping[str, int]
    """Pieces with text by channel."""
    stands_for: Float64
    """(V,) how many videos of the collection each video of the table stands for."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Every piece of evidence as columns of equal length E, in order of storage.

    `version` changes whenever a row was added or removed; row numbers are valid for one version.
    """

    version: int
    evidence_id: Int64
    video: Int32
    """(E,) index into `video_ids`."""
    channel: Int16
    """(E,) index into `channels`; the same number may be another channel in another table."""
    start_s: Float32
    end_s: Float32
    length: Int32
    """(E,) number of lexical tokens."""
    video_ids: tuple[str, ...]
    channels: tuple[str, ...]
    """Names of the channels that ever gave evidence, in the order in which they are shown."""
    whole: Whole | None = None
    """What the table is a part of; None where it is all there is."""

    @property
    def pieces(self) -> int:
        """How much evidence the whole collection has."""
        return len(self) if self.whole is None else self.whole.pieces

    @property
    def videos(self) -> int:
        """How many videos the whole collection has."""
        return len(self.video_ids) if self.whole is None else self.whole.videos

    @property
    def stands_for(self) -> Float64 | None:
        """(V,) how many videos of the whole each stands for; None where each is itself alone."""
        return None if self.whole is None else self.whole.stands_for

    def texts(self, channel: str) -> int:
        """Return how many pieces with text a channel of the whole collection has."""
        if self.whole is not None:
            return self.whole.texts.get(channel, 0)
        return int(((self.channel == self.code(channel)) & (self.length > 0)).sum())

    @property
    def held(self) -> tuple[str, ...]:
        """The channels that any row is of."""
        counts = np.bincount(self.channel, minlength=len(self.channels))
        return tuple(name for name, n in zip(self.channels, counts, strict=True) if n)

    def code(self, channel: str) -> int:
        """Return the number of a channel in the column; one that no row has where it is unknown."""
        return self.channels.index(channel) if channel in self.channels else -1

    def of_channels(self, names: Iterable[str]) -> Bool:
        """Return (E,) which rows are of any of the channels."""
        return np.isin(self.channel, [self.code(name) for name in names])

    def __len__(self) -> int:
        return len(self.evidence_id)

    def __repr__(self) -> str:
        return f"Table(version={self.version}, rows={len(self)}, videos={len(self.video_ids)})"


class Searched(Protocol):
    """What a search reads: a whole collection, or the part of it that a question is about."""

    def videos(self) -> Iterator[Video]: ...

    def video(self, video_id: str) -> Video | None: ...

    def several(self, video_ids: Sequence[str]) -> Mapping[str, Video]: ...

    def outdated(self, derived: Derived) -> Iterator[tuple[StageKey, Derived]]:
        """Yield the work with evidence that is derived otherwise, in order of storage, and how."""
        ...

    def setting(self, name: str) -> str | None: ...

    def segments(self, video_id: str) -> list[Segment]: ...

    def segments_of(self, video_ids: Sequence[str]) -> Mapping[str, list[Segment]]: ...

    # -- searching ------------------------------------------------------------------------------
    def snapshot(self) -> AbstractContextManager[None]:
        """Let this thread's calls inside the block all see one state, whoever writes meanwhile.

        Without it each call sees the newest state, in which row numbers and masks of an earlier
        call may be of another version.
        """
        ...

    def table(self) -> Table:
        """Return the current columns; cheap when nothing changed since the last call."""
        ...

    def rows(self, filters: Filters) -> Bool | None:
        """Return the (E,) mask of rows that satisfy `filters`, or None where all do."""
        ...

    def lexical(
        self,
        tokens: Sequence[str],
        *,
        mask: Bool | None = None,
        k: int | None = None,
    ) -> tuple[Int64, Float32]:
        """Return rows holding any of `tokens` and their BM25 scores, best first.

        Lucene's BM25 (k1 = 1.2, b = 0.75, idf = ln(1 + (N - n + 0.5) / (n + 0.5))), with N, n
        and mean length counted inside each row's own channel. Repeated tokens count once each
        time they occur in the query.
        """
        ...

    def languages(self) -> tuple[str, ...]:
        """Return the languages of videos and evidence, sorted."""
        ...

    def spaces(self) -> Mapping[str, int]:
        """Return {vector space: number of vectors}, without one that is still being made."""
        ...

    def vectors(self, space: str) -> tuple[Int64, Float32]:
        """Return row numbers (n,) and the (n, d) matrix of one space; do not write to it.

        It may lie in memory dimension by dimension: make products of all with `queries @ matrix.T`.
        """
        ...

    def evidence(self, rows: Iterable[int]) -> list[Evidence]:
        """Return whole evidence (without vectors) of the given row numbers of `table()`."""
        ...

    def times_s(self, rows: Int64) -> Float64:
        """Return (n, 3) from when to when evidence is, and when its frame; NaN without a frame.

        Much quicker than `evidence`, for what is asked of all the evidence of a video.
        """
        ...

    def evidence_of(self, video_id: str) -> list[Evidence]:
        """Return all evidence of one video in time order, without vectors."""
        ...


class Store(Catalogue, Searched, Protocol):
    """A place for evidence; every implementation passes tests/conformance_store.py."""

    # -- asking in one step ------------------------------------------------------------------
    def dense(
        self,
        space: str,
        queries: Float32,
        *,
        mask: Bool | None = None,
        k: int | None = None,
    ) -> list[tuple[Int64, Float32]]:
        """Return, for each of the (q, d) query vectors, rows and their inner products.

        Best first and ties by row number. All rows with a vector in `space` when `k` is None.
        Vectors are kept in half precision: what is multiplied is the vector rounded to float16.
        """
        ...

    # -- looking after --------------------------------------------------------------------------
    def optimise(self) -> Mapping[str, int]:
        """Give unused room back; returns `before_bytes` and `after_bytes` where that is known."""
        ...

    def scrub(self) -> None:
        """Leave nothing of what was removed, as in unused parts of files."""
        ...

    def close(self) -> None: ...


class Opener(Protocol):
    """What a method of the kind `store` is."""

    def __call__(self, file: Path, read_only: bool, wait_s: float) -> Store:
        """Open what is kept of one index and profile.

        `file` is the place in the index's folder where a store of files keeps it; another store
        takes it as a name. Raises IndexMissing where nothing is there to be read, IndexLocked where
        another process writes for longer than `wait_s`, StoreError where it cannot be used.
        """
        ...
