"""The engine of a database whose vectors are read for the videos that are asked for alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from q2e.arrays import Float32, Int64
from q2e.store.base import Table
from q2e.store.engine import Pieces
from q2e.store.exact import ExactEngine
from q2e.store.rows import unpack
from q2e.store.searching import Searching

#: Videos whose vectors one statement reads.
_AT_ONCE = 500


class LeanEngine(ExactEngine):
    """Holds the columns of all evidence, as `ExactEngine` does, but no vectors of it."""

    def complete(self, videos: Sequence[str]) -> Pieces:
        """Return all evidence of videos, in order of storage; unknown ones are left out."""
        assert isinstance(self.catalogue, Searching)
        table, wanted = self.catalogue.table(), set(videos)
        chosen = np.flatnonzero([name in wanted for name in table.video_ids])
        place = np.full(len(table.video_ids), -1, np.int32)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(place[table.video] >= 0)
        columns = ("evidence_id", "channel", "start_s", "end_s", "length")
        part = replace(
            table,
            video=place[table.video[rows]],
            video_ids=tuple(table.video_ids[number] for number in chosen.tolist()),
            **{name: getattr(table, name)[rows] for name in columns},
        )
        return Pieces(part, _vectors(self.catalogue, part), self._durations_s()[chosen])


def _vectors(store: Searching, part: Table) -> dict[str, tuple[Int64, Float32]]:
    found: dict[str, list[tuple[Int64, Float32]]] = {}
    names = part.video_ids
    with store.view() as view:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            asked = (
                "SELECT p.name, p.dimension, x.evidence, x.data FROM video v "
                "JOIN stage s ON s.video = v.number JOIN vector x ON x.stage = s.number "
                f"JOIN space p ON p.number = x.space WHERE v.{view.dialect.among}"
            )
            listed = (view.dialect.listed(some),)
            for name, dimension, ids, data in view.connection.execute(asked, listed):
                own = np.searchsorted(part.evidence_id, np.frombuffer(ids, "<i8"))
                matrix = np.frombuffer(data, "<f2").reshape(-1, dimension)
                pair = own.astype(np.int64), matrix.astype(np.float32)
                found.setdefault(unpack(name), []).append(pair)
    spaces = {}
    for space, pairs in found.items():
        rows = np.concatenate([rows for rows, _ in pairs])
        order = np.argsort(rows)
        spaces[space] = rows[order], np.concatenate([matrix for _, matrix in pairs])[order]
    return spaces
