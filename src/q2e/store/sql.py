"""What the databases have in common: statements with `?` for values, and one state of an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from q2e.arrays import Float32

if TYPE_CHECKING:
    from q2e.store.columns import Columns
    from q2e.store.shelf import Shelves


class Cursor(Protocol):
    """What a statement found, or how many rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection to a database; values stand as `?` in its statements."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any: ...


class Writer(Connection, Protocol):
    """A connection inside a writing transaction."""

    def put_postings(self, stage: int, tokens: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Set the tokens of a stage's evidence, by its ids."""
        ...

    def put_vectors(self, stage: int, vectors: Iterable[tuple[int, Mapping[str, Float32]]]) -> None:
        """Add vectors by space to a stage's evidence, by its ids.

        Raises StoreError where a vector has other dimensions than its space, or a number that is
        not finite in half precision.
        """
        ...

    def drop_vectors(self, space: str, stage: int | None = None) -> None:
        """Remove the vectors of a space, of one stage or, with the space itself, of all."""
        ...


#: The beginning of a column of bytes, by which it is sorted: an index of PostgreSQL takes no more.
HEAD_BYTES = 500
HEAD = f"substr({{}}, 1, {HEAD_BYTES})"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases say otherwise than one another, about the table `video` but for `times`."""

    among: str
    """Whether `id` is among several, and how they are given as one value."""
    listed: Callable[[Sequence[str]], Any]
    tagged: str
    """Whether a video has a tag, and how that is given as a value."""
    tag: Callable[[str], Any]
    duration_s: str
    times: str
    """From when to when evidence `e` is, and when its frame, NULL where it has none."""
    holds: str
    """Whether a column of bytes holds some."""
    noting: tuple[str, ...]
    """Statements from which on the numbers of videos that change are noted (`store.changed`)."""


@dataclass(frozen=True, slots=True)
class State:
    """Which state of an index columns are of."""

    number: int
    remade: int = 0
    """Times that tokens or text vectors of stored evidence were made again."""


class View(Protocol):
    """One state of an index: a connection inside a reading transaction, and its columns."""

    columns: Columns | None

    @property
    def connection(self) -> Connection: ...

    @property
    def dialect(self) -> Dialect: ...

    @property
    def channels(self) -> Mapping[int, str]:
        """Names of channels by their numbers in the database."""
        ...

    @property
    def listed(self) -> str:
        """What to read of videos from, with the columns by which they are listed."""
        ...

    def state(self) -> State: ...

    def shelves(self, number: int) -> Shelves | None:
        """Return where what is made of state `number` is kept beside the index, if anywhere."""
        ...

    def postings(self, term: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return the ids of the evidence that holds a term, ascending, and how often it does."""
        ...

    def batches(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """Yield what a statement finds, `size` rows at a time; not all of it is in memory."""
        ...


class Stated(Protocol):
    """A database whose states are searched."""

    def view(self) -> AbstractContextManager[View]:
        """Lend a view of the newest state, or the one that this thread holds fast."""
        ...

    def pinned(self) -> AbstractContextManager[None]:
        """Hold one state fast for this thread's calls inside the block."""
        ...

    def columns(self, view: View) -> Columns:
        """Return the columns of the state that a view sees."""
        ...

    def writing(self) -> AbstractContextManager[Writer]:
        """Run one transaction; nothing of it stays where it fails."""
        ...
