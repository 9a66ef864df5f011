"""What a collection looks like as a whole, for those who do not know what to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from q2e.opened import Opened

if TYPE_CHECKING:
    from q2e.search.overview import Overview
    from q2e.search.places import Places


class Mapped(Opened):
    """The maps of a collection; see `q2e.index.Index`."""

    def overview(self) -> Overview:
        """Return a map: groups of like moments, with words. Raises StoreError without vectors."""
        from q2e.search.overview import overview

        return overview(self.store, str(self.directory))

    def places(self) -> Places:
        """Return where videos were recorded, and what places their names and tags name."""
        from q2e.search.places import places

        return places(self.store, str(self.directory))
