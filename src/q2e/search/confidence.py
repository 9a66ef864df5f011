"""Says how likely a question without an answer here would find as good a hit by chance.

What questions at large find is the measure: each generic question of the bank is asked of the
collection, and its best score kept. Some of them do have an answer, so the law of the best of
many chance scores is fitted to the lower half alone, where those are not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.cache import cache_dir, content_key, write_whole
from q2e.search.bank import Bank, Form
from q2e.store.base import Store, Table

#: Quantiles that fix the law; answers that the bank's questions do have lie above them.
_LOW, _MIDDLE = 0.25, 0.5
#: Fewer best scores than this fix no law.
LEAST = 8
#: Generic questions asked of a collection, about.
ASKED = 32
#: Changes when scores or questions do, so that remembered laws are made anew.
_VERSION = "2"


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


#: Asks texts of the collection: (texts, vectors (n, d)) -> best scores (n,).
Best = Callable[[Sequence[str], Float32], Sequence[float]]
#: Share by which a collection may grow or shrink before its law is measured again: while videos
#: are being indexed, every commit would else cost as much as many searches.
_GROWTH = 0.02


@dataclass(slots=True)
class Confidence:
    """Keeps the law of chance of one collection, for each form of question asked of it.

    `best` returns the best score that each of several texts finds, given their vectors (n, d).
    """

    store: Store
    bank: Bank
    _laws: dict[str, Chance | None] = field(default_factory=dict)
    _last: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """Evidence and key of the law found last, by kind and form."""
    _now: dict[tuple[int, str, Form], Chance | None] = field(default_factory=dict)
    """Laws of the newest version of the store, by kind and form."""

    def law(self, form: Form, kind: str, best: Best) -> Chance | None:
        """Return the law for questions of a form; None where the bank is too small.

        `kind` tells settings apart under which scores differ. The law is remembered on disk: it
        takes as long as a few searches.
        """
        table = self.store.table()
        asked = (table.version, kind, form)
        # Several threads ask: what one has found may be replaced by another before it is read.
        known = self._now
        if asked not in known:
            newest = {k: v for k, v in known.items() if k[0] == table.version}
            self._now = known = newest | {asked: self._found(table, form, kind, best)}
        return known[asked]

    def _found(self, table: Table, form: Form, kind: str, best: Best) -> Chance | None:
        size, before = self._last.get((kind, repr(form)), (0, ""))
        if before and abs(len(table) - size) <= _GROWTH * size:
            return self._laws[before]
        key = content_key(
            _VERSION, kind, repr(form), str(len(table)), str(table.version), *table.video_ids
        )
        if key not in self._laws:
            file = cache_dir() / "chance" / f"{key}.json"
            found = _read(file)
            if found is None:
                texts, vectors = self.bank.questions(form)
                step = max(1, len(texts) // ASKED)
                found = list(best(texts[::step], vectors[::step]))
                content = json.dumps(found).encode()
                with suppress(OSError):  # A cache that cannot be written is computed again.
                    write_whole(file, lambda out: out.write(content))
            self._laws[key] = fit(np.array(found))
        self._last[kind, repr(form)] = (len(table), key)
        return self._laws[key]


def _read(file: Path) -> list[float] | None:
    try:
        return [float(one) for one in json.loads(file.read_bytes())]
    except (OSError, ValueError, TypeError):
        return None
