"""Finds the best videos in SQL: vectors by pgvector, words by counts that the server sums up.

Without an index of vectors the server scans them all, and misses nothing; with one (HNSW) it may.
Words are always exact. The server rounds questions to half precision, so that floors have a margin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Bool, Float32, Int64
from q2e.store import rows as packing
from q2e.store.base import Searched, Table
from q2e.store.engine import Best, Counts, Pieces, Request, Words
from q2e.store.filtering import clauses
from q2e.store.postgres.asking import term_key
from q2e.types import Evidence, Filters, in_order

if TYPE_CHECKING:
    from q2e.store.postgres.database import Database
    from q2e.store.sql import View

#: Pieces asked for each video wanted, at first; and at most, where few videos have many pieces.
_PIECES, _MOST = 4, 64
#: Videos up to which their pieces are scanned rather than sought in an index of all.
_SCANNED = 2_000
#: By how much rounding may raise a score above what is told.
MARGIN = 1e-3
_SCORED = """
WITH asked AS (SELECT * FROM unnest(?::bytea[], ?::int[]) a(term, times)),
scored AS (
  SELECT p.channel, p.video, u.id, sum(
    a.times * ln(1 + (c.pieces - w.pieces + .5::float8) / (w.pieces + .5::float8)) * u.count
    / (u.count + 1.2 * (.25 + .75 * u.length * c.pieces::float8 / c.words))) AS score
  FROM asked a JOIN posting p ON p.term = a.term
  JOIN word w ON w.term = p.term AND w.channel = p.channel
  JOIN channel c ON c.number = p.channel,
  unnest(p.evidence, p.count, p.length) u(id, count, length)
  GROUP BY p.channel, p.video, u.id)
"""


@dataclass(slots=True)
class PostgresEngine:
    """Answers from one generation, within the snapshots of its store."""

    catalogue: Searched
    database: Database
    scanning: bool = False
    """Whether indexes of vectors are passed by."""
    _counts: tuple[int, Counts] | None = None
    _exact: tuple[int, bool] | None = None
    _last: dict[tuple[int, tuple[str, ...]], Pieces] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether no index of vectors is asked, so that nothing is missed."""
        if self.scanning:
            return True
        with self.database.view() as view:
            number = view.state().number
            if self._exact is None or self._exact[0] != number:
                self._exact = number, not indexed(view, self.database.place.schema)
            return self._exact[1]

    def version(self) -> int:
        """Return the number of the state that is seen."""
        with self.database.view() as view:
            return view.state().number

    # -- finding --------------------------------------------------------------------------------
    def best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        """Return for each request the `k` best videos of each channel, by their best piece."""
        with self.database.view() as view:
            only = replace(Only.of(view, filters), scanned=self.scanning)
            found = [
                _words(view, one, only, k) if one.matrix is None else _dense(view, one, only, k)
                for one in asked
            ]
            return _named(view, found)

    def lexical(self, terms: Sequence[str], evidence_id: Int64) -> tuple[Int64, Float32]:
        """Return which of the pieces (n,), by place, hold any of the terms, and their scores."""
        of = "SELECT id, score FROM scored WHERE id = ANY(?) ORDER BY id"
        with self.database.view() as view:
            values = (*_counted(terms), evidence_id.tolist())
            found = view.connection.execute(_SCORED + of, values).fetchall()
        place = np.searchsorted(evidence_id, np.array([one for one, _ in found], np.int64))
        return place.astype(np.int64), np.array([score for _, score in found], np.float32)

    def rows(self, filters: Filters, evidence_id: Int64) -> Bool | None:
        """Return the mask (n,) of pieces that satisfy filters, None where all do."""
        if filters == Filters():
            return None
        with self.database.view() as view:
            only = Only.of(view, filters)
            found = view.connection.execute(
                f"SELECT e.id FROM evidence e WHERE e.id = ANY(?){only.sql}",
                (evidence_id.tolist(), *only.values),
            ).fetchall()
        return np.isin(evidence_id, [one for (one,) in found])

    # -- what is known --------------------------------------------------------------------------
    def complete(self, videos: Sequence[str]) -> Pieces:
        """Return all evidence of videos, in order of storage; what was asked last is kept."""
        with self.database.view() as view:
            key = view.state().number, tuple(videos)
            if key not in self._last:
                kept = [one for one in self._last.items() if one[0][0] == key[0]][-1:]
                self._last = dict(kept) | {key: _complete(view, videos)}
            return self._last[key]

    def evidence(self, evidence_id: Int64) -> list[Evidence]:
        """Return whole evidence, without vectors, of pieces (n,)."""
        ids = evidence_id.tolist()
        with self.database.view() as view:
            found = {
                row[0]: packing.evidence(row[1:], view.channels)
                for row in view.connection.execute(
                    f"SELECT e.id, {packing.EVIDENCE} FROM evidence e JOIN video v "
                    "ON v.number = e.video WHERE e.id = ANY(?)",
                    (ids,),
                )
            }
        return [found[one] for one in ids]

    def counts(self) -> Counts:
        """Return the numbers of the collection."""
        with self.database.view() as view:
            number = view.state().number
            if self._counts is None or self._counts[0] != number:
                row = view.connection.execute(
                    "SELECT (SELECT count(*) FROM video), (SELECT count(*) FROM evidence)"
                ).fetchone()
                texts = view.connection.execute("SELECT name, pieces FROM channel").fetchall()
                self._counts = number, Counts(int(row[0]), int(row[1]), dict(texts))
            return self._counts[1]

    def statistics(self, terms: Sequence[str]) -> Mapping[str, Words]:
        """Return by channel with text what the weights of terms rest on."""
        term_of = {term_key(term): term for term in terms}
        of = "SELECT channel, term, pieces FROM word WHERE term = ANY(?::bytea[]) AND pieces > 0"
        with self.database.view() as view:
            held: dict[int, dict[str, int]] = {}
            for channel, term, pieces in view.connection.execute(of, (list(term_of),)):
                held.setdefault(channel, {})[term_of[bytes(term)]] = int(pieces)
            asked = "SELECT number, name, pieces, words FROM channel WHERE pieces > 0"
            return {
                name: Words(int(pieces), int(words), held.get(number, {}))
                for number, name, pieces, words in view.connection.execute(asked).fetchall()
            }

    def panel(self, size: int) -> tuple[str, ...]:
        """Return `size` videos, or all: those whose names have the lowest hashes."""
        asked = "SELECT id FROM video ORDER BY md5(id), id LIMIT ?"
        with self.database.view() as view:
            return tuple(row[0] for row in view.connection.execute(asked, (size,)))


def indexed(view: View, schema: str) -> bool:
    """Return whether vectors have an index, which may miss some."""
    asked = (
        "SELECT 1 FROM pg_indexes WHERE schemaname = ? "
        "AND position(' USING hnsw ' IN indexdef) > 0 LIMIT 1"
    )
    return view.connection.execute(asked, (schema,)).fetchone() is not None


@dataclass(frozen=True, slots=True)
class Only:
    """What filters leave, as conditions on evidence `e`, each after an AND."""

    sql: str
    values: tuple[Any, ...]
    few: bool = False
    """Whether they leave so few videos that these are scanned."""
    scanned: bool = False
    """Whether everything is scanned."""

    @classmethod
    def of(cls, view: View, filters: Filters) -> Only:
        sql, values, few = "", [], False
        conditions, given = clauses(filters, view.dialect)
        if conditions:
            where = " AND ".join(conditions)
            asked = f"SELECT number FROM video WHERE {where} LIMIT {_SCANNED + 1}"
            few = len(view.connection.execute(asked, given).fetchall()) <= _SCANNED
            sql += f" AND e.video IN (SELECT number FROM video WHERE {where})"
            values += given
        for names, sign in ((filters.channels, ""), (filters.without_channels, "NOT ")):
            if names:
                numbers = [n for n, name in view.channels.items() if name in names]
                sql += f" AND {sign}e.channel = ANY(?::int[])"
                values.append(numbers)
        own = "coalesce(e.language, (SELECT v.language FROM video v WHERE v.number = e.video))"
        for names, sign in ((filters.languages, ""), (filters.without_languages, "NOT ")):
            if names:
                sql += f" AND {sign}coalesce({own} = ANY(?), false)"
                values.append(list(names))
        return cls(sql, tuple(values), few)


#: Channel, videos by number with their scores, and what no other reaches more than.
_Found = list[tuple[int, dict[int, float], float]]


def _dense(view: View, asked: Request, only: Only, k: int) -> _Found:
    row = view.connection.execute(
        "SELECT number FROM space WHERE name = ?", (packing.pack(asked.space),)
    ).fetchone()
    found: _Found = []
    if row is None or asked.matrix is None:
        return found
    for channel, name in view.channels.items():
        if asked.channels and name not in asked.channels:
            continue
        scores, floor = _nearest(view, int(row[0]), channel, asked.matrix, only, k)
        if scores:
            found.append((channel, *_cut(scores, floor, k)))
    return found


def _nearest(
    view: View, space: int, channel: int, matrix: Float32, only: Only, k: int
) -> tuple[dict[int, float], float]:
    """Return videos with the scores of their best pieces, and a bound for all others."""
    questions = ["[" + ",".join(f"{x:.8g}" for x in line) + "]" for line in matrix.tolist()]
    e = f"(SELECT evidence AS id, * FROM nearest_{space}) n"
    joined = " JOIN evidence e ON e.id = n.evidence" if only.sql else ""
    # Added to nothing, the order is no longer that of an index, and what filters leave is scanned.
    order = (
        "(n.embedding <#> q.question) + 0"
        if only.few or only.scanned
        else "n.embedding <#> q.question"
    )
    asked = (
        "SELECT q.number, x.video, x.score FROM unnest(?::text[]) WITH ORDINALITY t(told, number), "
        "LATERAL (SELECT t.told::halfvec AS question, t.number) q, LATERAL (SELECT n.video, "
        f"-(n.embedding <#> q.question) AS score FROM {e}{joined} "
        f"WHERE n.channel = {channel}{only.sql} ORDER BY {order} LIMIT ?) x"
    )
    size = _PIECES * k
    view.connection.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
    while True:
        view.connection.execute(f"SET LOCAL hnsw.ef_search = {min(1000, max(200, size))}")
        rows = view.connection.execute(asked, (questions, *only.values, size)).fetchall()
        per_question = Counter(number for number, _, _ in rows)
        full = [number for number, count in per_question.items() if count == size]
        scores: dict[int, float] = {}
        for _, video, score in rows:
            scores[video] = max(score, scores.get(video, -np.inf))
        if not full or len(scores) >= k or size >= _MOST * k:
            last = (min(s for n, _, s in rows if n == one) for one in full)
            return scores, max(last, default=-np.inf) + MARGIN
        size *= 4


def _cut(scores: dict[int, float], floor: float, k: int) -> tuple[dict[int, float], float]:
    """Return the k best of scores, and a bound for all others."""
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > k:
        floor = max(floor, ranked[k][1] + MARGIN)
    return dict(ranked[:k]), floor


def _words(view: View, asked: Request, only: Only, k: int) -> _Found:
    left = (
        f"WHERE EXISTS (SELECT 1 FROM evidence e WHERE e.id = s.id{only.sql})" if only.sql else ""
    )
    of = (
        "SELECT channel, video, score FROM (SELECT channel, video, max(score) AS score, "
        "row_number() OVER (PARTITION BY channel ORDER BY max(score) DESC, video) AS place "
        f"FROM scored s {left} GROUP BY channel, video) r WHERE place <= ?"
    )
    values = (*_counted(asked.terms), *only.values, k + 1)
    by_channel: dict[int, dict[int, float]] = {}
    for channel, video, score in view.connection.execute(_SCORED + of, values):
        by_channel.setdefault(channel, {})[video] = score
    return [(channel, *_cut(scores, -np.inf, k)) for channel, scores in by_channel.items()]


def _counted(terms: Sequence[str]) -> tuple[list[bytes], list[int]]:
    """Return terms as they are kept, and how often each is asked for."""
    often = Counter(map(term_key, terms))
    return list(often), list(often.values())


def _named(view: View, found: Sequence[_Found]) -> list[list[Best]]:
    numbers = {video for one in found for _, scores, _ in one for video in scores}
    name = dict(
        view.connection.execute(
            "SELECT number, id FROM video WHERE number = ANY(?)", (list(numbers),)
        ).fetchall()
    )
    return [
        [
            Best(view.channels[channel], tuple(name[video] for video in scores), floor)
            for channel, scores, floor in one
        ]
        for one in found
    ]


def _complete(view: View, videos: Sequence[str]) -> Pieces:
    connection = view.connection
    known = connection.execute(
        "SELECT number, id FROM video WHERE id = ANY(?) ORDER BY number", (list(videos),)
    ).fetchall()
    numbers = [number for number, _ in known]
    columns = connection.execute(
        "SELECT id, video, channel, start_s, end_s, length FROM evidence "
        "WHERE video = ANY(?) ORDER BY id",
        (numbers,),
    ).fetchall()
    ids, video, channel, start_s, end_s, length = (
        zip(*columns, strict=True) if columns else ((),) * 6
    )
    names = in_order(view.channels.values())
    code = {number: names.index(name) for number, name in view.channels.items()}
    evidence_id = np.array(ids, np.int64)
    table = Table(
        version=view.state().number,
        evidence_id=evidence_id,
        video=np.searchsorted(numbers, np.array(video, np.int64)).astype(np.int32),
        channel=np.array([code[number] for number in channel], np.int16),
        start_s=np.array(start_s, np.float32),
        end_s=np.array(end_s, np.float32),
        length=np.array(length, np.int32),
        video_ids=tuple(name for _, name in known),
        channels=names,
    )
    return Pieces(table, _vectors(view, numbers, evidence_id))


def _vectors(
    view: View, numbers: Sequence[int], evidence_id: Int64
) -> dict[str, tuple[Int64, Float32]]:
    found: dict[str, list[tuple[Int64, Float32]]] = {}
    for name, dimension, ids, data in view.connection.execute(
        "SELECT p.name, p.dimension, v.evidence, v.data FROM vector v "
        "JOIN stage s ON s.number = v.stage JOIN space p ON p.number = v.space "
        "WHERE s.video = ANY(?)",
        (list(numbers),),
    ):
        matrix = np.frombuffer(data, "<f2").reshape(-1, dimension).astype(np.float32)
        own = np.searchsorted(evidence_id, np.frombuffer(ids, "<i8")).astype(np.int64)
        found.setdefault(packing.unpack(name), []).append((own, matrix))
    spaces = {}
    for space, parts in found.items():
        rows = np.concatenate([rows for rows, _ in parts])
        order = np.argsort(rows)
        spaces[space] = rows[order], np.concatenate([matrix for _, matrix in parts])[order]
    return spaces
