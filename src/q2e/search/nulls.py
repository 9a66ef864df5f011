"""What generic questions score in each channel of a collection, kept until it has grown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from q2e.arrays import Float64
from q2e.cache import ALL, ResultCache, as_json, fingerprint
from q2e.methods.fuse.witnesses import Null, centred
from q2e.methods.questions import Form
from q2e.search.generic import generic, rows_of
from q2e.search.law import GROWTH, Way
from q2e.search.state import State
from q2e.store.base import Table

Laws = Mapping[str, Null]


def _load(value: Mapping[str, Any]) -> Laws:
    return {
        name: Null(tuple(one["levels"]), one["edge"], one["excess"], one["beyond"])
        for name, one in value.items()
    }


def _dump(laws: Laws) -> dict[str, Any]:
    return {name: asdict(one) for name, one in laws.items()}


@dataclass(slots=True)
class Nulls:
    """Keeps the law of each channel for each form of question and way to ask."""

    _results: ResultCache[Laws] = field(
        default_factory=lambda: ResultCache("nulls", as_json(_load, _dump))
    )
    _last: dict[tuple[Form, Way], tuple[int, Laws]] = field(default_factory=dict)

    def of(self, table: Table, form: Form, way: Way, make: Callable[[], Laws]) -> Laws:
        """Return the laws by channel; what was found for nearly as much evidence serves."""
        size, known = self._last.get((form, way), (0, {}))
        if known and abs(table.pieces - size) <= GROWTH * size:
            return known
        which = fingerprint(
            repr(form), str(table.pieces), str(table.version), *table.video_ids,
            method=f"nulls {way.method}", version=way.version, space=way.space,
        )  # fmt: skip
        found = self._results.of(which, make, about=ALL)
        self._last[form, way] = (table.pieces, found)
        return found


def measured(state: State) -> Laws:
    """Return the law of what generic questions score in each channel of the whole collection."""
    state = state.writing(at=state.at.whole)
    many = state.at.table.stands_for
    scores: dict[str, list[Float64]] = defaultdict(list)
    for _, rows in rows_of(state, *generic(state)):
        first: set[str] = set()
        for row in rows:
            if row.channel not in first and np.isfinite(row.video).any():
                scores[row.channel].append(centred(row.video, many))
                first.add(row.channel)
    return {name: Null.of(np.concatenate(own)) for name, own in scores.items()}
