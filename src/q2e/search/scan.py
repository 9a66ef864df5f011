"""Scores every part of a question against every channel: the rows that fusion makes one of.

Exact: all evidence is scored. V is the number of videos in the table, E of pieces of evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.choices import Pools
from q2e.methods.pool.base import Bag
from q2e.methods.pool.schema import ordered
from q2e.methods.rows import DOCUMENTS, Folded, ScoreRow, Vectors
from q2e.search.blocks import by_blocks, products
from q2e.store.base import Searched, Table
from q2e.store.engine import Request
from q2e.store.growing import Growing

#: Bytes of products with fixed vectors that are kept, or this share of those of the vectors.
_PRODUCTS, _SHARE = 64 << 20, 1 / 3


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where the evidence of one channel lies among the vectors of a space, video by video."""

    take: Int64
    rows: Int64
    starts: Int64
    videos: Int64


@dataclass(slots=True)
class Heard:
    """What is asked of a store, for whoever looks it up elsewhere, and what vectors find in it."""

    requests: list[Request] = field(default_factory=list)
    rows: list[ScoreRow] = field(default_factory=list)


@dataclass(slots=True)
class Scanner:
    """Scores questions against one store; keeps the layout of the evidence between questions."""

    store: Searched
    _layouts: dict[tuple[int, str], dict[str, _Layout]] = field(default_factory=dict)
    _folded: dict[tuple[str, str], Growing[Float32]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _pools: dict[tuple[int, str, str], dict[str, Any]] = field(default_factory=dict)
    heard: Heard | None = None
    """Where what is asked is noted, with the rows of the best pieces."""

    def dense(
        self,
        space: str,
        how: str,
        parts: Sequence[Vectors],
        *,
        mask: Bool | None = None,
        pool: str | Pools = "max",
    ) -> list[ScoreRow]:
        """Return a row for each (part, channel) that has vectors in `space`.

        The score is the maximum over the part's texts and the video's evidence (many-to-many),
        or what the channel's rule of pooling makes of them.
        """
        if self.heard is not None:
            self.heard.requests += [
                Request(how, one.part, space, one.matrix, channels=one.channels) for one in parts
            ]
        pools = Pools.of(pool)
        table = self.store.table()
        layouts = self._layout(table, space)
        _, matrix = self.store.vectors(space)
        if not layouts or not parts:
            return []
        found = []
        for part, block in zip(parts, self._products(table, space, parts, matrix), strict=True):
            best, which = _best_of(block)
            for channel, layout in layouts.items():
                if part.channels and channel not in part.channels:
                    continue
                row = self._row(table, part, channel, (how, space), layout, best, which, mask)
                if self.heard is not None and row is not None:
                    self.heard.rows.append(row)
                rule = pools.for_channel(channel)
                if row is not None and not rule.method.facts.get("scanned"):
                    bag, videos = bagged(row, table, part.matrix, matrix, block, layout.take)
                    if mask is None:
                        bag = replace(bag, memory=self._memory(table, space, channel))
                    pooled: Float64 = np.full(len(table.video_ids), np.nan)
                    pooled[videos] = rule.bound(bag)
                    row = replace(row, video=pooled)
                found.append(row)
        rows = [row for row in found if row is not None]
        return joined(in_order(rows, table, pools), pools)

    def _products(
        self, table: Table, space: str, parts: Sequence[Vectors], matrix: Float32
    ) -> list[Float32]:
        """Return for each part the products (q, E) of its vectors with all of a space."""
        whole = [part.matrix for part in parts if part.folded is None]
        scores = products(np.concatenate(whole).astype(np.float32), matrix)
        blocks = iter(np.split(scores, np.cumsum([len(one) for one in whole])[:-1]))
        found = []
        for part in parts:
            if part.folded is None:
                found.append(next(blocks))
                continue
            fixed = self._fixed(table, space, part.folded, matrix)
            found.append(_summed(part.folded, fixed, scores[0]))
        return found

    def _fixed(self, table: Table, space: str, folded: Folded, matrix: Float32) -> Float32:
        """Return the products (f, E) of fixed vectors with all of a space, kept while asked for."""

        def make(before: tuple[Table, Float32] | None) -> Float32:
            old = np.zeros((len(folded.fixed), 0), np.float32) if before is None else before[1]
            new = products(folded.fixed, matrix[old.shape[1] :])
            return np.concatenate((old, new), axis=1) if old.shape[1] else new

        key, size = (space, folded.name), 4 * len(folded.fixed) * len(matrix)
        most = max(_PRODUCTS, int(_SHARE * matrix.nbytes))
        with self._lock:
            # The last asked for is last; those at the front are forgotten first.
            kept = self._folded.pop(key, None) or Growing[Float32]()
            self._folded[key] = kept
            while len(self._folded) > max(1, most // max(1, size)):
                del self._folded[next(iter(self._folded))]
        return kept.of(table, make)

    def _memory(self, table: Table, space: str, channel: str) -> dict[str, Any]:
        """Return what pooling keeps of a channel's evidence for the newest version."""
        self._pools = {k: v for k, v in self._pools.items() if k[0] == table.version}
        return self._pools.setdefault((table.version, space, channel), {})

    def _row(
        self,
        table: Table,
        part: Vectors,
        channel: str,
        by: tuple[str, str],
        layout: _Layout,
        best: Float32,
        which: Int64,
        mask: Bool | None,
    ) -> ScoreRow | None:
        values = best[layout.take]
        if mask is not None:
            values = np.where(mask[layout.rows], values, -np.inf)
        video = np.full(len(table.video_ids), np.nan)
        video[layout.videos] = np.maximum.reduceat(values, layout.starts)
        video[np.isneginf(video)] = np.nan
        if np.isnan(video).all():
            return None
        how, space = by
        taken = which[layout.take]
        return ScoreRow(
            part.part, channel, how, video, layout.rows, values, part.texts, taken, space
        )

    def lexical(
        self, how: str, text: str, terms: Sequence[str], mask: Bool | None
    ) -> list[ScoreRow]:
        """Return a row of BM25 scores for each channel that holds any of `terms`.

        A video that has text in a channel but none of the terms scores zero there; one that has
        no text in it is missing.
        """
        if self.heard is not None:
            self.heard.requests.append(Request(how, "query", terms=tuple(terms)))
        table = self.store.table()
        rows, scores = self.store.lexical(terms, mask=mask)
        if not len(rows):
            return []
        channel_of = table.channel[rows]
        found = []
        for code in np.unique(channel_of):
            chosen = channel_of == code
            present = (table.channel == code) & (table.length > 0)
            if mask is not None:
                present &= mask
            video = np.full(len(table.video_ids), np.nan)
            video[table.video[present]] = 0.0
            np.fmax.at(video, table.video[rows[chosen]], scores[chosen])
            found.append(
                ScoreRow(
                    "query",
                    table.channels[code],
                    how,
                    video,
                    rows[chosen],
                    scores[chosen],
                    (text,),
                    np.zeros(int(chosen.sum()), np.int64),
                )
            )
        return found

    def _layout(self, table: Table, space: str) -> dict[str, _Layout]:
        key = (table.version, space)
        if key not in self._layouts:
            # Only the newest version is ever asked for again.
            self._layouts = {k: v for k, v in self._layouts.items() if k[0] == table.version}
            rows, _ = self.store.vectors(space)
            channel = table.channel[rows]
            self._layouts[key] = {
                table.channels[code]: _lay_out(table, rows, np.flatnonzero(channel == code))
                for code in np.unique(channel)
            }
        return self._layouts[key]


def bagged(
    row: ScoreRow,
    table: Table,
    queries: Float32,
    matrix: Float32,
    scores: Float32,
    take: Int64,
) -> tuple[Bag, Int64]:
    """Return the evidence behind a row as a bag for pooling, and its videos.

    `scores` (q, E) are those of `matrix` (E, d), whose rows `take` are the row's evidence. What
    the filters left out is not in the bag.
    """
    kept = np.flatnonzero(np.isfinite(row.scores))
    video = table.video[row.rows[kept]].astype(np.int64)
    starts = np.flatnonzero(np.diff(video, prepend=-1)).astype(np.int64)
    own = take[kept]
    return Bag(queries, matrix, own, starts, scores[:, own]), video[starts]


def joined(rows: Sequence[ScoreRow], pools: Pools) -> list[ScoreRow]:
    """Return the rows with those of one part joined whose rule is the best across channels."""
    found: list[ScoreRow] = []
    across: dict[str, list[ScoreRow]] = {}
    for row in rows:
        rule = pools.for_channel(row.channel)
        if row.how == "meaning" and "across" in rule.method.parameters and rule["across"]:
            across.setdefault(row.part, []).append(row)
        else:
            found.append(row)
    for own in across.values():
        first = own[0]
        found.append(
            replace(
                first,
                channel=DOCUMENTS,
                video=np.fmax.reduce([row.video for row in own]),
                rows=np.concatenate([row.rows for row in own]),
                scores=np.concatenate([row.scores for row in own]),
                which=np.concatenate([row.which for row in own]),
            )
        )
    return found


def in_order(rows: Sequence[ScoreRow], table: Table, pools: Pools) -> list[ScoreRow]:
    """Return the rows with sub-events matched in time order: before, during, after.

    In each channel whose rule is one of steps, a video's scores for the kinds are those of the
    best evidence of which none of a later kind lies before one of an earlier (`ordered`).
    """
    done = list(rows)
    for channel in dict.fromkeys(row.channel for row in rows):
        if not pools.for_channel(channel).method.facts.get("steps"):
            continue
        steps = [n for n, row in enumerate(rows) if row.channel == channel and row.part != "query"]
        if len(steps) < 2:
            continue
        table_of = np.stack([rows[number].scores for number in steps])
        every = np.arange(table_of.shape[1])
        bag, videos = bagged(rows[steps[0]], table, table_of, table_of, table_of, every)
        for number, matched in zip(steps, ordered(bag, bag.scores)[0], strict=True):
            values = np.full(len(table.video_ids), np.nan)
            values[videos] = matched
            done[number] = replace(rows[number], video=values)
    return done


def _summed(folded: Folded, fixed: Float32, first: Float32) -> Float32:
    """Return the products (q, E) of folded vectors, of those of what is fixed (f, E).

    `first` (E,) are those of the question's first vector.
    """
    found = np.empty((len(folded.weights), fixed.shape[1]), np.float32)

    def work(block: slice) -> None:
        found[:, block] = folded.weights @ fixed[:, block] + folded.own[:, None] * first[block]

    by_blocks(fixed.shape[1], work)
    return found


def _best_of(scores: Float32) -> tuple[Float32, Int64]:
    """Return the largest (E,) of scores (q, E) and which of the q has it, the first of equal ones.

    Line by line, and without choosing: several times as fast as `argmax` over the first axis.
    """
    best, which = scores[0].copy(), np.zeros(scores.shape[1], np.int64)

    def work(block: slice) -> None:
        most, of = best[block], which[block]
        for number, line in enumerate(scores[1:, block], start=1):
            np.maximum(of, (line > most) * np.int64(number), out=of)
            np.maximum(most, line, out=most)

    if len(scores) > 1:
        by_blocks(scores.shape[1], work)
    return best, which


def _lay_out(table: Table, rows: Int64, chosen: Int64) -> _Layout:
    # In time order within a video, for rules of pooling that know of order.
    owner, start_s = table.video[rows[chosen]], table.start_s[rows[chosen]]
    later = (owner[1:] > owner[:-1]) | ((owner[1:] == owner[:-1]) & (start_s[1:] >= start_s[:-1]))
    take = chosen.astype(np.int64)
    if not later.all():
        take = take[np.lexsort((start_s, owner))]
    video = table.video[rows[take]].astype(np.int64)
    starts = np.flatnonzero(np.diff(video, prepend=-1)).astype(np.int64)
    return _Layout(take, rows[take].astype(np.int64), starts, video[starts])
