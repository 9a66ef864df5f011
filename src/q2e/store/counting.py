"""What a store counts where its evidence is, so that showing numbers loads no columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from q2e.types import Filters


@runtime_checkable
class Counting(Protocol):
    """A store that may count in its database; None where its columns are in memory anyway."""

    def counted(
        self, filters: Filters, videos: Sequence[str] | None, lengths_s: Sequence[float]
    ) -> Mapping[str, Mapping[str, int]] | None:
        """Return {facet: {value: videos}} of what filters leave, of some videos or of all.

        Facets are `language`, `year`, `tag`, `channel` and `duration`, whose values are places in
        `lengths_s`: how many of these are not above the length of a video. `sound`, the classes
        heard, and `seen`, the things seen, are there where the index has that channel.
        """
        ...

    def held(self) -> Mapping[str, int] | None:
        """Return how many pieces of evidence there are of each channel."""
        ...
