"""Says how likely a question without an answer here would find as good a hit by chance.

What questions at large find is the measure: each generic question of the bank is asked of the
collection, and its best score kept. Some of them do have an answer, so the law of the best of
many chance scores is fitted to the lower half alone, where those are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from q2e.arrays import Float64
from q2e.cache import ALL, ResultCache, as_json, content_key, fingerprint
from q2e.methods.questions import Form
from q2e.store.base import Table
from q2e.store.growing import Measured

#: Quantiles that fix the law; answers that the bank's questions do have lie above them.
_LOW, _MIDDLE = 0.25, 0.5
#: Fewer best scores than this fix no law.
LEAST = 8
_NUMBERS = as_json(lambda value: [float(one) for one in value])


@lru_cache(maxsize=4)
def named(videos: tuple[str, ...]) -> str:
    """Return what stands for these videos, made once for all laws of one state of a collection."""
    return content_key(*videos)


@dataclass(frozen=True, slots=True)
class Way:
    """How a collection is asked: the methods in their text form, their versions, the spaces."""

    method: str
    version: str
    space: str


@dataclass(frozen=True, slots=True)
class Chance:
    """The Gumbel law of the best score that a question without an answer finds."""

    location: float
    scale: float

    def false_alarm(self, score: Float64) -> Float64:
        """Return, for scores (V,), the chance that an unanswerable question's best is as high."""
        level = np.clip((score - self.location) / self.scale, -30.0, 700.0)
        return -np.expm1(-np.exp(-level))

    def threshold(self, rate: float) -> float:
        """Return the score that a share `rate` in (0, 1) of unanswerable questions reaches."""
        return self.location - self.scale * math.log(-math.log1p(-rate))


def fit(best: Float64) -> Chance | None:
    """Return the law of the best scores (n,) of generic questions; None for fewer than `LEAST`.

    Gumbel's law (the limit of the largest of many alike) has its quantile p at
    location - scale * ln(-ln p); two quantiles fix it.
    """
    if len(best) < LEAST:
        return None
    low, middle = np.quantile(best, [_LOW, _MIDDLE])
    spread = math.log(-math.log(_LOW)) - math.log(-math.log(_MIDDLE))
    scale = max((middle - low) / spread, 1e-3)
    return Chance(float(middle + scale * math.log(-math.log(_MIDDLE))), float(scale))


#: Asks generic questions of the collection and returns the best score that each finds.
Best = Callable[[], Sequence[float]]
#: Share by which a collection may grow or shrink before its law is measured again: while videos
#: are being indexed, every commit would else cost as much as many searches.
GROWTH = 0.02


@dataclass(slots=True)
class Laws:
    """Keeps the laws of chance of one collection, one for each form of question and way to ask.

    They are remembered on disk: one takes as long as a few searches.
    """

    kept: Measured = field(default_factory=Measured)
    _results: ResultCache[list[float]] = field(
        default_factory=lambda: ResultCache("chance", _NUMBERS)
    )
    _laws: dict[str, Chance | None] = field(default_factory=dict)
    _last: dict[tuple[Form, Way], tuple[int, str]] = field(default_factory=dict)
    """Evidence and key of the law found last, by form and way."""
    _now: dict[tuple[int, Form, Way], Chance | None] = field(default_factory=dict)
    """Laws of the newest version of the store, by form and way."""

    def law(self, table: Table, form: Form, way: Way, best: Best) -> Chance | None:
        """Return the law for questions of a form; None where the bank is too small.

        `way` tells apart under what scores differ.
        """
        asked = (table.version, form, way)
        # Several threads ask: what one has found may be replaced by another before it is read.
        known = self._now
        if asked not in known:
            newest = {k: v for k, v in known.items() if k[0] == table.version}
            self._now = known = newest | {asked: self._found(table, form, way, best)}
        return known[asked]

    def _found(self, table: Table, form: Form, way: Way, best: Best) -> Chance | None:
        size, before = self._last.get((form, way), (0, ""))
        if before and abs(table.pieces - size) <= GROWTH * size:
            return self._laws[before]
        name = f"chance {form!r} {way!r}"
        if not before and (kept := self.kept.get(name, table, GROWTH)) is not None:
            with suppress(ValueError, TypeError):
                self._laws[name] = fit(np.array([float(one) for one in kept[1]]))
                self._last[form, way] = kept[0], name
                return self._laws[name]
        which = fingerprint(
            repr(form), str(table.pieces), str(table.version), named(table.video_ids),
            method=way.method, version=way.version, space=way.space,
        )  # fmt: skip
        if which.key not in self._laws:
            found = self._results.of(which, lambda: list(best()), about=ALL)
            self._laws[which.key] = fit(np.array(found))
            self.kept.put(name, table, found)
        self._last[form, way] = (table.pieces, which.key)
        return self._laws[which.key]
