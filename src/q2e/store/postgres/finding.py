"""Asks a database for the best videos of many requests at once, in as many statements as for one.

Vectors are sought by pgvector, words by counts that the server sums up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.store import rows as packing
from q2e.store.engine import Best, Request
from q2e.store.filtering import clauses
from q2e.store.postgres.asking import term_key
from q2e.store.sql import View
from q2e.types import Filters

#: Pieces asked for each video wanted, at first; and at most, where few videos have many pieces.
_PIECES, _MOST = 4, 64
#: Pieces that are met in a graph for each that is taken; the server looks at 1,000 at a time.
_MET, _AT_A_TIME = 5, 1_000
#: Pieces that a walk looks at, most of which it does not meet; and memory for it, in times that of
#: a sort. Of a million made-up pieces 20,000, where nobody says, brought a fifth fewer of the best.
_LOOKED_AT, _MEMORY = 60_000, 8
#: Videos up to which their pieces are scanned rather than sought in an index of all.
_SCANNED = 5_000
#: By how much rounding may raise a score above what is told.
MARGIN = 1e-3
#: BM25 of every piece that holds a term of any request.
SCORED = """
WITH asked AS (SELECT * FROM unnest(?::int[], ?::bytea[], ?::int[]) a(request, term, times)),
scored AS (
  SELECT a.request, p.channel, p.video, u.id, sum(
    a.times * ln(1 + (c.pieces - w.pieces + .5::float8) / (w.pieces + .5::float8)) * u.count
    / (u.count + 1.2 * (.25 + .75 * u.length * c.pieces::float8 / c.words))) AS score
  FROM asked a JOIN posting p ON p.term = a.term
  JOIN word w ON w.term = p.term AND w.channel = p.channel
  JOIN channel c ON c.number = p.channel,
  unnest(p.evidence, p.count, p.length) u(id, count, length)
  GROUP BY a.request, p.channel, p.video, u.id)
"""
#: The same of one request, a row of the best pieces of each video and channel.
_WORDS = """
SELECT request, channel, video, score FROM (
  SELECT request, channel, video, max(score) AS score, row_number() OVER (
    PARTITION BY request, channel ORDER BY max(score) DESC, video) AS place
  FROM scored s {left} GROUP BY request, channel, video) r WHERE place <= ?
"""
#: The pieces of one channel that are nearest to each vector asked there.
_NEAREST = """
SELECT {space}, {channel}, q.number, x.video, x.score FROM q{space} q, LATERAL (
  SELECT * FROM (
    SELECT n.video, -(n.embedding <#> q.question) AS score
    FROM (SELECT evidence AS id, * FROM nearest_{space}) n {joined}
    WHERE n.channel = {channel}{only} ORDER BY {order} LIMIT ?) met
  ORDER BY score DESC LIMIT ?) x WHERE q.number = ANY(?::int[])
"""


@dataclass(frozen=True, slots=True)
class Only:
    """What filters leave, as conditions each after an AND."""

    sql: str
    """On evidence `e`."""
    values: tuple[Any, ...]
    within: str = ""
    """On vectors `n`, and `e` where they say which languages; not on channels, of each of which
    there is an index of its own."""
    within_values: tuple[Any, ...] = ()
    spoken: bool = False
    """Whether they say which languages."""
    channels: frozenset[int] | None = None
    """The numbers of channels that are left, None where all are."""
    few: bool = False
    """Whether they leave so few videos that these are scanned."""
    scanned: bool = False
    """Whether everything is scanned."""

    @classmethod
    def of(cls, view: View, filters: Filters) -> Only:
        of_video, values, few = "", [], False
        conditions, given = clauses(filters, view.dialect)
        if conditions:
            where = " AND ".join(conditions)
            asked = f"SELECT number FROM video WHERE {where} LIMIT {_SCANNED + 1}"
            few = len(view.connection.execute(asked, given).fetchall()) <= _SCANNED
            of_video = f".video IN (SELECT number FROM video WHERE {where})"
            values += given
        spoken = ""
        own = "coalesce(e.language, (SELECT v.language FROM video v WHERE v.number = e.video))"
        for names, sign in ((filters.languages, ""), (filters.without_languages, "NOT ")):
            if names:
                spoken += f" AND {sign}coalesce({own} = ANY(?), false)"
                values.append(list(names))
        sql = (of_video and f" AND e{of_video}") + spoken
        within = (of_video and f" AND n{of_video}") + spoken
        held = tuple(values)
        if not filters.channels and not filters.without_channels:
            return cls(sql, held, within, held, bool(spoken), None, few)
        left = [
            number
            for number, name in view.channels.items()
            if (not filters.channels or name in filters.channels)
            and name not in filters.without_channels
        ]
        sql += " AND e.channel = ANY(?::int[])"
        return cls(sql, (*held, left), within, held, bool(spoken), frozenset(left), few)


#: Videos by number with their scores, and what no other reaches more than.
_Scores = tuple[dict[int, float], float]
#: Those of each channel that answers a request.
_Found = dict[int, _Scores]


def best(view: View, asked: Sequence[Request], only: Only, k: int) -> list[list[Best]]:
    """Return for each request the `k` best videos of each channel, by their best piece."""
    words = {n: one for n, one in enumerate(asked) if one.matrix is None}
    dense = {n: one for n, one in enumerate(asked) if one.matrix is not None}
    found = _words(view, words, only, k) | _dense(view, dense, only, k)
    return _named(view, [found.get(number, {}) for number in range(len(asked))])


class _Questions:
    """What is asked of one space: each vector once, however many requests have it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._numbers: dict[bytes, int] = {}

    def numbers(self, matrix: Float32) -> tuple[int, ...]:
        """Return the numbers, from 1 on, of the vectors (q, d) of a request."""
        return tuple(map(self._number, matrix.astype(np.float32)))

    def _number(self, line: Float32) -> int:
        key = line.tobytes()
        if key not in self._numbers:
            self.told.append("[" + ",".join(f"{x:.8g}" for x in line.tolist()) + "]")
            self._numbers[key] = len(self.told)
        return self._numbers[key]


#: What is asked where: request, space, channel and the numbers of its vectors.
_Job = tuple[int, int, int, tuple[int, ...]]


def _dense(view: View, asked: Mapping[int, Request], only: Only, k: int) -> dict[int, _Found]:
    spaces: dict[str, int] = {}
    if asked:
        known = view.connection.execute("SELECT name, number FROM space").fetchall()
        spaces = {packing.unpack(bytes(name)): int(number) for name, number in known}
    questions = {number: _Questions() for number in spaces.values()}
    jobs: list[_Job] = []
    for request, one in asked.items():
        if one.space in spaces and one.matrix is not None:
            space = spaces[one.space]
            numbers = questions[space].numbers(one.matrix)
            jobs += [
                (request, space, channel, numbers)
                for channel, name in view.channels.items()
                if (not one.channels or name in one.channels)
                and (only.channels is None or channel in only.channels)
            ]
    found: dict[int, _Found] = {}
    for (request, _, channel, _), scores in _nearest(view, jobs, questions, only, k):
        if scores[0]:
            found.setdefault(request, {})[channel] = _cut(*scores, k)
    return found


def _nearest(
    view: View, jobs: Sequence[_Job], questions: Mapping[int, _Questions], only: Only, k: int
) -> Iterator[tuple[_Job, _Scores]]:
    """Yield for what is asked the videos with their best pieces' scores, and a bound for others.

    All is asked in one statement; where too few videos have all the best pieces, again for more.
    A graph is walked for so long only (`hnsw.max_scan_tuples`): where a filter leaves so little
    that too few pieces were met, all that it leaves is scanned.
    """
    size = _PIECES * k
    graph = bool(only.within) and not only.few and not only.scanned
    while jobs:
        rows = _rows(view, jobs, questions, only, size)
        left: list[_Job] = []
        short: list[_Job] = []
        for job in jobs:
            _, space, channel, numbers = job
            own = [rows.get((space, channel, number), []) for number in dict.fromkeys(numbers)]
            full = [pieces for pieces in own if len(pieces) == size]
            if graph and len(full) < len(own):
                short.append(job)
                continue
            scores: dict[int, float] = {}
            for video, score in (pair for pieces in own for pair in pieces):
                scores[video] = max(score, scores.get(video, -np.inf))
            if full and len(scores) < k and size < _MOST * k:
                left.append(job)
                continue
            last = (min(score for _, score in pieces) for pieces in full)
            yield job, (scores, max(last, default=-np.inf) + MARGIN)
        if short:
            yield from _nearest(view, short, questions, replace(only, scanned=True), k)
        jobs, size = left, 4 * size


def _rows(
    view: View, jobs: Sequence[_Job], questions: Mapping[int, _Questions], only: Only, size: int
) -> dict[tuple[int, int, int], list[tuple[int, float]]]:
    """Return videos with scores of the nearest pieces, by space, channel and question."""
    wanted: dict[tuple[int, int], dict[int, None]] = {}
    for _, space, channel, numbers in jobs:
        wanted.setdefault((space, channel), {}).update(dict.fromkeys(numbers))
    spaces = list(dict.fromkeys(space for space, _ in wanted))
    told = ", ".join(
        f"q{space} AS MATERIALIZED (SELECT number, told::halfvec AS question "
        "FROM unnest(?::text[]) WITH ORDINALITY t(told, number))"
        for space in spaces
    )
    values: list[Any] = [questions[space].told for space in spaces]
    # Added to nothing, the order is no longer that of an index, and what filters leave is scanned.
    nearness = "n.embedding <#> q.question"
    order = f"({nearness}) + 0" if only.few or only.scanned else nearness
    joined = "JOIN evidence e ON e.id = n.evidence" if only.spoken else ""
    parts = []
    for (space, channel), asked_there in wanted.items():
        parts.append(
            _NEAREST.format(
                space=space, channel=channel, joined=joined, only=only.within, order=order
            )
        )
        values += [*only.within_values, _MET * size, size, list(asked_there)]
    view.connection.execute(
        "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), "
        "set_config('hnsw.ef_search', ?, true), set_config('hnsw.max_scan_tuples', ?, true), "
        "set_config('hnsw.scan_mem_multiplier', ?, true)",
        (str(min(_AT_A_TIME, max(200, _MET * size))), str(_LOOKED_AT), str(_MEMORY)),
    )
    found: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
    asked = f"WITH {told} {' UNION ALL '.join(parts)}"
    for space, channel, number, video, score in view.connection.execute(asked, values):
        found.setdefault((space, channel, number), []).append((video, score))
    return found


def _cut(scores: dict[int, float], floor: float, k: int) -> _Scores:
    """Return the k best of scores, and a bound for all others."""
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > k:
        floor = max(floor, ranked[k][1] + MARGIN)
    return dict(ranked[:k]), floor


def _words(view: View, asked: Mapping[int, Request], only: Only, k: int) -> dict[int, _Found]:
    if not any(one.terms for one in asked.values()):
        return {}
    held = f"WHERE EXISTS (SELECT 1 FROM evidence e WHERE e.id = s.id{only.sql})"
    values = (*counted({n: one.terms for n, one in asked.items()}), *only.values, k + 1)
    found: dict[int, dict[int, dict[int, float]]] = {}
    statement = SCORED + _WORDS.format(left=held if only.sql else "")
    for request, channel, video, score in view.connection.execute(statement, values):
        found.setdefault(request, {}).setdefault(channel, {})[video] = score
    return {
        request: {channel: _cut(scores, -np.inf, k) for channel, scores in channels.items()}
        for request, channels in found.items()
    }


def counted(asked: Mapping[int, Sequence[str]]) -> tuple[list[int], list[bytes], list[int]]:
    """Return requests, terms as they are kept, and how often each asks for each."""
    often = [
        (request, term, times)
        for request, terms in asked.items()
        for term, times in Counter(map(term_key, terms)).items()
    ]
    return [r for r, _, _ in often], [t for _, t, _ in often], [n for _, _, n in often]


def _named(view: View, found: Sequence[_Found]) -> list[list[Best]]:
    numbers = {video for one in found for scores, _ in one.values() for video in scores}
    name = dict(
        view.connection.execute(
            "SELECT number, id FROM video WHERE number = ANY(?)", (list(numbers),)
        ).fetchall()
    )
    return [
        [
            Best(view.channels[channel], tuple(name[video] for video in scores), floor)
            for channel, (scores, floor) in one.items()
        ]
        for one in found
    ]
