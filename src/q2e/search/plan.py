"""Which methods answer a question, and what of the answer is shown; chosen once, before it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from q2e.methods.calibrate.base import Calibration
from q2e.methods.pool.base import Pools
from q2e.plugins import registry
from q2e.registry import Choice
from q2e.settings import Settings

if TYPE_CHECKING:
    from q2e.search.collection import Collection


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
    event_weight: float
    offset: int = 0
    """Hits left out at the beginning."""
    details: bool = True
    """Whether moments and reasons are made, and what chance would find."""

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """Return the plan that settings describe. Raises ConfigError for an unknown method."""
        return _plan(settings)

    def calibration(self, at: Collection) -> Calibration | None:
        """Return what the plan's calibration has measured of a store; None where there is none."""
        return None if self.calibrate is None else at.calibration(self.calibrate)

    @property
    def knows_chance(self) -> bool:
        """Whether scores are on a scale by which it can be said what chance would find."""
        return self.calibrate is not None and bool(self.calibrate.method.facts.get("chance"))

    @property
    def calm(self) -> Plan:
        """The plan for a clause beside others: nothing is added to it, and nothing lent."""
        quick = self.decompose
        if quick is not None and quick.method.needs:
            # A language model would be asked once for each clause, and only its form be used.
            quick = registry().one("decompose", "events")
        return replace(self, decompose=quick, expand=(), feedback=None)


@lru_cache(maxsize=64)
def _plan(settings: Settings) -> Plan:
    known = registry()
    feedback = {"events": "likeness", "always": "likeness(when=always)", "never": "none"}
    again = known.choose("rerank", settings.rerank)
    unfold = known.choose("decompose", settings.decompose)
    more = known.choose("expand", settings.expand)
    return Plan(
        settings,
        decompose=unfold and unfold.filled(refine=settings.refine),
        expand=() if more is None else (more.filled(weight=settings.expand_weight),),
        pool=Pools.of(settings.pool),
        calibrate=known.choose("calibrate", settings.normalise),
        fuse=known.one("fuse", settings.fuse).filled(temperature=settings.temperature),
        feedback=known.choose("feedback", feedback[settings.feedback]),
        rerank=() if again is None else (again.filled(depth=settings.rerank_depth),),
        localise=known.one("localise", "runs"),
        compose=known.one("compose", "pdv").filled(
            image=settings.change_image, text=settings.change_text, share=settings.change_share
        ),
        likes=known.one("likes", "rocchio").filled(
            towards=settings.like_weight, away=settings.dislike_weight, limit=settings.drift
        ),
        event_weight=settings.event_weight,
    )
