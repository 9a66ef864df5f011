"""The vectors of a space in memory, dimension by dimension: read once, then only what is new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from q2e.arrays import Bool, Float32, Int64
from q2e.store.base import Table
from q2e.store.rows import pack
from q2e.store.shelf import Array, Kept
from q2e.store.sql import View

#: Stretches of vectors that are copied one by one where others between them are gone.
_STRETCHES = 256
#: Vectors that are turned into columns at a time, about, and most stages that they are of.
_TURNED, _STAGES = 2_048, 512


@dataclass(slots=True)
class Space:
    """Vectors of one space; `ids` (n,) is ascending.

    They are the columns of `matrix` (d, n): a question's products with all of them then read memory
    in order, which takes half as long as vector by vector.
    """

    ids: Int64
    matrix: Float32
    last: int
    """Highest number of the rows of table `vector` read so far."""
    block: Float32
    """(d, room) what `matrix` is the beginning of."""
    rows: Int64 | None = None
    """Row number in the table of each; None where they moved since."""
    read: bool = True
    """Whether all is read that the state of the columns holds."""

    @classmethod
    def of(cls, kept: Kept) -> tuple[str, Space]:
        """Return what `kept` was made of, with its name."""
        ids, matrix, rows = (kept.arrays[name] for name in ("ids", "matrix", "rows"))
        return str(kept.told["name"]), cls(ids, matrix, int(kept.told["last"]), matrix, rows)

    def kept(self, name: str) -> Kept:
        """Return what is kept of it outside of this process."""
        assert self.rows is not None
        arrays: dict[str, Array] = {"ids": self.ids, "matrix": self.matrix, "rows": self.rows}
        return Kept(arrays, {"name": name, "last": self.last})

    def fits(self, table: Table) -> bool:
        """Whether these can be vectors of evidence of a table."""
        rows, shape = self.rows, self.ids.shape
        return (
            rows is not None
            and self.matrix.dtype == np.float32
            and self.matrix.ndim == 2
            and (self.matrix.shape[1:], rows.shape) == (shape, shape)
            and bool((self.ids[1:] > self.ids[:-1]).all())
            and len(table) > max(rows.max(initial=-1), -rows.min(initial=0))
            and np.array_equal(table.evidence_id[rows], self.ids)
        )


def vectors(view: View, name: str, known: Space | None, evidence_id: Int64) -> Space:
    """Return a space brought up to date: what was removed left out, what is new read."""
    number, dimension = view.connection.execute(
        "SELECT number, dimension FROM space WHERE name = ?", (pack(name),)
    ).fetchone() or (-1, 0)
    if known is None or not len(known.ids):
        # A space may have become known, with its dimension, after it was first asked for.
        empty = np.zeros((dimension, 0), np.float32)
        known = Space(np.zeros(0, np.int64), empty, 0, empty)
    ids, matrix, block, rows = known.ids, known.matrix, known.block, known.rows
    if rows is None:
        present = np.isin(ids, evidence_id, assume_unique=True)
        if not present.all():
            ids = ids[present]
            block = matrix = _present(matrix, present)
        rows = np.searchsorted(evidence_id, ids).astype(np.int64)
    since = (number, known.last)
    more, stages, last = view.connection.execute(
        "SELECT coalesce(sum(length(evidence)) / 8, 0), count(*), max(id) FROM vector "
        "WHERE space = ? AND id > ?",
        since,
    ).fetchone()
    if more:
        used, size = len(ids), len(ids) + more
        if block.shape[1] < size:
            # Room for later additions, so that not every one of them copies the whole matrix.
            block = np.empty((dimension, size + size // 8), np.float32)
            block[:, :used] = matrix
        new = []
        asked = "SELECT evidence, data FROM vector WHERE space = ? AND id > ? ORDER BY id"
        for some in view.batches(asked, since, max(1, min(_STAGES, _TURNED * stages // more))):
            new.append(np.frombuffer(b"".join([packed for packed, _ in some]), "<i8"))
            values = np.frombuffer(b"".join([data for _, data in some]), "<f2")
            values = values.reshape(-1, dimension)
            block[:, used : used + len(values)] = values.T
            used += len(values)
        ids, matrix = np.concatenate((ids, *new)), block[:, :size]
        if (ids[1:] < ids[:-1]).any():
            # Made again of evidence that is older than what has such vectors already.
            order = np.argsort(ids)
            ids, block = ids[order], matrix[:, order]
            matrix = block
        rows = np.searchsorted(evidence_id, ids).astype(np.int64)
    seen = matrix.view()
    seen.flags.writeable = False
    return Space(ids, seen, last or known.last, block, rows)


def _present(matrix: Float32, present: Bool) -> Float32:
    """Return the columns (d, m) of a matrix (d, n) that are there still (n,)."""
    ends = np.flatnonzero(np.diff(present, prepend=False, append=False)).reshape(-1, 2)
    if len(ends) > _STRETCHES:
        return matrix.compress(present, axis=1)
    left = np.empty((len(matrix), int(present.sum())), matrix.dtype)
    done = 0
    for first, end in ends.tolist():
        left[:, done : done + end - first] = matrix[:, first:end]
        done += end - first
    return left
