"""Which methods answer a question, and what of the answer is shown; chosen once, before it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from q2e.choices import KINDS, Pools, Said, several
from q2e.methods.calibrate.base import Calibration
from q2e.methods.decompose.base import WEIGHT
from q2e.methods.rerank.base import depth_of
from q2e.plugins import registry
from q2e.registry import Choice
from q2e.settings import Settings, chosen

if TYPE_CHECKING:
    from q2e.search.collection import Collection


#: Scales of fused scores by which questions can be compared.
_TELLING = ("deviations", "nats")


@dataclass(frozen=True, slots=True)
class Plan:
    """The methods of a search, by kind; None where a kind is left out."""

    settings: Settings
    """Those of the machine, which models are opened with, and those of the list of hits."""
    decompose: Choice | None
    expand: tuple[Choice, ...]
    pool: Pools
    calibrate: Choice | None
    fuse: Choice
    feedback: Choice | None
    rerank: tuple[Choice, ...]
    localise: Choice
    compose: Choice
    likes: Choice
    offset: int = 0
    """Hits left out at the beginning."""
    details: bool = True
    """Whether moments and reasons are made, and what chance would find."""

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """Return the plan that settings describe. Raises ConfigError for an unknown method."""
        return _plan(settings, tuple(chosen(settings).items()))

    def calibration(self, at: Collection) -> Calibration | None:
        """Return what the plan's calibration has measured of a store; None where there is none."""
        return None if self.calibrate is None else at.calibration(self.calibrate)

    @property
    def knows_chance(self) -> bool:
        """Whether scores are on a scale by which it can be said what chance would find.

        Votes by rank and shares of a whole have as good a best in every question.
        """
        told = self.fuse.method.facts.get("scale") in _TELLING
        return (
            told and self.calibrate is not None and bool(self.calibrate.method.facts.get("chance"))
        )

    @property
    def batch(self) -> bool:
        """Whether the questions of a batch are compared, so that none can be asked alone."""
        return self.calibrate is not None and bool(self.calibrate.method.facts.get("batch"))

    @property
    def event_weight(self) -> float:
        """What a sub-event weighs beside the question itself."""
        if self.decompose is None or "weight" not in self.decompose.method.parameters:
            return WEIGHT
        return float(self.decompose["weight"])

    @property
    def versions(self) -> str:
        """The versions of its methods' code, that of plugins included."""
        pools = self.pool.rules
        several = (*self.expand, *pools, *self.rerank)
        single = (self.decompose, self.calibrate, self.fuse, self.feedback, self.localise)
        found = (*several, *single, self.compose, self.likes)
        return " ".join(one.method.version for one in found if one is not None)

    @property
    def reranked(self) -> dict[str, Any] | None:
        """What ranks the best again, and how many of each list; None where nothing does."""
        if not self.rerank:
            return None
        names = ", ".join(str(one) for one in self.rerank)
        return {"strategy": names, "depth": max(depth_of(one) for one in self.rerank)}

    @property
    def calm(self) -> Plan:
        """The plan for a clause beside others: nothing is added to it, and nothing lent."""
        quick = self.decompose
        if quick is not None and quick.method.needs:
            # A language model would be asked once for each clause, and only its form be used.
            quick = registry().one("decompose", "events")
        return replace(self, decompose=quick, expand=(), feedback=None)


@lru_cache(maxsize=64)
def _plan(settings: Settings, choices: tuple[tuple[str, Said], ...]) -> Plan:
    known = registry()
    found: dict[str, Any] = {}
    for kind, given in choices:
        if kind == "pool":
            found[kind] = Pools.of(given)
        elif KINDS[kind]:
            found[kind] = several(kind, given)
        else:
            found[kind] = known.choose(kind, str(given))
    return Plan(settings, **found)
