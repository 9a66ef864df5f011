"""Keeps what searches need of a whole collection, and brings it up to date by what is new.

Every commit is another state of the store. While videos are being indexed, searches would else go
through all of the collection again and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.methods.feedback.likeness import centred
from q2e.search.duplicates import Pairs, same_course, twins
from q2e.store.base import Searched, Table
from q2e.store.growing import Growing
from q2e.types import Filters


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Unit vectors (V, d) of the sum of each video's vectors, and the lengths (V,) of the sums."""

    unit: Float32
    length: Float32


@dataclass(slots=True)
class Kept:
    """What one store's videos are like as a whole: their mean vectors and their copies."""

    store: Searched
    _means: dict[str, Growing[_Means]] = field(default_factory=dict)
    _centred: dict[str, Growing[Float32]] = field(default_factory=dict)
    _durations: Growing[Float64] = field(default_factory=Growing)
    _speaking: dict[str, Growing[Mapping[str, Bool]]] = field(default_factory=dict)

    def mean_vectors(self, space: str) -> Float32:
        """Return (V, d) unit vectors of the sum of each video's vectors in a space, or zeros."""
        table = self.store.table()

        def make(before: tuple[Table, _Means] | None) -> _Means:
            rows, matrix = self.store.vectors(space)
            unit = np.zeros((len(table.video_ids), matrix.shape[1]), np.float32)
            length = np.zeros(len(unit), np.float32)
            first = 0
            if before is not None:
                known, old = before
                unit[: len(old.unit)], length[: len(old.unit)] = old.unit, old.length
                first = int(np.searchsorted(rows, len(known)))
            owner = table.video[rows[first:]]
            order = np.argsort(owner, kind="stable")
            starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
            # Several times as fast as `reduceat`, which would need the matrix in order.
            for own in np.split(first + order, starts[1:]) if len(starts) else ():
                video = table.video[rows[own[0]]]
                total = unit[video] * length[video] + matrix[own].sum(axis=0)
                length[video] = norm = np.linalg.norm(total)
                unit[video] = total / (norm or 1.0)
            return _Means(unit, length)

        return self._means.setdefault(space, Growing()).of(table, make).unit

    def centred_means(self, space: str) -> Float32:
        """Return the (V, d) `mean_vectors` of a space less the mean of them all, of unit length."""
        kept = self._centred.setdefault(space, Growing())
        table = self.store.table()
        return kept.of(table, lambda _: centred(self.mean_vectors(space), table.stands_for))

    def speaking(self, language: str) -> Mapping[str, Bool]:
        """Return by channel which videos (V,) have evidence in a language there.

        Channels in which all have it, or none, are left out.
        """
        table = self.store.table()

        def make(_: tuple[Table, Mapping[str, Bool]] | None) -> Mapping[str, Bool]:
            mask = self.store.rows(Filters(languages=(language,)))
            if mask is None or not mask.any():
                return {}
            found = {}
            for name in table.held:
                rows = table.of_channels([name])
                known, own = (np.zeros(len(table.video_ids), dtype=bool) for _ in range(2))
                known[table.video[rows]] = True
                own[table.video[rows & mask]] = True
                if own.any() and not own[known].all():
                    found[name] = own
            return found

        return self._speaking.setdefault(language, Growing()).of(table, make)

    def copies_of(self, videos: Int64) -> Pairs:
        """Return the pairs of copies in which one of some videos (n,) is; see `search.duplicates`.

        A video whose length alone is changed later is compared as it was.
        """
        table = self.store.table()

        def make(before: tuple[Table, Float64] | None) -> Float64:
            old = np.zeros(0) if before is None else before[1]
            new = np.arange(len(old), len(table.video_ids))
            return np.concatenate((old, self._lengths(table, new)))

        spaces = list(self.store.spaces())
        means = [self.mean_vectors(space) for space in spaces]
        found = twins(self._durations.of(table, make), means, videos)
        vectors = [self.store.vectors(space) for space in spaces] if found else []
        timed = [(table.video[rows], table.start_s[rows], one) for rows, one in vectors]
        return same_course(found, timed)

    def _lengths(self, table: Table, videos: Int64) -> Float64:
        """Return the lengths (n,) of videos in seconds, 0 where they are not known."""
        names = [table.video_ids[number] for number in videos.tolist()]
        if len(names) < len(table.video_ids):
            found = [self.store.video(name) for name in names]
        else:
            of = {video.id: video for video in self.store.videos()}
            found = [of.get(name) for name in names]
        return np.array([0.0 if one is None else one.duration_s for one in found], np.float64)
