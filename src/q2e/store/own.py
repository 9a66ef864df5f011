"""The engine that comes with the store."""

from __future__ import annotations

from q2e.registry import method
from q2e.store.base import Store
from q2e.store.engine import Finding


@method("engine")
def own(store: Store) -> Finding | None:
    """What the store itself has: an index of its database where one was built, else a scan."""
    return store if isinstance(store, Finding) else None
