"""A part of a collection as a store of its own: some videos, scored by the numbers of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.store.base import Derived, StageKey, Table, Whole
from q2e.store.engine import Engine, Pieces, joined
from q2e.store.rank import best
from q2e.types import Evidence, Filters, Segment, Video


class _OfAll(NamedTuple):
    """What was told of the whole collection."""

    settings: dict[str, str | None]
    languages: list[tuple[str, ...]]
    """The one answer, once it was given."""


@dataclass(slots=True)
class Part:
    """What a search reads of some videos of an engine's collection, once; never written to."""

    engine: Engine
    pieces: Pieces
    _videos: dict[str, Video | None] = field(default_factory=dict)
    _masks: dict[Filters, Bool | None] = field(default_factory=dict)
    _whole: _OfAll = field(default_factory=lambda: _OfAll({}, []))

    @classmethod
    def of(
        cls,
        engine: Engine,
        panel: Sequence[str],
        chosen: Sequence[str] = (),
        beside: Part | None = None,
    ) -> Part:
        """Return all that is known of a panel and of chosen videos.

        Chosen videos stand for themselves; those of the panel for all others, in equal shares
        (post-stratification). What another part of the same state was told of the whole
        collection, `beside`, is not asked again.
        """
        rest = tuple(dict.fromkeys(one for one in chosen if one not in set(panel)))
        pieces = engine.complete(panel)
        if rest:
            pieces = joined(pieces, engine.complete(rest))
        counts, names = engine.counts(), pieces.table.video_ids
        for_all = np.array([name not in set(chosen) for name in names], dtype=bool)
        share = (counts.videos - len(names) + for_all.sum()) / max(1, int(for_all.sum()))
        whole = Whole(counts.videos, counts.pieces, counts.texts, np.where(for_all, share, 1.0))
        part = cls(engine, replace(pieces, table=replace(pieces.table, whole=whole)))
        if beside is not None:
            part._whole = beside._whole
        return part

    # -- what is known --------------------------------------------------------------------------
    def videos(self) -> Iterator[Video]:
        """Yield the videos of the part."""
        return iter(self.several(self.pieces.table.video_ids).values())

    def video(self, video_id: str) -> Video | None:
        return self.several((video_id,)).get(video_id)

    def several(self, video_ids: Sequence[str]) -> Mapping[str, Video]:
        new = [one for one in video_ids if one not in self._videos]
        if new:
            found = self.engine.catalogue.several(new)
            self._videos.update({one: found.get(one) for one in new})
        known = {one: self._videos[one] for one in video_ids}
        return {name: one for name, one in known.items() if one is not None}

    def durations_s(self, first: int = 0) -> Float64:
        """Return the lengths (n,) in seconds of the videos from number `first` on."""
        return self.pieces.duration_s[first:]

    def outdated(self, derived: Derived) -> Iterator[tuple[StageKey, Derived]]:
        return self.engine.catalogue.outdated(derived)

    def setting(self, name: str) -> str | None:
        known = self._whole.settings
        if name not in known:
            known[name] = self.engine.catalogue.setting(name)
        return known[name]

    def segments(self, video_id: str) -> list[Segment]:
        return self.engine.catalogue.segments(video_id)

    def segments_of(self, video_ids: Sequence[str]) -> Mapping[str, list[Segment]]:
        return self.engine.catalogue.segments_of(video_ids)

    def languages(self) -> tuple[str, ...]:
        known = self._whole.languages
        if not known:
            known.append(self.engine.catalogue.languages())
        return known[0]

    def evidence_of(self, video_id: str) -> list[Evidence]:
        return self.engine.catalogue.evidence_of(video_id)

    # -- searching ------------------------------------------------------------------------------
    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Nothing changes what was read; texts are read in the snapshot of who made the part."""
        yield

    def table(self) -> Table:
        return self.pieces.table

    def rows(self, filters: Filters) -> Bool | None:
        if filters not in self._masks:
            self._masks[filters] = self.engine.rows(filters, self.pieces.table.evidence_id)
        return self._masks[filters]

    def spaces(self) -> Mapping[str, int]:
        return {space: len(rows) for space, (rows, _) in self.pieces.vectors.items()}

    def vectors(self, space: str) -> tuple[Int64, Float32]:
        empty = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        return self.pieces.vectors.get(space, empty)

    def lexical(
        self, tokens: Sequence[str], *, mask: Bool | None = None, k: int | None = None
    ) -> tuple[Int64, Float32]:
        rows, scores = self.engine.lexical(tokens, self.pieces.table.evidence_id)
        if mask is not None:
            rows, scores = rows[mask[rows]], scores[mask[rows]]
        order = np.argsort(rows)
        return best(rows[order], scores[order], k)

    def evidence(self, rows: Iterable[int]) -> list[Evidence]:
        chosen = np.array(list(rows), np.int64)
        return self.engine.evidence(self.pieces.table.evidence_id[chosen])

    def times_s(self, rows: Int64) -> Float64:
        return self.engine.times_s(self.pieces.table.evidence_id[rows])
