"""Which strategies can answer here, and what each may spend: said before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from q2e.answer.base import Strategy
from q2e.plugins import registry

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


@dataclass(frozen=True, slots=True)
class Way:
    """A strategy as it can be chosen."""

    name: str
    summary: str
    usable: bool
    """Whether the models are named that it needs."""
    calls: int
    """Times that it asks a model, at most; 0 without any."""
    tokens: int
    """Tokens asked and answered, at most, estimated."""
    seconds: float
    """Seconds that its models may take in all."""


def ways(settings: Settings, models: Models) -> tuple[Way, ...]:
    """Return the strategies there are, those that ask no model first; no model is loaded."""
    named: Mapping[str, bool] = {
        "language": settings.language_model is not None or models.has("language"),
        "vision": settings.vision_model is not None or models.has("vision"),
        "masked": settings.masked_model is not None or models.has("masked"),
    }
    found = []
    for method in registry().all("answer"):
        strategy: Strategy = registry().one("answer", method.name).bound
        usable = all(named[task] for task in method.needs) and (
            not strategy.one_of or any(named[task] for task in strategy.one_of)
        )
        found.append(
            Way(
                method.name,
                method.summary,
                usable,
                strategy.calls,
                strategy.tokens,
                strategy.seconds,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.calls > 0, one.name != "extractive", one.name)))
