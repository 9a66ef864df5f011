"""Videos of a catalogue as a sequence that holds their ids, for whoever goes through all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from q2e.store.base import Searched
from q2e.types import Video

#: Videos that are read at once.
_AT_ONCE = 500


class Listed(Sequence[Video]):
    """The videos of a list, read again some at a time, each as it is when it is read.

    The catalogue may be written to meanwhile. Going through it leaves out what is gone by then;
    asking for one of those raises IndexError.
    """

    def __init__(
        self, catalogue: Searched, videos: Iterable[Video], at_once: int = _AT_ONCE
    ) -> None:
        self._catalogue = catalogue
        self._ids = [video.id for video in videos]
        self._at_once = at_once
        self._first = -1
        self._read: list[Video | None] = []

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> Video: ...

    @overload
    def __getitem__(self, place: slice) -> list[Video]: ...

    def __getitem__(self, place: int | slice) -> Video | list[Video]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        first = number - number % self._at_once
        if first != self._first:
            self._read, self._first = self._page(first), first
        found = self._read[number - first]
        if found is None:
            raise IndexError(f"video {self._ids[number]!r} is no longer in the index")
        return found

    def __iter__(self) -> Iterator[Video]:
        for first in range(0, len(self), self._at_once):
            yield from (one for one in self._page(first) if one is not None)

    def _page(self, first: int) -> list[Video | None]:
        ids = self._ids[first : first + self._at_once]
        known = self._catalogue.several(ids)
        return [known.get(one) for one in ids]
