"""Counts what a call does, so that growth is judged alike on a busy machine and an idle one.

Three counts: lines of Q2E's own Python as they are passed, instructions of SQLite's machine, and
numbers that numpy reads and writes in the arrays of an index (of a matrix product, what it
multiplies).
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np

import q2e
from q2e.store import columns as store_columns

OWN = str(Path(q2e.__file__).parent)
#: Instructions of SQLite's machine between two looks at it.
EACH = 5

_counts: Counter[str] = Counter()


class Counted(np.ndarray):  # type: ignore[type-arg]
    """An array that counts what ufuncs and numpy's functions read and write in it."""

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **more: Any) -> Any:
        if "out" in more:
            more["out"] = tuple(_plain(one) for one in more["out"])
        plain = [_plain(one) for one in given]
        made = getattr(ufunc, method)(*plain, **more)
        _counts["numbers"] += _numbers(made) + sum(map(_numbers, plain))
        if ufunc is np.matmul:
            _counts["numbers"] += _numbers(made) * int(np.shape(plain[0])[-1])
        return _followed(made)

    def __array_function__(self, function: Any, types: Any, given: Any, more: Any) -> Any:
        plain = _plain(given), {name: _plain(one) for name, one in more.items()}
        made = function(*plain[0], **plain[1])
        _counts["numbers"] += _numbers(made) + _numbers(plain[0])
        return _followed(made)


def _plain(value: Any) -> Any:
    if isinstance(value, Counted):
        return value.view(np.ndarray)
    if type(value) in (tuple, list):
        return type(value)(_plain(one) for one in value)
    return value


def _followed(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim:
        return value.view(Counted)
    return tuple(map(_followed, value)) if type(value) is tuple else value


def _numbers(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.size)
    return sum(map(_numbers, value)) if type(value) in (tuple, list) else 0


@contextmanager
def counting() -> Iterator[None]:
    """Have what is opened meanwhile count; `counts` says what one call in it did."""
    connect, read, space = sqlite3.connect, store_columns.read, store_columns.Columns.space

    def connected(*given: Any, **more: Any) -> sqlite3.Connection:
        made = connect(*given, **more)

        def stepped() -> int:
            _counts["sql"] += EACH
            return 0

        made.set_progress_handler(stepped, EACH)
        return made

    def columns(*given: Any) -> store_columns.Columns:
        found = read(*given)
        table = found.table
        arrays = {one.name: getattr(table, one.name) for one in fields(table)}
        counted = {
            name: one.view(Counted) for name, one in arrays.items() if type(one) is np.ndarray
        }
        return replace(found, table=replace(table, **counted)) if counted else found

    def vectors(self: store_columns.Columns, view: Any, name: str) -> Any:
        return tuple(one.view(Counted) for one in space(self, view, name))

    with (
        mock.patch.object(sqlite3, "connect", connected),
        mock.patch.object(store_columns, "read", columns),
        mock.patch.object(store_columns.Columns, "space", vectors),
    ):
        yield


def counts(call: Callable[[], object], lines: bool = True) -> dict[str, int]:
    """Return how much of each a call did, inside `counting`; `lines` are slow to count."""

    def traced(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "call":
            return traced if frame.f_code.co_filename.startswith(OWN) else None
        _counts["lines"] += event == "line"
        return traced

    _counts.clear()
    before = sys.gettrace()
    if lines:
        threading.settrace(traced)
        sys.settrace(traced)
    try:
        call()
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]
    return {name: _counts[name] for name in ("lines", "sql", "numbers")}
