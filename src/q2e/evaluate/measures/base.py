"""What a measure is given and how it is written: `nDCG@10`, or `nDCG(cutoff=10)`.

A measure is a method of kind `measure`: (judged) -> the value of one query. Where it has a
parameter `cutoff`, ranks beyond that do not count. Facts: `needs_cutoff`; `over`, the name of what
makes one number of the queries' values, `mean` (without the fact) or `median`; `pooled`, where that
is made of the ranks of all queries' relevant items instead; `lower_is_better`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.errors import ConfigError, EvaluationError
from q2e.registry import Choice

#: The first places that count; None for all.
Cutoff = Annotated[int | None, Field(ge=1, description="Places that count; all where not given.")]

_ALIASES = {"rr": "MRR", "ap": "MAP", "hit": "Success", "recall": "R", "r-sum": "RSum"}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Where the relevant items of one query ended.

    `ranks` (n,) ascending from 1 (inf where not retrieved, fractional where ties share a rank),
    `gains` (n,) their relevances, `ideal` (n,) the same relevances, largest first.
    """

    ranks: Float64
    gains: Float64
    ideal: Float64


def within(judged: Judged, cutoff: int | None) -> int:
    """Return how many relevant items are among the first `cutoff`, of all where that is None."""
    return int(judged.ranks.searchsorted(limit(cutoff), side="right"))


def limit(cutoff: int | None) -> float:
    """Return the last rank that counts."""
    return float("inf") if cutoff is None else cutoff


def mean(values: Float64) -> float:
    """Return the mean of the queries' values; 0 of none."""
    return float(values.mean()) if len(values) else 0.0


def median(values: Float64) -> float:
    """Return the median of the queries' values; infinity of none."""
    return float(np.median(values)) if len(values) else float("inf")


_OVER: Mapping[str, Callable[[Float64], float]] = MappingProxyType({"mean": mean, "median": median})


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure with its arguments; its text is what `parse_measures` reads."""

    choice: Choice

    @classmethod
    def of(cls, text: str) -> Measure:
        """Return the one measure that a text names. Raises EvaluationError."""
        (found,) = parse_measures(text)
        return found

    def __str__(self) -> str:
        if set(self.choice.arguments) == {"cutoff"}:
            return f"{self.name}@{self.cutoff}"
        return str(self.choice)

    @property
    def name(self) -> str:
        return self.choice.name

    @property
    def cutoff(self) -> int | None:
        return self.choice.arguments.get("cutoff")

    @property
    def lower_is_better(self) -> bool:
        return bool(self.choice.method.facts.get("lower_is_better"))

    @property
    def pooled(self) -> bool:
        """Whether its one number is made of the ranks of all queries, not of their values."""
        return bool(self.choice.method.facts.get("pooled"))

    def overall(self, values: Iterable[float]) -> float:
        """Return one number for the values of the queries: their mean, or their median."""
        combine = _OVER[self.choice.method.facts.get("over", "mean")]
        return combine(np.fromiter(values, dtype=np.float64))

    def of_all(self, judged: Iterable[Judged]) -> float:
        """Return one number for queries: of their values, or of the ranks of all of them."""
        if not self.pooled:
            return self.overall(map(self, judged))
        ranks = [rank for one in judged for rank in one.ranks.tolist()]
        return self.overall(ranks) if ranks else float("inf")

    def __call__(self, judged: Judged) -> float:
        return float(self.choice.bound(judged))


def parse_measures(text: str) -> tuple[Measure, ...]:
    """Return the measures of a list such as `"nDCG@10,R@1,Success@5,MRR,MdR"`.

    Names are taken in any case; `RR`, `AP` and `Hit` are read as MRR, MAP and Success. Repeated
    measures count once. Raises EvaluationError with the measures there are.
    """
    measures: dict[Measure, None] = {}
    for word in filter(None, (part.strip() for part in re.split(r",(?![^(]*\))", text))):
        measures[_measure(word)] = None
    if not measures:
        raise EvaluationError(f"no measure given; known: {_known()}")
    return tuple(measures)


def _measure(word: str) -> Measure:
    from q2e.plugins import registry

    names = {name.lower(): name for name in registry().names("measure")} | _ALIASES
    match = re.fullmatch(r"([A-Za-z][\w-]*)(?:@([0-9]+)|(\(.*\)))?", word)
    name = names.get(match[1].lower()) if match else None
    if not match or name is None:
        raise EvaluationError(f"unknown measure {word!r}; known: {_known()}")
    given = f"(cutoff={match[2]})" if match[2] else match[3] or ""
    try:
        choice = registry().one("measure", name + given)
    except ConfigError as error:
        raise EvaluationError(f"measure {word!r}: {error}; known: {_known()}") from None
    if choice.method.facts.get("needs_cutoff") and "cutoff" not in choice.arguments:
        raise EvaluationError(f"measure {word!r} has no usable cut-off; known: {_known()}")
    return Measure(choice)


def _known() -> str:
    from q2e.plugins import registry

    def shown(name: str) -> str:
        own = registry().get("measure", name)
        if "cutoff" not in own.parameters:
            return name
        return f"{name}@k" if own.facts.get("needs_cutoff") else f"{name}[@k]"

    return ", ".join(map(shown, registry().names("measure")))
