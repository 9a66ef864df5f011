"""Which states of a database threads see, and the columns that they share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from q2e.store import columns as loading
from q2e.store import packed
from q2e.store.columns import Columns
from q2e.store.sql import State, View


class States(ABC):
    """Lends views of a database, and keeps the columns of the newest state that was asked for."""

    def __init__(self) -> None:
        self._columns: Columns | None = None
        self._loading = threading.Lock()
        self._of_thread = threading.local()

    @abstractmethod
    def view(self) -> AbstractContextManager[View]:
        """Lend a view of the newest state, or the one that this thread holds fast."""

    @property
    def held(self) -> View | None:
        """The view that this thread holds fast."""
        found: View | None = getattr(self._of_thread, "view", None)
        return found

    @property
    def loaded(self) -> bool:
        """Whether any columns are in memory, which count quicker than the database."""
        return self._columns is not None

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Hold one state fast for this thread's calls inside the block."""
        before = self.held
        with self.view() as view:
            self._of_thread.view = view
            try:
                yield
            finally:
                self._of_thread.view = before

    def columns(self, view: View) -> Columns:
        """Return the columns of the state a view sees, read now or shared with other threads."""
        if view.columns is None:
            state = view.state()
            with self._loading:
                known = self._columns
                if known is None or known.generation < state.number:
                    known = self._columns = _newer(view, state, known)
            # Another thread may have moved on since this view began.
            if known.generation > state.number:
                known = loading.read(view, state, None)
            view.columns = known
        return view.columns


def _newer(view: View, state: State, known: Columns | None) -> Columns:
    """Return the columns of a state, from those of an older one in memory where they serve."""
    if known is None or known.remade != state.remade:
        return packed.opened(view, state)
    return loading.read(view, state, known)
