"""Asks of a collection that nobody holds whole: the best of every row, and a sample of the rest.

A question is asked of the sample first, the *panel*, which notes all that is looked for. The engine
says which videos answer each of that best, and whatever is known of them becomes a small collection
together with the panel: there the question is asked as everywhere. Scores of its videos are exact.
The panel stands for all others where something is counted or averaged over the collection, and
what generic questions find is measured by it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import numpy as np

from q2e.methods.rows import ScoreRow
from q2e.models.registry import Models
from q2e.search.collection import Collection
from q2e.search.scan import Heard
from q2e.store.engine import Engine
from q2e.store.part import Part
from q2e.types import Filters

#: Videos of the panel.
PANEL = 512
#: Videos that each row brings where nobody says how many.
BEST = 100

T = TypeVar("T")
#: (how, part, channel)
Row = tuple[str, str, str]
#: What no video outside the small collection scores more than in a row.
Floors = Mapping[Row, float]
#: By how much a score may differ that is worked out twice.
_DIGITS = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """What a question was asked of instead of the whole collection."""

    k: int
    """Videos that each row brought."""
    candidates: int
    """Videos that any row brought."""
    panel: int
    exact: bool
    """Whether the engine misses nothing."""
    floors: Floors
    expected: int = 0
    """Videos of the panel that belong to the best of rows of vectors, under the same filters."""
    recalled: int = 0
    """Those of them that the engine brought."""


class Near:
    """Asks questions of one engine's collection; what its panel is like is kept by version."""

    def __init__(self, engine: Engine, models: Models) -> None:
        self.engine = engine
        self._models = models
        self._panel: _Panel | None = None
        self._lock = Lock()

    def panel(self) -> _Panel:
        """Return the panel as a collection of its own; what it measured of the bank stays."""
        version = self.engine.version()
        with self._lock:
            if self._panel is None or self._panel.table.version != version:
                part = Part.of(self.engine, self.engine.panel(PANEL))
                known, self._panel = self._panel, _Panel(part, self._models, self)
                if known is not None:
                    self._panel.like(known)
            return self._panel

    def ask(
        self,
        run: Callable[[Collection], T],
        filters: Filters,
        k: int,
        named: Sequence[str] = (),
        first: Callable[[Collection], object] | None = None,
    ) -> T:
        """Return what `run` makes of the small collection that is near to what it asks.

        `first` stands for `run` where its questions can be had for less; videos that are `named`
        are near in any case.
        """
        panel = self.panel()
        names = panel.table.video_ids
        heard = Heard()
        told = panel.part
        base = Part.of(self.engine, names, named, told) if named else told
        (first or run)(Collection(base, self._models, panel, heard).like(panel))
        found = self.engine.best(heard.requests, filters, k)
        chosen = dict.fromkeys(named)
        floors: dict[Row, float] = {}
        brought: dict[Row, set[str]] = {}
        for request, channels in zip(heard.requests, found, strict=True):
            for best in channels:
                chosen.update(dict.fromkeys(best.videos))
                key = request.how, request.part, best.channel
                floors[key] = max(best.floor, floors.get(key, best.floor))
                brought.setdefault(key, set()).update(best.videos)
        part = Part.of(self.engine, names, tuple(chosen), told)
        small = Collection(part, self._models, panel)
        counted = _recalled(heard.rows, base.table().video_ids, set(names), floors, brought)
        exact = self.engine.exact
        small.nearest = Nearest(k, len(chosen), len(names), exact, floors, *counted)
        return run(small.like(panel))


def _recalled(
    rows: Sequence[ScoreRow],
    names: Sequence[str],
    panel: Set[str],
    floors: Floors,
    brought: Mapping[Row, Set[str]],
) -> tuple[int, int]:
    """Return how many of the panel belong to the best of rows, and how many of these were brought.

    The panel is a random sample whose scores are known: what of it scores above the last that an
    engine brought for a row was to be brought too.
    """
    expected = recalled = 0
    for row in rows:
        key = row.how, row.part, row.channel
        above = np.flatnonzero(row.video > floors.get(key, -np.inf) + _DIGITS).tolist()
        own = panel & {names[number] for number in above}
        expected += len(own)
        recalled += len(own & brought.get(key, set()))
    return expected, recalled


class _Panel(Collection):
    """The panel of a collection, which says what all of it is like."""

    def __init__(self, part: Part, models: Models, near: Near) -> None:
        super().__init__(part, models)
        self.part = part
        self._near = near

    def reached(self, run: Callable[[Collection], T]) -> T:
        return self._near.ask(run, Filters(), BEST)
