"""What a database knows of videos, work, failures and settings, asked in SQL that all speak."""

from __future__ import annotations

import json
from collections.abc import Mapping

from q2e.store import derived as deriving
from q2e.store import rows as packing
from q2e.store.base import Derived, Failure, StageKey
from q2e.store.sql import Stated
from q2e.types import Evidence, Segment, Video, in_order


class Known:
    """The verbs of a store that say what it holds, of a `_database`."""

    _database: Stated

    def videos(self) -> list[Video]:
        with self._database.view() as view:
            rows = view.connection.execute("SELECT facts FROM video ORDER BY number").fetchall()
        return [packing.video(row[0]) for row in rows]

    def video(self, video_id: str) -> Video | None:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT facts FROM video WHERE id = ?", (video_id,)
            ).fetchone()
        return None if row is None else packing.video(row[0])

    def done(self, video_id: str) -> Mapping[tuple[str, int], str]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT s.name, s.part, s.config_key FROM stage s JOIN video v "
                "ON v.number = s.video WHERE v.id = ?",
                (video_id,),
            ).fetchall()
        return {(name, part): key for name, part, key in rows}

    def outdated(self, derived: Derived) -> Mapping[StageKey, Derived]:
        with self._database.view() as view:
            return deriving.outdated(view.connection, derived)

    def found_by(self, key: StageKey) -> list[Evidence]:
        with self._database.view() as view:
            rows = view.connection.execute(
                f"SELECT {packing.EVIDENCE} FROM video v JOIN stage s ON s.video = v.number "
                "JOIN evidence e ON e.stage = s.number "
                "WHERE v.id = ? AND s.name = ? AND s.part = ? ORDER BY e.id",
                (key.video, key.stage, key.part),
            ).fetchall()
            return [packing.evidence(row, view.channels) for row in rows]

    def segments(self, video_id: str) -> list[Segment]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT s.segments FROM stage s JOIN video v ON v.number = s.video "
                "WHERE v.id = ? AND s.segments IS NOT NULL ORDER BY s.part",
                (video_id,),
            ).fetchall()
        return [Segment(*pair) for row in rows for pair in json.loads(row[0])]

    def frame_times_s(self, video_id: str, part: int) -> list[float]:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT s.frame_times FROM stage s JOIN video v ON v.number = s.video "
                "WHERE v.id = ? AND s.part = ? AND s.frame_times IS NOT NULL",
                (video_id, part),
            ).fetchone()
        return [] if row is None else list(json.loads(row[0]))

    def failures(self) -> list[Failure]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT path, reason, video, stage FROM failure ORDER BY path, stage"
            ).fetchall()
        return [
            Failure(packing.unpack(path), packing.unpack(why), video, stage or None)
            for path, why, video, stage in rows
        ]

    def setting(self, name: str) -> str | None:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT value FROM setting WHERE name = ?", (packing.pack(name),)
            ).fetchone()
        return None if row is None else packing.unpack(row[0])

    def evidence_of(self, video_id: str) -> list[Evidence]:
        with self._database.view() as view:
            rows = view.connection.execute(
                f"SELECT {packing.EVIDENCE} FROM video v JOIN stage s ON s.video = v.number "
                "JOIN evidence e ON e.stage = s.number WHERE v.id = ? "
                "ORDER BY e.id",
                (video_id,),
            ).fetchall()
            found = [packing.evidence(row, view.channels) for row in rows]
        order = in_order(one.channel for one in found)
        return sorted(found, key=lambda one: (one.start_s, order.index(one.channel)))
