"""The evidence of a database as numpy columns: filled once, then only what is new is read.

A `Columns` describes one state of the index and never changes; what is asked for seldom (vectors,
postings) is read at first use, through a view that still sees that state.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int16, Int32, Int64
from q2e.store.base import Table
from q2e.store.facts import Facts, Told
from q2e.store.rows import video
from q2e.store.shelf import Array, Kept, Shelf
from q2e.store.spaces import Space, vectors
from q2e.store.sql import Connection, State, View
from q2e.types import in_order

_COLUMNS = "id, video, channel, start_s, end_s, length, language"
#: Columns of a table that are the same whatever else is in it.
_OF_ROWS = ("evidence_id", "channel", "start_s", "end_s", "length")
#: Bytes of decoded postings kept in memory.
_REMEMBERED = 128 << 20


@dataclass(slots=True)
class Columns:
    generation: int
    remade: int
    table: Table
    numbers: Int64
    """(V,) numbers of the videos in the database, ascending."""
    language: Int16
    """(E,) index into `languages`, the evidence's own."""
    languages: tuple[str | None, ...]
    count: Int64
    """(channels,) pieces of evidence with text in each channel."""
    mean_length: Float64
    _spaces: dict[str, Space] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _counted: int = 0
    """Highest number of the rows of table `vector` in `_counts`."""
    _all_counted: bool = False
    _postings: OrderedDict[str, tuple[Int32, Float64]] = field(default_factory=OrderedDict)
    _remembered: int = 0
    _times: Float64 = field(default_factory=lambda: np.zeros((0, 3)))
    """Of the first rows of the table."""
    _told: Mapping[int, tuple[int, Told]] = field(default_factory=dict)
    """By a video's number: the hash of its facts as they are stored, and what they tell."""
    _facts: tuple[int, Facts] | None = None
    """With the generation that they are of."""
    _spoken: tuple[int, list[str], Array] | None = None
    """With the generation that they are of: languages, and (V,) which of them a video has."""
    shelved: tuple[Table, Shelf] | None = None
    """A table that this one begins with, or is, and where what is made of it is kept."""
    _lock: Any = field(default_factory=threading.RLock)

    def space(self, view: View, name: str) -> tuple[Int64, Float32]:
        """Return the rows (n,) and vectors (n, d) of one space."""
        with self._lock:
            known = self._spaces.get(name)
            if known is None or not known.read or not len(known.ids):
                known = vectors(view, name, known, self.table.evidence_id)
                self._spaces[name] = known
                if len(known.ids):
                    self._keep(f"space:{name}", lambda: known.kept(name))
            assert known.rows is not None
            return known.rows, known.matrix.T

    def take(self, spaces: Mapping[str, Space]) -> None:
        """Take over the vectors of these columns from where they were kept, and their counts."""
        self._spaces.update(spaces)
        kept = None if self.shelved is None else self.shelved[1].get("counts")
        if kept is not None:
            self._counted, self._counts = int(kept.told["last"]), dict(kept.told["spaces"])
            self._all_counted = True

    def _keep(self, name: str, make: Callable[[], Kept]) -> None:
        """Keep what was made of this very table, if anything is kept of it."""
        if self.shelved is not None and self.shelved[0].version == self.table.version:
            self.shelved[1].put(name, make())

    def _inherit(self, old: Columns, grown: bool) -> None:
        """Take over the vectors of `old`, with the room behind them: only one may write there.

        `grown` says that nothing was removed, so that all rows are where they were.
        """
        with old._lock:
            for name, space in old._spaces.items():
                rows = space.rows if grown else None
                self._spaces[name] = replace(space, rows=rows, read=False)
                space.block = space.matrix
            if grown:
                self._counts, self._counted = dict(old._counts), old._counted
                self.shelved = old.shelved
                self._times = old._times
            self._told = old._told

    def facts(self, view: View) -> Facts:
        """Return the facts of the videos and evidence; of videos that did not change, those kept.

        Facts of a video may change though no row of evidence does.
        """
        with self._lock:
            if self._facts is None or self._facts[0] != self.generation:
                told, before = self._told_of(view), self._told
                if self._facts is None or told != before:
                    owner, own = self.table.video.astype(np.int64), self.language.astype(np.int64)
                    every = [one for _, one in told.values()]
                    made = Facts.of(every, owner, own, self.languages)
                else:
                    made = self._facts[1]
                self._told, self._facts = told, (self.generation, made)
            return self._facts[1]

    def of_videos(self, view: View, languages: Sequence[str]) -> Bool:
        """Return (V,) the videos of which any of some languages is told."""
        with self._lock:
            if self._spoken is None or self._spoken[0] != self.generation:
                kept = self._at_hand("languages")
                if kept is None or not self._told_now(kept):
                    found = view.connection.execute("SELECT language FROM video ORDER BY number")
                    names: dict[str, int] = {"": 0}
                    codes = [names.setdefault(one or "", len(names)) for (one,) in found]
                    told = {"generation": self.generation, "names": list(names)}
                    kept = Kept({"code": np.array(codes, np.int32)}, told)
                    self._keep("languages", lambda: kept)
                self._spoken = self.generation, kept.told["names"], kept.arrays["code"]
            _, known, code = self._spoken
            wanted: Bool = np.isin(known, languages)[code]
            return wanted

    def _told_now(self, kept: Kept) -> bool:
        """Whether languages of videos are those of this state."""
        code, told = kept.arrays.get("code"), kept.told
        return (
            code is not None
            and isinstance(told, dict)
            and code.shape == self.numbers.shape
            and told.get("generation") == self.generation
            and 0 <= code.min(initial=0) <= code.max(initial=0) < len(told["names"])
        )

    def _at_hand(self, name: str) -> Kept | None:
        """Return what is kept of this very table."""
        known = self.shelved
        return known[1].get(name) if known and known[0].version == self.table.version else None

    def _told_of(self, view: View) -> dict[int, tuple[int, Told]]:
        """Return what all videos tell, in order; only what was stored anew is decoded."""
        found: dict[int, tuple[int, Told]] = {}
        for number, facts in view.connection.execute(
            "SELECT number, facts FROM video ORDER BY number"
        ):
            known, mark = self._told.get(number), hash(facts)
            same = known is not None and known[0] == mark
            found[number] = known if known and same else (mark, Told.of(video(facts)))
        return found

    def times_s(self, view: View) -> Float64:
        """Return (E, 3) from when to when each piece is, and when its frame; NaN without one."""
        with self._lock:
            done = len(self._times)
            if done < len(self.table):
                last = int(self.table.evidence_id[done - 1]) if done else 0
                found = view.connection.execute(
                    f"SELECT {view.dialect.times} FROM evidence e WHERE e.id > ? ORDER BY e.id",
                    (last,),
                ).fetchall()
                new = np.array(found, np.float64).reshape(-1, 3)
                self._times = np.concatenate((self._times, new))
            return self._times

    def counts(self, view: View) -> dict[str, int]:
        """Return how many vectors each space has."""
        with self._lock:
            if not self._all_counted:
                found = view.connection.execute(
                    "SELECT name, sum(length(evidence)) / 8, max(id) FROM vector "
                    "JOIN space ON number = space WHERE id > ? "
                    "GROUP BY number, name ORDER BY number",
                    (self._counted,),
                )
                for packed, count, last in found:
                    name = str(packed, "utf-8")
                    self._counts[name] = self._counts.get(name, 0) + count
                    self._counted = max(self._counted, last)
                self._all_counted = True
                told = {"last": self._counted, "spaces": self._counts}
                self._keep("counts", lambda: Kept({}, told))
            return self._counts

    def postings(self, view: View, term: str) -> tuple[Int32, Float64]:
        """Return the rows that hold a term, and what it adds to each one's BM25 score."""
        with self._lock:
            if term in self._postings:
                self._postings.move_to_end(term)
                return self._postings[term]
            ids, found = view.postings(term)
            rows = np.searchsorted(self.table.evidence_id, ids).astype(np.int32)
            self._postings[term] = rows, self._weigh(rows, found.astype(np.float64))
            self._remembered += 12 * len(rows)
            while self._remembered > _REMEMBERED and len(self._postings) > 1:
                _, (dropped, _) = self._postings.popitem(last=False)
                self._remembered -= 12 * len(dropped)
            return self._postings[term]

    def _weigh(self, rows: Int32, found: Float64) -> Float64:
        """Return one term's part of BM25: idf f / (f + 1.2 (0.25 + 0.75 l / mean l))."""
        channel = self.table.channel[rows]
        holding = np.bincount(channel, minlength=len(self.count)).tolist()
        idf = np.array(
            [
                math.log(1 + (total - n + 0.5) / (n + 0.5))
                for total, n in zip(self.count.tolist(), holding, strict=True)
            ]
        )
        length = self.table.length[rows] / self.mean_length[channel]
        return np.asarray(idf[channel] * found / (found + 1.2 * (0.25 + 0.75 * length)))


def read(view: View, state: State, old: Columns | None) -> Columns:
    """Return the columns of the state a view sees, taking over what `old` knows of it."""
    connection, channels = view.connection, view.channels
    if old is not None and old.remade != state.remade:
        old = None
    videos = connection.execute("SELECT number, id FROM video ORDER BY number").fetchall()
    numbers = np.array([number for number, _ in videos], dtype=np.int64)
    ids = tuple(video_id for _, video_id in videos)
    total = int(connection.execute("SELECT count(*) FROM evidence").fetchone()[0])
    last = int(old.table.evidence_id[-1]) if old is not None and len(old.table) else 0
    fresh = connection.execute(
        f"SELECT {_COLUMNS} FROM evidence WHERE id > ? ORDER BY id", (last,)
    ).fetchall()
    kept = old
    # Something was removed: ids are never used twice, so counting them is enough.
    if old is not None and (
        len(old.table) + len(fresh) != total
        or ids[: len(old.table.video_ids)] != old.table.video_ids
    ):
        kept = _without_gone(connection, old, numbers, ids)
    grown = kept is not None and kept is old
    if kept is not None and grown and not fresh:
        same = (kept.table.video_ids, kept.table.channels)
        if (ids, in_order(channels.values())) == same:
            return replace(kept, generation=state.number)
    columns = _columns(fresh, channels, state, numbers, ids, kept)
    if old is not None:
        columns._inherit(old, grown=grown)
    return columns


def _without_gone(
    connection: Connection, old: Columns, numbers: Int64, ids: tuple[str, ...]
) -> Columns:
    """Return columns without the evidence and videos that are there no more, of `numbers` (V,).

    What stays is as it was, but for the place of its video.
    """
    table, last = old.table, int(old.table.evidence_id[-1]) if len(old.table) else 0
    found = connection.execute("SELECT id FROM evidence WHERE id <= ? ORDER BY id", (last,))
    there = np.array(found.fetchall(), np.int64).reshape(-1)
    stays = np.isin(table.evidence_id, there, assume_unique=True)
    video = np.searchsorted(numbers, old.numbers[table.video[stays]]).astype(np.int32)
    columns = {name: getattr(table, name)[stays] for name in _OF_ROWS}
    lasting = replace(table, video=video, video_ids=ids, **columns)
    spoken, language = np.unique(old.language[stays], return_inverse=True)
    return replace(
        old,
        table=lasting,
        numbers=numbers,
        language=language.astype(np.int16),
        languages=tuple(old.languages[code] for code in spoken.tolist()),
    )


def _columns(
    fresh: list[tuple[Any, ...]],
    channels: Mapping[int, str],
    state: State,
    numbers: Int64,
    ids: tuple[str, ...],
    kept: Columns | None,
) -> Columns:
    # float64 holds every id below 2**53 exactly.
    new = list(np.array([row[:6] for row in fresh], dtype=np.float64).reshape(-1, 6).T)
    new[1] = np.searchsorted(numbers, new[1]).astype(np.float64)
    names = in_order(channels.values())
    new[2] = _codes(new[2], channels, names)
    code_of = {name: code for code, name in enumerate(kept.languages)} if kept else {}
    language = np.array([code_of.setdefault(row[6], len(code_of)) for row in fresh], np.int16)
    if kept is not None:
        table = kept.table
        known = _codes(table.channel, dict(enumerate(table.channels)), names)
        was: list[Any] = [table.evidence_id, table.video, known]
        was += [table.start_s, table.end_s, table.length]
        new = [np.concatenate(pair) for pair in zip(was, new, strict=True)]
        language = np.concatenate((kept.language, language))
    table = Table(
        version=state.number,
        evidence_id=new[0].astype(np.int64),
        video=new[1].astype(np.int32),
        channel=new[2].astype(np.int16),
        start_s=new[3].astype(np.float32),
        end_s=new[4].astype(np.float32),
        length=new[5].astype(np.int32),
        video_ids=ids,
        channels=names,
    )
    spoken = table.length > 0
    code = table.channel[spoken]
    count = np.bincount(code, minlength=len(names)).astype(np.int64)
    words = np.bincount(code, weights=table.length[spoken], minlength=len(names))
    mean = np.divide(words, count, out=np.ones(len(names)), where=count > 0)
    return Columns(
        state.number, state.remade, table, numbers, language, tuple(code_of), count, mean
    )


def _codes(numbers: Any, names_of: Mapping[int, str], names: tuple[str, ...]) -> Any:
    """Return the places in `names` of channels given by number."""
    place = np.zeros(max(names_of, default=0) + 1, np.int16)
    for number, name in names_of.items():
        place[number] = names.index(name)
    return place[numbers.astype(np.int64)]
