"""Keeps what searches need of a whole collection, and brings it up to date by what is new.

Every commit is another state of the store. While videos are being indexed, searches would else go
through all of the collection again and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int32, Int64
from q2e.methods.feedback.likeness import centred
from q2e.search.duplicates import Pairs, same_course, twins
from q2e.store.base import Searched, Table
from q2e.store.facts import Timed
from q2e.store.growing import Growing, Place
from q2e.store.shelf import Array
from q2e.types import Filters

#: Pieces of a channel that stand for it, about.
_SAMPLED = 200
#: Vectors that are added up at a time.
_AT_ONCE = 512


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Unit vectors (V, d) of the sum of each video's vectors, and the lengths (V,) of the sums."""

    unit: Float32
    length: Float32

    @classmethod
    def of(cls, table: Table, arrays: Mapping[str, Array]) -> _Means:
        return cls(_matrix(table, arrays["unit"]), _column(table, arrays["length"], np.float32))

    def arrays(self) -> Mapping[str, Array]:
        return {"unit": self.unit, "length": self.length}


@dataclass(slots=True)
class Kept:
    """What one store's videos are like as a whole: their mean vectors and their copies."""

    store: Searched
    _means: dict[str, Growing[_Means]] = field(default_factory=dict)
    _centred: dict[str, Growing[Float32]] = field(default_factory=dict)
    _sampled: dict[tuple[str, str], Growing[Float32]] = field(default_factory=dict)
    _durations: Growing[Float64] | None = None
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
            videos, total = _sums(matrix[first:], owner)
            if before is not None:
                total += unit[videos] * length[videos, None]
            length[videos] = norms = np.sqrt(np.einsum("vd,vd->v", total, total))
            total /= np.where(norms > 0, norms, np.float32(1.0))[:, None]
            unit[videos] = total
            return _Means(unit, length)

        if space not in self._means:
            place = Place(self.store, f"means:{space}", _Means.arrays, _Means.of)
            self._means.setdefault(space, Growing(place))
        return self._means[space].of(table, make).unit

    def centred_means(self, space: str) -> Float32:
        """Return the (V, d) `mean_vectors` of a space less the mean of them all, of unit length."""
        if space not in self._centred:
            place: Place[Float32] = Place(
                self.store,
                f"centred:{space}",
                lambda value: {"unit": value},
                lambda table, arrays: _matrix(table, arrays["unit"]),
            )
            self._centred.setdefault(space, Growing(place))
        table = self.store.table()

        def make(_: tuple[Table, Float32] | None) -> Float32:
            return centred(self.mean_vectors(space), table.stands_for)

        return self._centred[space].of(table, make)

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

        if language not in self._speaking:
            place: Place[Mapping[str, Bool]] = Place(
                self.store,
                f"speaking:{language}",
                lambda value: value,
                lambda table, arrays: {k: _column(table, v, np.bool_) for k, v in arrays.items()},
            )
            self._speaking.setdefault(language, Growing(place))
        return self._speaking[language].of(table, make)

    def sampled(self, space: str, channel: str) -> Float32:
        """Return (n, d) vectors of some evidence of a channel, from all over it."""
        table = self.store.table()

        def make(_: tuple[Table, Float32] | None) -> Float32:
            rows, matrix = self.store.vectors(space)
            own = np.flatnonzero(table.channel[rows] == table.code(channel))
            return np.ascontiguousarray(matrix[own[:: max(1, len(own) // _SAMPLED)]])

        return self._sampled.setdefault((space, channel), Growing()).of(table, make)

    def copies_of(self, videos: Int64) -> Pairs:
        """Return the pairs of copies in which one of some videos (n,) is; see `search.duplicates`.

        A video whose length alone is changed later is compared as it was.
        """
        table = self.store.table()

        def make(before: tuple[Table, Float64] | None) -> Float64:
            old = np.zeros(0) if before is None else before[1]
            return np.concatenate((old, self._lengths(table, len(old))))

        if self._durations is None:
            place: Place[Float64] = Place(
                self.store,
                "durations",
                lambda value: {"s": value},
                lambda table, arrays: _column(table, arrays["s"], np.float64),
            )
            self._durations = Growing(place)
        spaces = list(self.store.spaces())
        means = [self.mean_vectors(space) for space in spaces]
        found = twins(self._durations.of(table, make), means, videos)
        vectors = [self.store.vectors(space) for space in spaces] if found else []
        timed = [(table.video[rows], table.start_s[rows], one) for rows, one in vectors]
        return same_course(found, timed)

    def _lengths(self, table: Table, first: int) -> Float64:
        """Return the lengths (n,) of videos from a number on in seconds, 0 where not known."""
        if isinstance(self.store, Timed):
            return self.store.durations_s(first)
        names = table.video_ids[first:]
        of = self.store.several(names)
        return np.array([of[name].duration_s if name in of else 0.0 for name in names], np.float64)


def _matrix(table: Table, found: Array) -> Float32:
    """Return a matrix (V, d) that was kept. Raises ValueError where it can be none."""
    if found.ndim != 2 or len(found) != len(table.video_ids) or found.dtype != np.float32:
        raise ValueError(f"an array of {found.dtype} and shape {found.shape}")
    return found


def _column(table: Table, found: Array, kind: type[np.generic]) -> Array:
    """Return a column (V,) that was kept. Raises ValueError where it can be none."""
    if found.shape != (len(table.video_ids),) or found.dtype != kind:
        raise ValueError(f"an array of {found.dtype} and shape {found.shape}")
    return found


def _sums(matrix: Float32, owner: Int32) -> tuple[Int64, Float32]:
    """Return the videos in order (n,), and the sums (n, d) of their vectors, the rows of `matrix`.

    Some videos at a time, so that what is added up lies in the processor's cache.
    """
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    sums = np.empty((len(starts), matrix.shape[1]), np.float32)
    done = 0
    while done < len(starts):
        first = starts[done]
        until = max(done + 1, int(np.searchsorted(ends, first + _AT_ONCE, side="right")))
        # The columns of the transposed lie in memory in order.
        some = matrix.T[:, order[first : ends[until - 1]]]
        if until == done + 1:
            sums[done] = some.sum(axis=1)
        else:
            places = starts[done:until] - first
            np.add.reduceat(some.T.copy(), places, axis=0, out=sums[done:until])
        done = until
    return owner[order[starts]].astype(np.int64), sums
