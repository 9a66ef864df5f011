"""Finds the best videos in Milvus: vectors by an index, words by an inner product of weights.

What Milvus holds is a copy. Videos that changed since it was brought up to date are looked at in
the catalogue, rows of videos that are gone are passed over, and all scores of videos that are found
come from the catalogue: the copy only says who is looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.store import changed
from q2e.store.base import Searched
from q2e.store.beside import MARGIN, Scores, among, cut
from q2e.store.engine import Best, Counts, Engine, Pieces, Request, Words
from q2e.store.filtering import clauses
from q2e.store.milvus.pieces import dimension
from q2e.store.milvus.tables import MOST, WORDS, Tables, conditions, short
from q2e.store.rows import pack
from q2e.store.searching import Searching
from q2e.store.sql import View
from q2e.types import Evidence, Filters

#: Rows asked for each video wanted, at first; and at most, where few videos have many.
_PIECES, _MOST = 4, 64
#: Videos up to which a catalogue is looked at instead: those that filters leave, or that changed.
_SCANNED = 2_000
#: Rows of a channel that filters leave up to which 2.3 walks no graph, which may end too early.
_NO_GRAPH = 200_000
#: Share of all rows below which it walks none by itself, with a margin: where 7 % are left.
_NONE_WALKED = 0.05
_AT_ONCE = 8
#: Vectors that are asked in one call.
_TOGETHER = 64


#: Videos by number with their scores, and what no other reaches more than.
_Found = tuple[dict[int, float], float]


@dataclass(slots=True)
class _Job:
    """What is asked of one channel of a space: each vector once, however many requests have it."""

    space: str
    channel: str
    data: list[Any] = field(default_factory=list)
    of: dict[int, tuple[tuple[int, ...], float, float]] = field(default_factory=dict)
    """By request: the places of its vectors, by what its floor may be too low, and a margin."""
    _places: dict[Any, int] = field(default_factory=dict)

    def add(self, request: int, data: Sequence[Any], scale: float) -> None:
        """Ask vectors of a request; `scale` is by how much what others score may be too low."""
        margin = MARGIN
        if self.space != WORDS:
            margin *= max(1.0, *(float(np.linalg.norm(one)) for one in data))
        self.of[request] = tuple(map(self._place, data)), scale, margin

    def _place(self, vector: Any) -> int:
        key = tuple(vector.items()) if isinstance(vector, dict) else vector.tobytes()
        if key not in self._places:
            self._places[key] = len(self.data)
            self.data.append(vector)
        return self._places[key]

    def bounded(self, request: int, scores: dict[int, float], floor: float) -> _Found:
        """Return what a request found, with a floor that holds for every score."""
        _, scale, margin = self.of[request]
        return scores, floor * scale + margin if np.isfinite(floor) else floor


@dataclass(slots=True)
class MilvusEngine:
    """Answers within the snapshots of its catalogue; safe to share between threads."""

    catalogue: Searched
    """What is known of videos by name."""
    store: Searching
    """The same, as a database."""
    tables: Tables
    beside: Engine
    """What finds in the catalogue alone."""
    made: Callable[[], Mapping[str, Any]]
    """Returns what is said of the copy in the snapshot: `spaces` it has, and `means`, by channel,
    the mean length that the weights of words rest on."""
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "q2e-milvus")
    )

    @property
    def exact(self) -> bool:
        """Whether Milvus scans all vectors, so that nothing is missed."""
        return self.tables.index == "flat"

    def version(self) -> int:
        """Return a number that changes with every commit."""
        return self.beside.version()

    # -- finding --------------------------------------------------------------------------------
    def best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        """Return for each request the `k` best videos of each channel, by their best piece."""
        if not self.tables.modern:
            # Milvus is too old for words: the catalogue finds them, and misses none.
            words = [one for one in asked if one.matrix is None]
            dense = iter(self._best([one for one in asked if one.matrix is not None], filters, k))
            found = iter(self.beside.best(words, filters, k))
            return [next(found if one.matrix is None else dense) for one in asked]
        return self._best(asked, filters, k)

    def _best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        with self.store.view() as view:
            if (few := _few(view, filters)) is not None:
                scores = among(self.beside, few, asked, filters)
                return [_cut(own, {}, {}, k) for own in scores]
            late = changed.numbers(view, _SCANNED + 1)
            jobs = [
                (job, self._pool.submit(self._ask, job, filters, k))
                for job in self._jobs(view, asked, filters)
            ]
            told = [(job.channel, answer.result()) for job, answer in jobs]
            names = _ids(
                view, {v for _, answers in told for own, _ in answers.values() for v in own}
            )
            found: list[Scores] = [{} for _ in asked]
            floors: list[dict[str, float]] = [{} for _ in asked]
            for channel, answers in told:
                for number, (own, floor) in answers.items():
                    floors[number][channel] = floor
                    found[number][channel] = {
                        names[video]: score for video, score in own.items() if video in names
                    }
            changing = list(_ids(view, late[:_SCANNED]).values())
            more = among(self.beside, changing, asked, filters)
        if len(late) > _SCANNED:
            floors = [dict.fromkeys(view.channels.values(), np.inf) for _ in floors]
        return [_cut(*three, k) for three in zip(found, more, floors, strict=True)]

    def _jobs(self, view: View, asked: Sequence[Request], filters: Filters) -> list[_Job]:
        """Return what is to be asked of Milvus: once for each channel of a space, for all."""
        made, jobs = self.made(), dict[tuple[str, str], _Job]()
        for number, one in enumerate(asked):
            space = WORDS if one.matrix is None else one.space
            if space not in made["spaces"]:
                continue  # one that came since: its videos have changed
            self.tables.must_have(space)
            for name, (data, scale) in self._questions(view, one, made["means"]).items():
                if (
                    (not one.channels or name in one.channels)
                    and (not filters.channels or name in filters.channels)
                    and name not in filters.without_channels
                ):
                    job = jobs.setdefault((space, name), _Job(space, name))
                    job.add(number, data, scale)
        return list(jobs.values())

    def _questions(
        self, view: View, asked: Request, means: Mapping[str, float]
    ) -> dict[str, tuple[list[Any], float]]:
        """Return by channel what is asked as vectors, and by how much scores may be too low."""
        if asked.matrix is not None:
            data = list(asked.matrix.astype(np.float32))
            return dict.fromkeys(view.channels.values(), (data, 1.0))
        found = {}
        for name, known in self.beside.statistics(asked.terms).items():
            if name in means and known.holding:
                mean = known.words / known.pieces
                vector = weighted(asked.terms, known)
                found[name] = [vector], max(1.0, mean / means[name])
        return found

    def _ask(self, job: _Job, filters: Filters, k: int) -> dict[int, _Found]:
        """Return for each request scores of videos by number, and a bound for all others.

        There are at least k videos where there are as many. All is asked at once; where too few
        videos have all the best rows, again for more.
        """
        condition = f' and channel == "{short(job.channel)}"' + conditions(filters)
        left, done = dict(job.of), dict[int, _Found]()
        if self.tables.modern:
            found = self._search(job, left, condition, min(k + 1, MOST), grouped=True)
            for number, (places, _, _) in job.of.items():
                own = [found[place] for place in places]
                if all(len(one) > k for one in own):
                    done[number] = _best(own), max(one[-1][1] for one in own)
                    del left[number]
        size, scan = min(_PIECES * k, MOST), self._scans(job.space, condition, filters)
        while left:
            found = self._search(job, left, condition, size, scan=scan)
            for number, (places, _, _) in list(left.items()):
                own = [found[place] for place in places]
                full, scores = [one for one in own if len(one) == size], _best(own)
                if not full or len(scores) >= k or size >= min(_MOST * k, MOST):
                    done[number] = scores, max((one[-1][1] for one in full), default=-np.inf)
                    del left[number]
            size = min(4 * size, MOST)
        return {number: job.bounded(number, *one) for number, one in done.items()}

    def _scans(self, space: str, condition: str, filters: Filters) -> bool:
        """Return whether so few rows are left that all are looked at.

        One segment of several whose graph ends early shows in no count of rows.
        """
        if self.tables.modern or not self.tables.walks(space) or not conditions(filters):
            return False
        left = self.tables.count(space, condition)
        return _NONE_WALKED * self.tables.rows(space) <= left <= _NO_GRAPH

    def _search(
        self,
        job: _Job,
        left: Iterable[int],
        condition: str,
        size: int,
        grouped: bool = False,
        scan: bool = False,
    ) -> dict[int, list[tuple[int, float]]]:
        """Return what the questions of some requests find, by their places in a job.

        A graph that is walked under a condition may end anywhere, in 2.3.5 with nothing at all:
        where there are more rows than were found, all are looked at.
        """
        places = sorted({place for number in left for place in job.of[number][0]})
        found: dict[int, list[tuple[int, float]]] = {}
        for start in range(0, len(places), _TOGETHER):
            some = places[start : start + _TOGETHER]
            data = [job.data[place] for place in some]
            if scan:
                answers = self.tables.scanned(job.space, data, condition, size)
            else:
                answers = self.tables.search(job.space, data, condition, size, grouped=grouped)
            found.update(zip(some, answers, strict=True))
        ended = any(len(one) < size for one in found.values())
        if ended and not grouped and not scan and self.tables.walks(job.space):
            there = self.tables.count(job.space, condition)
            few = [place for place, one in found.items() if len(one) < min(size, there)]
            data = [job.data[place] for place in few]
            again = self.tables.scanned(job.space, data, condition, size) if few else []
            found.update(zip(few, again, strict=True))
        return found

    # -- what is known --------------------------------------------------------------------------
    def lexical(self, terms: Sequence[str], evidence_id: Int64) -> tuple[Int64, Float32]:
        return self.beside.lexical(terms, evidence_id)

    def rows(self, filters: Filters, evidence_id: Int64) -> Bool | None:
        return self.beside.rows(filters, evidence_id)

    def complete(self, videos: Sequence[str]) -> Pieces:
        return self.beside.complete(videos)

    def evidence(self, evidence_id: Int64) -> list[Evidence]:
        return self.beside.evidence(evidence_id)

    def times_s(self, evidence_id: Int64) -> Float64:
        return self.beside.times_s(evidence_id)

    def counts(self) -> Counts:
        return self.beside.counts()

    def statistics(self, terms: Sequence[str]) -> Mapping[str, Words]:
        return self.beside.statistics(terms)

    def panel(self, size: int) -> tuple[str, ...]:
        return self.beside.panel(size)


def weighted(terms: Sequence[str], known: Words) -> dict[int, float]:
    """Return a question's sparse vector: idf of each term, as often as it is asked for."""
    vector: dict[int, float] = {}
    for term, times in Counter(terms).items():
        held = known.holding.get(term, 0)
        if held:
            idf = math.log(1 + (known.pieces - held + 0.5) / (held + 0.5))
            place = dimension(pack(term))
            vector[place] = vector.get(place, 0.0) + times * idf
    return vector


def _best(found: Sequence[Sequence[tuple[int, float]]]) -> dict[int, float]:
    scores: dict[int, float] = {}
    for one in found:
        for video, score in one:
            scores[video] = max(score, scores.get(video, -np.inf))
    return scores


def _few(view: View, filters: Filters) -> list[str] | None:
    """Return the videos that filters leave where they are few; None where they are many or all."""
    found, values = clauses(filters, view.dialect)
    if not found:
        return None
    asked = f"SELECT id FROM video WHERE {' AND '.join(found)} LIMIT {_SCANNED + 1}"
    left = [str(row[0]) for row in view.connection.execute(asked, values).fetchall()]
    return left if len(left) <= _SCANNED else None


def _ids(view: View, numbers: Collection[int]) -> dict[int, str]:
    """Return the names of videos by number; those that are gone have none."""
    among_them = ", ".join(map(str, numbers)) or "NULL"
    found = view.connection.execute(f"SELECT number, id FROM video WHERE number IN ({among_them})")
    return {int(number): str(name) for number, name in found}


def _cut(own: Scores, exact: Scores, floors: Mapping[str, float], k: int) -> list[Best]:
    """Return the best of each channel; what is known exactly counts for what was found."""
    names = dict.fromkeys((*own, *exact))
    scores = {name: own.get(name, {}) | exact.get(name, {}) for name in names}
    return [cut(name, one, floors.get(name, -np.inf), k) for name, one in scores.items() if one]
