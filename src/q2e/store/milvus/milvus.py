"""The engine `milvus`: makes, follows and verifies the copy that Milvus holds of a catalogue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import Field

from q2e.errors import StoreError
from q2e.registry import method
from q2e.store import changed
from q2e.store.base import Store
from q2e.store.engine import Engine, Finding
from q2e.store.lean import LeanEngine
from q2e.store.milvus import tables
from q2e.store.milvus.address import Address
from q2e.store.milvus.engine import MilvusEngine
from q2e.store.milvus.pieces import Copy, copied
from q2e.store.milvus.tables import WORDS, Tables
from q2e.store.rows import pack, unpack
from q2e.store.searching import Searching
from q2e.store.sql import View, Writer

#: Videos that are copied at a time.
_AT_ONCE = 200
#: Settings of the catalogue: whose rows are this index's, and what is held of it where.
_OWN, _MADE = "engine.id", "engine.milvus"


@dataclass(slots=True)
class Milvus:
    """The copy of one catalogue; see `q2e.store.engine.Apart`."""

    store: Searching
    address: str
    index: str = "hnsw"

    # -- finding --------------------------------------------------------------------------------
    def engine(self) -> Engine | None:
        """Return what finds by the copy, or None where none was made at this address."""
        if self._made is None:
            return None
        return MilvusEngine(self.store, self.store, self._tables, self.scan(), self._there)

    def _there(self) -> Mapping[str, Any]:
        made: Mapping[str, Any] | None = self._made
        if made is None:
            raise StoreError(f"{self.address} is no longer followed;  q2e engine rebuild  does so")
        return made

    def scan(self) -> Engine:
        """Return what finds the same in the catalogue alone."""
        store = self.store
        return store.scan() if isinstance(store, Finding) else LeanEngine(store)

    # -- making ---------------------------------------------------------------------------------
    def build_engine(self) -> int:
        """Copy all that is found by anew, and remove what is gone; returns how many spaces."""
        with self.store.view() as view:
            noting = view.dialect.noting
        of = self.store.setting(_OWN) or uuid4().hex[:16]
        with self.store.writing() as writer:
            changed.note(writer, noting)
            _set(writer, _OWN, of)
        known = self._read()
        made = 1 + int(known["made"]) if known else 1
        means = self._means() if self._tables.modern else None
        done: Counter[str] = Counter()
        for numbers in self._pages():
            done.update(self._copy(numbers, made, means))
        for space in self._spaces():
            if self._tables.there(space):
                self._tables.delete(space, f"made < {made}")
        unsealed = self._settled(done)
        with self.store.writing() as writer:
            changed.forget(writer)
            self._tell(writer, made, means, done, unsealed)
        return len(done)

    def follow(self) -> int:
        """Bring the copy up to what was committed; returns how many videos it copied or removed."""
        made = self._made
        if made is None:
            return 0
        with self.store.view() as view:
            late = changed.numbers(view)
        # The weights of a channel rest on what its mean was at first.
        means = self._means() | made["means"] if late and self._tables.modern else None
        spaces = dict.fromkeys(made["spaces"])
        # What was copied before this was counted is taken to be sealed.
        unsealed = Counter(made.get("unsealed", {}))
        for start in range(0, len(late), _AT_ONCE):
            some = late[start : start + _AT_ONCE]
            copied_now = self._copy(some, made["made"], means)
            spaces |= dict.fromkeys(copied_now)
            unsealed.update(copied_now)
            with self.store.writing() as writer:
                changed.forget(writer, some)
                self._tell(writer, made["made"], means, spaces, unsealed)
        if (left := self._settled(unsealed)) != unsealed:
            with self.store.writing() as writer:
                self._tell(writer, made["made"], means, spaces, left)
        return len(late)

    def _settled(self, unsealed: Counter[str]) -> Counter[str]:
        """Have Milvus seal the spaces that took in more than it scans; returns what is left."""
        left = Counter[str]()
        for space, rows in unsealed.items():
            if rows > tables.UNSEALED:
                self._tables.settle(space)
            else:
                left[space] = rows
        return left

    def _tell(
        self,
        writer: Writer,
        made: int,
        means: dict[str, float] | None,
        spaces: Iterable[str],
        unsealed: Mapping[str, int],
    ) -> None:
        """Say in the catalogue what is held where, so that who searches knows it."""
        said = {"made": made, "means": means or {}, "spaces": list(spaces)}
        said["unsealed"] = dict(unsealed)
        _set(writer, _MADE, json.dumps({"address": self.address, "index": self.index} | said))

    def _copy(
        self, numbers: Sequence[int], made: int, means: dict[str, float] | None
    ) -> Counter[str]:
        """Copy videos; returns how many rows each space took in."""
        with self.store.view() as view:
            copy: Copy = copied(view, numbers, self._of, made, means)
        for space, size in copy.dimensions.items():
            self._tables.make(space, size)
        for space in {*self._spaces(), *copy.rows}:
            if self._tables.there(space):
                self._tables.replace(space, numbers, copy.rows.get(space, []))
        return Counter({space: len(rows) for space, rows in copy.rows.items()})

    def _means(self) -> dict[str, float]:
        known = self.scan().statistics(())
        return {name: one.words / one.pieces for name, one in known.items() if one.words}

    # -- verifying ------------------------------------------------------------------------------
    def unfound(self) -> int:
        """Return how many vectors and texts of the catalogue Milvus does not hold once."""
        if self._made is None:
            return 0
        missing = 0
        for numbers in self._pages():
            with self.store.view() as view:
                means = dict.fromkeys(view.channels.values(), 1.0)
                own = copied(view, numbers, self._of, 0, means if self._tables.modern else None)
            for space, rows in own.rows.items():
                held = self._tables.held(space, numbers) if self._tables.there(space) else []
                wanted = {str(row["id"]) for row in rows}
                missing += len(wanted - set(held)) + len(held) - len(set(held))
        return missing

    # -- plumbing -------------------------------------------------------------------------------
    @property
    def _of(self) -> str:
        return self.store.setting(_OWN) or ""

    @property
    def _tables(self) -> Tables:
        key = (self.address, self._of, self.index)
        if key not in _TABLES:
            _TABLES[key] = Tables(*key)
        return _TABLES[key]

    @property
    def _made(self) -> Any:
        """What is said of the copy at this address, or None."""
        known = self._read()
        same = known and (known["address"], known["index"]) == (self.address, self.index)
        return known if same else None

    def _read(self) -> Any:
        said = self.store.setting(_MADE)
        return None if said is None else json.loads(said)

    def _spaces(self) -> list[str]:
        with self.store.view() as view:
            found = view.connection.execute("SELECT name FROM space ORDER BY number").fetchall()
        return [unpack(name) for (name,) in found] + [WORDS] * self._tables.modern

    def _pages(self) -> Iterator[list[int]]:
        """Yield the numbers of all videos, some at a time."""
        last = 0
        while True:
            with self.store.view() as view:
                numbers = _after(view, last)
            if not numbers:
                return
            yield numbers
            last = numbers[-1]


_TABLES: dict[tuple[str, str, str], Tables] = {}


def _set(writer: Writer, name: str, value: str) -> None:
    writer.execute("DELETE FROM setting WHERE name = ?", (pack(name),))
    writer.execute("INSERT INTO setting VALUES (?, ?)", (pack(name), pack(value)))


def _after(view: View, last: int) -> list[int]:
    asked = f"SELECT number FROM video WHERE number > ? ORDER BY number LIMIT {_AT_ONCE}"
    return [int(number) for (number,) in view.connection.execute(asked, (last,)).fetchall()]


Index = Annotated[
    Literal["hnsw", "flat"],
    Field(description="How vectors are found: in a graph, or by scanning all, which misses none."),
]


@method("engine", needs=("milvus",), source="Wang et al. 2021, SIGMOD, 2614-2627")
def milvus(
    store: Store, *, address: Address = "milvus://localhost:19530", index: Index = "hnsw"
) -> Milvus:
    """A copy of vectors and weights of words in Milvus, beside the store that keeps the index.

    It is named by its address alone, as in `milvus://host:19530/archive`; credentials come from
    `MILVUS_TOKEN`. `q2e engine rebuild` makes the copy. With `index=flat` all vectors are scanned,
    for collections that must miss nothing.
    """
    if not isinstance(store, Searching):
        raise StoreError(
            "Milvus can stand beside the stores sqlite and postgresql, whose changes it follows; "
            f"this one is {type(store).__name__}"
        )
    return Milvus(store, address, index)
