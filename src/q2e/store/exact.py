"""The engine over a store that holds all columns in memory: it misses nothing."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.store.base import Searched, Table
from q2e.store.engine import Best, Counts, Pieces, Request, Words
from q2e.store.facts import Timed
from q2e.types import Evidence, Filters


@dataclass(slots=True)
class ExactEngine:
    """Answers from the columns of a store, within its snapshots."""

    catalogue: Searched
    exact: bool = True
    _panel: tuple[int, int, tuple[str, ...]] = field(default=(-1, 0, ()))

    def version(self) -> int:
        """Return the version of the store's table."""
        return self.catalogue.table().version

    def best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        """Return for each request the `k` best videos of each channel, by their best piece."""
        table, mask = self.catalogue.table(), self.catalogue.rows(filters)
        return [self._best(one, table, mask, k) for one in asked]

    def _best(self, asked: Request, table: Table, mask: Bool | None, k: int) -> list[Best]:
        if asked.matrix is None:
            rows, scores = self.catalogue.lexical(asked.terms, mask=mask)
        else:
            rows, matrix = self.catalogue.vectors(asked.space)
            scores = (asked.matrix.astype(np.float32) @ matrix.T).max(axis=0)
            if mask is not None:
                rows, scores = rows[mask[rows]], scores[mask[rows]]
        channel = table.channel[rows]
        found = []
        for code in np.unique(channel).tolist():
            name = table.channels[code]
            if not asked.channels or name in asked.channels:
                own = channel == code
                found.append(_top(table, name, table.video[rows[own]], scores[own], k))
        return found

    def complete(self, videos: Sequence[str]) -> Pieces:
        """Return all evidence of videos, in order of storage; unknown ones are left out."""
        table = self.catalogue.table()
        wanted = set(videos)
        chosen = np.flatnonzero([name in wanted for name in table.video_ids])
        place = np.full(len(table.video_ids), -1, np.int32)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(place[table.video] >= 0)
        part = replace(
            table,
            evidence_id=table.evidence_id[rows],
            video=place[table.video[rows]],
            channel=table.channel[rows],
            start_s=table.start_s[rows],
            end_s=table.end_s[rows],
            length=table.length[rows],
            video_ids=tuple(table.video_ids[number] for number in chosen.tolist()),
        )
        spaces = {}
        for space in self.catalogue.spaces():
            of, matrix = self.catalogue.vectors(space)
            own = np.flatnonzero(place[table.video[of]] >= 0)
            spaces[space] = np.searchsorted(rows, of[own]).astype(np.int64), matrix[own]
        return Pieces(part, spaces, self._durations_s()[chosen])

    def _durations_s(self) -> Float64:
        """Return the lengths (V,) of all videos of the table."""
        if isinstance(self.catalogue, Timed):
            return self.catalogue.durations_s()
        of = {video.id: video.duration_s for video in self.catalogue.videos()}
        return np.array([of[name] for name in self.catalogue.table().video_ids], np.float64)

    def lexical(self, terms: Sequence[str], evidence_id: Int64) -> tuple[Int64, Float32]:
        """Return which of the pieces (n,), by place, hold any of the terms, and their scores."""
        rows, scores = self.catalogue.lexical(terms)
        ids = self.catalogue.table().evidence_id[rows]
        place = np.searchsorted(evidence_id, ids)
        held = place < len(evidence_id)
        held[held] = evidence_id[place[held]] == ids[held]
        return place[held].astype(np.int64), scores[held]

    def rows(self, filters: Filters, evidence_id: Int64) -> Bool | None:
        """Return the mask (n,) of pieces that satisfy filters, None where all do."""
        mask = self.catalogue.rows(filters)
        if mask is None:
            return None
        return mask[np.searchsorted(self.catalogue.table().evidence_id, evidence_id)]

    def evidence(self, evidence_id: Int64) -> list[Evidence]:
        """Return whole evidence, without vectors, of pieces (n,)."""
        rows = np.searchsorted(self.catalogue.table().evidence_id, evidence_id)
        return self.catalogue.evidence(rows.tolist())

    def times_s(self, evidence_id: Int64) -> Float64:
        """Return (n, 3) times of pieces (n,), as `Searched.times_s` does."""
        rows = np.searchsorted(self.catalogue.table().evidence_id, evidence_id)
        return self.catalogue.times_s(rows.astype(np.int64))

    def counts(self) -> Counts:
        """Return the numbers of the collection."""
        table = self.catalogue.table()
        texts = {name: table.texts(name) for name in table.channels}
        return Counts(len(table.video_ids), len(table), texts)

    def statistics(self, terms: Sequence[str]) -> Mapping[str, Words]:
        """Return by channel with text what the weights of terms rest on."""
        table = self.catalogue.table()
        many = len(table.channels)
        held = {}
        for term in dict.fromkeys(terms):
            rows, _ = self.catalogue.lexical((term,))
            held[term] = np.bincount(table.channel[rows], minlength=many).tolist()
        words = np.bincount(table.channel, table.length, many)
        return {
            name: Words(pieces, int(words[code]), {t: n[code] for t, n in held.items() if n[code]})
            for code, name in enumerate(table.channels)
            if (pieces := table.texts(name))
        }

    def panel(self, size: int) -> tuple[str, ...]:
        """Return `size` videos, or all: those whose names have the lowest hashes."""
        table = self.catalogue.table()
        if self._panel[:2] != (table.version, size):
            self._panel = (table.version, size, lowest(table.video_ids, size))
        return self._panel[2]


def lowest(names: Sequence[str], size: int) -> tuple[str, ...]:
    """Return the `size` names with the lowest hashes: a sample that no order of adding moves."""
    if size >= len(names):
        return tuple(names)
    return tuple(heapq.nsmallest(size, names, key=_hash))


def _hash(name: str) -> bytes:
    packed = name.encode("utf-8", "surrogatepass")
    return hashlib.md5(packed, usedforsecurity=False).digest()  # which databases know too


def _top(table: Table, channel: str, video: Int64, scores: Float32, k: int) -> Best:
    """Return the `k` best videos of pieces (n,), and what no other reaches more than."""
    best = np.full(len(table.video_ids), -np.inf, np.float32)
    np.maximum.at(best, video, scores)
    known = np.flatnonzero(best > -np.inf)
    order = known[np.argsort(-best[known], kind="stable")]
    floor = float(best[order[k]]) if len(order) > k else -np.inf
    return Best(channel, tuple(table.video_ids[number] for number in order[:k].tolist()), floor)
