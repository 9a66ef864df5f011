"""What a database knows of videos, work, failures and settings, asked in SQL that all speak."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from q2e.store import derived as deriving
from q2e.store import rows as packing
from q2e.store.base import Derived, Failure, StageKey
from q2e.store.catalogue import ALL, Order, Wanted
from q2e.store.sql import HEAD, HEAD_BYTES, Dialect, Stated
from q2e.types import Evidence, Segment, Video, in_order

#: Videos that are read at once, and more than any index has.
_AT_ONCE, _MOST = 1_000, 1 << 62
_BY_PATH = f"{HEAD.format('path')}, path, id"
#: By what a list is sorted; each but the first begins as an index of the table does.
ORDERS: dict[Order, str] = {
    "stored": "number",
    "path": _BY_PATH,
    "title": f"{HEAD.format('title')}, title, {_BY_PATH}",
    "date": f"coalesce(date, '') DESC, {_BY_PATH}",
    "length": f"duration_s DESC, {_BY_PATH}",
}


class Known:
    """The verbs of a store that say what it holds, of a `_database`."""

    _database: Stated

    def videos(
        self, wanted: Wanted = ALL, offset: int = 0, limit: int | None = None
    ) -> Iterator[Video]:
        with self._database.view() as view:
            chosen, values = _chosen(view.dialect, wanted)
            asked = f"SELECT facts FROM {view.listed} {chosen} ORDER BY {ORDERS[wanted.sort]}"
            if offset or limit is not None:
                asked += " LIMIT ? OFFSET ?"
                values = [*values, _MOST if limit is None else limit, offset]
            for rows in view.batches(asked, values, _AT_ONCE):
                yield from (packing.video(row[0]) for row in rows)

    def count(self, wanted: Wanted = ALL) -> int:
        with self._database.view() as view:
            chosen, values = _chosen(view.dialect, wanted)
            source = f"{view.listed} {chosen}" if chosen else "video"
            found = view.connection.execute(f"SELECT count(*) FROM {source}", values).fetchone()
        return int(found[0])

    def duration_s(self) -> float:
        with self._database.view() as view:
            asked = f"SELECT coalesce(sum(duration_s), 0.0) FROM {view.listed}"
            return float(view.connection.execute(asked).fetchone()[0])

    def folders(self) -> Mapping[str, int]:
        with self._database.view() as view:
            asked = f"SELECT folder, count(*) FROM {view.listed} GROUP BY folder"
            found = view.connection.execute(asked).fetchall()
        return {packing.unpack(bytes(name)): int(n) for name, n in found if name}

    def at(self, path: str) -> list[Video]:
        packed = packing.pack(path)
        with self._database.view() as view:
            rows = view.connection.execute(
                f"SELECT facts FROM {view.listed} "
                f"WHERE {HEAD.format('path')} = ? AND path = ? AND path <> ? ORDER BY number",
                (packed[:HEAD_BYTES], packed, b""),
            ).fetchall()
        return [packing.video(row[0]) for row in rows]

    def named(self, name: str) -> list[Video]:
        own_id = name.encode("utf-8", "replace").decode()  # a path need not be valid text
        with self._database.view() as view:
            ask, holds = view.connection.execute, view.dialect.holds
            rows = ask("SELECT facts FROM video WHERE id = ?", (own_id,)).fetchall()
            if not rows:
                path, whole = packing.pack(name), packing.pack(str(Path(name).resolve()))
                rows = ask(
                    f"SELECT facts FROM {view.listed} WHERE {holds.format('path')} OR "
                    f"{holds.format('path')} OR substr(id, 1, ?) = ? ORDER BY number",
                    (path, whole, len(own_id), own_id),
                ).fetchall()
        return [packing.video(row[0]) for row in rows]

    def video(self, video_id: str) -> Video | None:
        return self.several((video_id,)).get(video_id)

    def several(self, video_ids: Sequence[str]) -> Mapping[str, Video]:
        with self._database.view() as view:
            rows = view.connection.execute(
                f"SELECT facts FROM video WHERE {view.dialect.among}",
                (view.dialect.listed(video_ids),),
            ).fetchall()
        return {one.id: one for one in (packing.video(row[0]) for row in rows)}

    def done(self, video_id: str) -> Mapping[tuple[str, int], str]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT s.name, s.part, s.config_key FROM stage s JOIN video v "
                "ON v.number = s.video WHERE v.id = ?",
                (video_id,),
            ).fetchall()
        return {(name, part): key for name, part, key in rows}

    def outdated(self, derived: Derived) -> Iterator[tuple[StageKey, Derived]]:
        with self._database.view() as view:
            yield from deriving.outdated(view, derived)

    def count_outdated(self, derived: Derived) -> int:
        with self._database.view() as view:
            return deriving.count_outdated(view, derived)

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
        return self.segments_of((video_id,)).get(video_id, [])

    def segments_of(self, video_ids: Sequence[str]) -> Mapping[str, list[Segment]]:
        with self._database.view() as view:
            rows = view.connection.execute(
                "SELECT v.id, s.segments FROM stage s JOIN video v ON v.number = s.video "
                f"WHERE v.{view.dialect.among} AND s.segments IS NOT NULL ORDER BY s.part",
                (view.dialect.listed(video_ids),),
            ).fetchall()
        found: dict[str, list[Segment]] = {}
        for video_id, cuts in rows:
            found.setdefault(video_id, []).extend(Segment(*pair) for pair in json.loads(cuts))
        return {video_id: cuts for video_id, cuts in found.items() if cuts}

    def frame_times_s(self, video_id: str, part: int) -> list[float]:
        with self._database.view() as view:
            row = view.connection.execute(
                "SELECT s.frame_times FROM stage s JOIN video v ON v.number = s.video "
                "WHERE v.id = ? AND s.part = ? AND s.frame_times IS NOT NULL",
                (video_id, part),
            ).fetchone()
        return [] if row is None else list(json.loads(row[0]))

    def failures(self, path: str | None = None) -> Iterator[Failure]:
        of, values = ("", ()) if path is None else ("WHERE path = ? ", (packing.pack(path),))
        asked = f"SELECT path, reason, video, stage FROM failure {of}ORDER BY path, stage"
        with self._database.view() as view:
            for rows in view.batches(asked, values, _AT_ONCE):
                for own, why, video, stage in rows:
                    told = packing.unpack(bytes(own)), packing.unpack(bytes(why))
                    yield Failure(*told, video, stage or None)

    def count_failures(self) -> int:
        with self._database.view() as view:
            return int(view.connection.execute("SELECT count(*) FROM failure").fetchone()[0])

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


def _chosen(dialect: Dialect, wanted: Wanted) -> tuple[str, list[Any]]:
    """Return which videos belong to a list, as SQL of its columns and with values."""
    parts, values = [], list[Any]()
    if wanted.folder:
        own, below = packing.pack(wanted.below.rstrip("/") or "/"), packing.pack(wanted.below)
        if own == b".":
            parts.append("(folder <> ? AND substr(folder, 1, 1) <> ?)")
            values += [b"", b"/"]
        else:
            # What begins so stands before what has a greater byte at its end.
            parts.append("(folder = ? OR (folder >= ? AND folder < ?))")
            values += [own, below, below[:-1] + b"0"]
    for word in wanted.words:
        parts.append(dialect.holds.format("said"))
        values.append(packing.pack(word))
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values
