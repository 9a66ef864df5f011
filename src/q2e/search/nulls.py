"""What generic questions score in each channel of a collection, kept until it has grown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float64
from q2e.cache import ALL, ResultCache, as_json, fingerprint
from q2e.methods.fuse.witnesses import EYE, Null, centred, spoken
from q2e.methods.questions import Form
from q2e.search.generic import generic, rows_of
from q2e.search.law import GROWTH, Way, named
from q2e.search.state import State
from q2e.store.base import Table
from q2e.store.growing import Measured

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

    kept: Measured = field(default_factory=Measured)
    _results: ResultCache[Laws] = field(
        default_factory=lambda: ResultCache("nulls", as_json(_load, _dump))
    )
    _last: dict[tuple[Form, str | None, Way], tuple[int, Laws]] = field(default_factory=dict)

    def of(
        self, table: Table, form: Form, language: str | None, way: Way, make: Callable[[], Laws]
    ) -> Laws:
        """Return the laws by channel of questions of a form in a language.

        What was found for nearly as much evidence serves.
        """
        size, known = self._last.get((form, language, way), (0, {}))
        if known and abs(table.pieces - size) <= GROWTH * size:
            return known
        name = f"nulls {form!r} {language} {way!r}"
        if not known and (kept := self.kept.get(name, table, GROWTH)) is not None:
            with suppress(ValueError, TypeError, LookupError, AttributeError):
                laws = _load(kept[1])
                self._last[form, language, way] = kept[0], laws
                return laws
        which = fingerprint(
            repr(form), str(language), str(table.pieces), str(table.version),
            named(table.video_ids),
            method=f"nulls by language {way.method}", version=way.version, space=way.space,
        )  # fmt: skip
        found = self._results.of(which, make, about=ALL)
        self.kept.put(name, table, _dump(found))
        self._last[form, language, way] = (table.pieces, found)
        return found


def native(state: State) -> Mapping[str, Bool]:
    """Return by channel which videos (V,) have texts in the question's language; pictures apart.

    A channel whose texts are all in it, or none, is left out: there is nothing to tell apart.
    """
    language = state.query.language
    if language is None or state.shown:
        return {}
    told = state.at.kept.speaking(language)
    return {name: own for name, own in told.items() if name != EYE}


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
    laws = {}
    speaking = native(state)
    for name, own in scores.items():
        found = np.stack(own)
        laws[name] = Null.of(found)
        for one in (True, False) if name in speaking else ():
            part = found[:, speaking[name] == one]
            if np.isfinite(part).any():
                laws[spoken(name, one)] = Null.of(part)
    return laws
