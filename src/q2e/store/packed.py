"""Columns of a state on a shelf of the cache: what was laid out once is only mapped again."""

from __future__ import annotations

from typing import Any

import numpy as np

from q2e.store import columns as loading
from q2e.store.base import Table
from q2e.store.columns import Columns
from q2e.store.shelf import MEASURED, Kept, Shelf, Shelves
from q2e.store.spaces import Space
from q2e.store.sql import State, View

#: Pieces of evidence from which columns are kept; fewer are laid out as quickly as mapped.
LEAST = 5_000
#: Change of the number of pieces, as a share, from which they are kept anew.
CHANGED = 0.01
_NAME = "columns"
_COLUMNS = ("evidence_id", "video", "channel", "start_s", "end_s", "length")


def opened(view: View, state: State) -> Columns:
    """Return the columns of a state of which nothing is in memory yet."""
    shelves = view.shelves(state.number)
    if shelves is None:
        return loading.read(view, state, None)
    for shelf in (shelves.own, *shelves.earlier):
        before = _load(shelf, state.remade)
        if before is not None and before.generation == state.number:
            shelf.used()
            return before
        if before is not None:
            found = loading.read(view, state, before)
            size, grown = len(before.table), len(found.table) - len(before.table)
            if found.shelved is not None and 0 <= grown <= CHANGED * size:
                shelf.used()
                return found
            return _kept(shelves, found)
    return _kept(shelves, loading.read(view, state, None))


def _kept(shelves: Shelves, columns: Columns) -> Columns:
    """Put columns on their shelf; what is older goes."""
    table = columns.table
    if len(table) < LEAST:
        return columns
    # What was measured of nearly as much serves on: one takes as long as a few searches.
    before = [one for old in reversed(shelves.earlier) for one in old.of_kind(MEASURED)]
    shelves.begin()
    for one in before:
        if isinstance(one.told, dict):
            shelves.own.put(f"{MEASURED}:{one.told.get('name')}", one)
    # What was mapped from an older state holds all that this one has of it, if anything.
    arrays = {name: getattr(table, name) for name in _COLUMNS}
    arrays |= {"numbers": columns.numbers, "language": columns.language}
    arrays |= {"count": columns.count, "mean_length": columns.mean_length}
    told = {
        "generation": columns.generation,
        "remade": columns.remade,
        "version": table.version,
        "video_ids": table.video_ids,
        "channels": table.channels,
        "languages": columns.languages,
    }
    shelves.own.put(_NAME, Kept(arrays, told))
    columns.shelved = (table, shelves.own)
    return columns


def _load(shelf: Shelf, remade: int) -> Columns | None:
    """Return the columns on a shelf with the vectors that lie there; None where none are."""
    kept = shelf.get(_NAME)
    if kept is None:
        return None
    try:
        columns = _columns(kept)
        spaces = [Space.of(one) for one in shelf.of_kind("space")]
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    if columns.remade != remade:
        return None
    table = columns.table
    columns.shelved = (table, shelf)
    columns.take({name: one for name, one in spaces if one.fits(table)})
    return columns


def _columns(kept: Kept) -> Columns:
    """Return what was kept. Raises ValueError and its like for what no columns can be."""
    told, arrays = kept.told, kept.arrays
    names, ids = tuple(map(str, told["channels"])), tuple(map(str, told["video_ids"]))
    of_rows: dict[str, Any] = {name: arrays[name] for name in _COLUMNS}
    table = Table(version=int(told["version"]), video_ids=ids, channels=names, **of_rows)
    language, numbers = arrays["language"], arrays["numbers"]
    columns = Columns(
        int(told["generation"]),
        int(told["remade"]),
        table,
        numbers,
        language,
        tuple(told["languages"]),
        arrays["count"],
        arrays["mean_length"],
    )
    shaped = {(len(table),)} == {getattr(table, name).shape for name in _COLUMNS} | {language.shape}
    places = (
        (table.video, len(ids)), (table.channel, len(names)), (language, len(columns.languages))
    )  # fmt: skip
    within = all(one.min(initial=0) >= 0 and one.max(initial=-1) < most for one, most in places)
    rising = all((one[1:] > one[:-1]).all() for one in (table.evidence_id, numbers))
    typed = table.evidence_id.dtype == np.int64 and table.video.dtype == np.int32
    sized = len(numbers) == len(ids) and len(columns.count) == len(columns.mean_length)
    if not (shaped and within and rising and typed and sized and len(columns.count) == len(names)):
        raise ValueError("these are not columns of one table")
    return columns
