"""What is made of one state of an index, kept as arrays in the user's cache: mapped, not read.

A collection of 100,000 pieces takes a second to be laid out in memory; laid out once, the file is
mapped in milliseconds, and several processes share its pages. A shelf is a folder,
`columns/WRITER/STATE` of the cache, with a file for each value. All of it may be deleted.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from q2e.cache import SHELVES, cache_dir, content_key, write_whole

Array = npt.NDArray[Any]

#: Raised when what is kept, or how, becomes another: older files are then made anew.
FORMAT = 1
#: Bytes that all shelves may take, and the share of a disk that must stay free.
MOST_BYTES, FREE = 4 << 30, 0.1
#: The kind of values that serve other states of nearly the same size too.
MEASURED = "measured"
_ALIGNED = 64
_TYPES = frozenset({"<f4", "<f8", "<i2", "<i4", "<i8", "|b1"})


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Arrays by name, which cannot be written to, and what else was told with them."""

    arrays: Mapping[str, Array]
    told: Any = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """The values of one state; what cannot be read is as if it were not there."""

    folder: Path

    def get(self, name: str) -> Kept | None:
        """Return a value by its name."""
        try:
            return self._read(self._file(name))
        except (OSError, ValueError, TypeError, LookupError):
            return None

    def put(self, name: str, value: Kept) -> None:
        """Keep a value, where there is room for it."""
        with suppress(OSError):
            file = self._file(name)
            size = sum(one.nbytes for one in value.arrays.values())
            if _room(size):
                write_whole(file, lambda out: _write(out, self._state, value))

    def of_kind(self, kind: str) -> Iterator[Kept]:
        """Yield the values whose names are `kind:NAME`."""
        with suppress(OSError):
            for file in sorted(self.folder.glob(f"{kind}-*")):
                with suppress(OSError, ValueError, TypeError, LookupError):
                    yield self._read(file)

    def drop(self) -> None:
        """Delete it; whoever has mapped a value keeps it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def used(self) -> None:
        """Note that it was asked for now."""
        with suppress(OSError):
            os.utime(self.folder)

    @property
    def _state(self) -> str:
        """What tells files of this state from others, which may come to lie here."""
        return "/".join(self.folder.parts[-2:])

    def _read(self, file: Path) -> Kept:
        state, kept = _read(file)
        if state != self._state:
            raise ValueError(f"{file} is of {state}")
        return kept

    def _file(self, name: str) -> Path:
        kind, colon, own = name.partition(":")
        return self.folder / (f"{kind}-{content_key(own)}" if colon else kind)


@dataclass(frozen=True, slots=True)
class Shelves:
    """The shelf of a state, and of the states that it grew from."""

    own: Shelf
    earlier: tuple[Shelf, ...] = field(default=())
    """Newest first."""

    @classmethod
    def of(cls, lineage: Iterator[tuple[str, range]], number: int) -> Shelves | None:
        """Return the shelves of state `number`; None where its writers are not known."""
        folder = cache_dir() / SHELVES
        own, found = None, []
        for mark, states in lineage:
            own = own or Shelf(folder / mark / str(number))
            there = [int(one.name) for one in _folders(folder / mark) if one.name.isdecimal()]
            known = sorted((one for one in there if one in states and one != number), reverse=True)
            found += [Shelf(folder / mark / str(one)) for one in known]
        return None if own is None else cls(own, tuple(found))

    def begin(self) -> None:
        """Delete what is kept so far, also of the states before, and what is too much of others."""
        for one in (self.own, *self.earlier):
            one.drop()
        with suppress(OSError):
            _tidy(cache_dir() / SHELVES)


def _folders(folder: Path) -> list[Path]:
    try:
        return [one for one in folder.iterdir() if one.is_dir()]
    except OSError:
        return []


def _room(size: int) -> bool:
    known = cache_dir()
    while not known.exists() and known != known.parent:
        known = known.parent
    disk = shutil.disk_usage(known)
    return size <= MOST_BYTES and disk.free - size >= FREE * disk.total


def _tidy(folder: Path) -> None:
    states = [state for writer in _folders(folder) for state in _folders(writer)]
    sizes = {one: sum(file.stat().st_size for file in one.iterdir()) for one in states}
    total = sum(sizes.values())
    for one in sorted(states, key=lambda state: state.stat().st_mtime):
        if total <= MOST_BYTES:
            break
        Shelf(one).drop()
        total -= sizes[one]
    for writer in _folders(folder):
        if not any(writer.iterdir()):
            writer.rmdir()


def _write(out: IO[bytes], state: str, value: Kept) -> None:
    offset, described = 0, []
    for name, one in value.arrays.items():
        kind = one.dtype.newbyteorder("<").str
        described.append([name, kind, list(one.shape), offset])
        offset += -(-one.nbytes // _ALIGNED) * _ALIGNED
    told = {"format": FORMAT, "state": state, "bytes": offset}
    told |= {"arrays": described, "told": value.told}
    head = json.dumps(told).encode() + b"\n"
    out.write(head + b"\0" * (-len(head) % _ALIGNED))
    for one in value.arrays.values():
        # Line by line: a matrix may be the beginning of each line of a larger one.
        for line in one if one.ndim > 1 else [one]:
            out.write(np.ascontiguousarray(line, line.dtype.newbyteorder("<")).data)
        out.write(b"\0" * (-one.nbytes % _ALIGNED))


def _read(path: Path) -> tuple[str, Kept]:
    """Return the state that a file is of, and what it holds.

    Raises ValueError and its like for a file that was not so written.
    """
    with path.open("rb") as file:
        head = file.readline()
        told = json.loads(head)
        begins = -(-len(head) // _ALIGNED) * _ALIGNED
        size = os.fstat(file.fileno()).st_size
        if told["format"] != FORMAT or begins + told["bytes"] != size:
            raise ValueError(f"{path} is not of this format")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays = {}
    for name, kind, shape, offset in told["arrays"]:
        if kind not in _TYPES or offset < 0 or any(length < 0 for length in shape):
            raise ValueError(f"{path} holds {kind} {shape}")
        count = int(np.prod(shape, dtype=object))
        one = np.frombuffer(mapped, kind, count, begins + offset) if count else np.zeros(0, kind)
        arrays[name] = one.reshape(shape)
    return str(told["state"]), Kept(arrays, told["told"])
