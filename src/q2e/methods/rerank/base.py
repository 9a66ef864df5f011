"""Ranks the best videos of a search again: what a strategy is given, and what it adds to a score.

A strategy is a method of kind `rerank`: a class whose instances rate candidates. It reads the
question and the candidates together, which costs too much for a whole collection, so only the
first `depth` are shown to it. It never brings in a video that the first ranking missed, so what
it can reach at most is the share of answers among the candidates: their recall.

With the fact `alone` its order replaces the first one; else both have a say, by its `weight`.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float64
from q2e.registry import Choice
from q2e.types import Decomposition, Video

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings
    from q2e.store.base import Searched

#: Seconds that one question's candidates may take; what is not rated by then keeps its place.
ALLOWED_S = 120.0
#: Videos that are ranked again, and the share of their ratings, unless said otherwise.
DEPTH, WEIGHT = 20, 0.5

Depth = Annotated[int, Field(ge=1, le=1_000, description="Videos that are ranked again.")]
Weight = Annotated[
    float, Field(ge=0, le=0.99, description="Share of the rating beside the first score.")
]

Unfold = Callable[[str], Decomposition]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the best videos, with the `texts` that speak for it, best first."""

    video: Video
    score: float
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rating:
    """What a strategy says of n candidates: `scores` (n,), NaN where it has no opinion."""

    scores: Float64
    model: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a strategy may use; `deadline` is a time of `time.monotonic`."""

    settings: Settings
    models: Models
    deadline: float
    store: Searched | None = None
    unfold: Unfold | None = None
    """Unfolds a question as the search did; None where nothing has."""

    @property
    def left_s(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


class Reranker(ABC):
    """Rates candidates; its parameters are those of its constructor."""

    depth: int

    @abstractmethod
    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        """Return ratings of the candidates, which are best first and at most `depth`.

        Raises ConfigError where the profile names no model for it.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Reranked:
    """What reranking adds to each candidate's score (n,), and what is said about it."""

    lent: Float64
    info: Mapping[str, Any]


def depth_of(strategy: str | Choice) -> int:
    """Return how many candidates a strategy is shown. Raises ConfigError for an unknown one."""
    choice = _chosen(strategy)
    return int(choice["depth"]) if "depth" in choice.method.parameters else DEPTH


def rerank(
    strategy: str | Choice,
    question: str,
    candidates: Sequence[Candidate],
    settings: Settings,
    models: Models,
    store: Searched | None = None,
    unfold: Unfold | None = None,
) -> Reranked:
    """Have a strategy rate candidates, best first, and return what that adds to each.

    Candidates past its depth are given nothing. Raises ConfigError for an unknown strategy, or one
    whose model the profile does not name.
    """
    choice = _chosen(strategy)
    depth = depth_of(choice)
    shown = candidates[:depth]
    began = time.monotonic()
    rating = Rating(np.zeros(0), note="there is nothing to rerank")
    if shown:
        tools = Tools(settings, models, began + ALLOWED_S, store, unfold)
        rating = choice.bound.rate(question, shown, tools)
    info = {
        "strategy": choice.name,
        "method": str(choice),
        "depth": depth,
        "candidates": len(shown),
        "rated": int((~np.isnan(rating.scores)).sum()),
        "model": rating.model,
        "seconds": round(time.monotonic() - began, 3),
        "note": rating.note,
    }
    added = np.zeros(len(candidates))
    first = np.array([candidate.score for candidate in shown])
    alone = bool(choice.method.facts.get("alone"))
    weight = choice["weight"] if "weight" in choice.method.parameters else WEIGHT
    added[: len(shown)] = lent(first, rating.scores, alone, weight)
    return Reranked(added, info)


def _chosen(strategy: str | Choice) -> Choice:
    if not isinstance(strategy, str):
        return strategy
    from q2e.plugins import registry

    return registry().one("rerank", strategy)


def lent(
    first: ArrayLike, rated: ArrayLike, alone: bool = False, weight: float = WEIGHT
) -> Float64:
    """Return what ratings (n,) add to first scores (n,), so that they have a share of `weight`.

    Both are scaled to [0, 1] over the candidates and averaged (LamRA's 0.5 and 0.5), then put
    back on the scale of the first: first + weight / (1 - weight) * span * scaled rating. A
    candidate without a rating (NaN) is rated like its first score. With `alone` the sum keeps the
    order of the ratings. Nothing is taken away, so that candidates stay before all others.
    """
    own = np.asarray(first, dtype=np.float64)
    rating = np.asarray(rated, dtype=np.float64)
    known = ~np.isnan(rating)
    if not known.any() or np.ptp(rating[known]) == 0:
        return np.zeros(len(own))
    span = float(np.ptp(own)) or 1.0
    place = (own - own.min()) / span
    scaled = (rating - rating[known].min()) / np.ptp(rating[known])
    raised = span * np.where(known, scaled, place)
    if alone:
        return np.asarray(raised + (own.max() - own))
    return np.asarray(weight / (1.0 - weight) * raised)


def ranked_list(answer: str, count: int) -> list[int] | None:
    """Return the positions (from 0) of `count` candidates in the order an answer names them.

    The first list in brackets counts; repeated numbers and those out of range are dropped, what
    is missing follows in its old order. Vote-in-Context's own code keeps neither promise. None
    where no number can be read.
    """
    lists = re.findall(r"\[([^\[\]]*)\]", answer)
    named = [int(number) - 1 for number in re.findall(r"\d{1,9}", lists[0] if lists else "")]
    seen = [position for position in dict.fromkeys(named) if 0 <= position < count]
    return [*seen, *(other for other in range(count) if other not in seen)] if seen else None


def by_place(order: Sequence[int]) -> Float64:
    """Return ratings (n,) that fall from n - 1 to 0 along an order of all positions."""
    ratings = np.empty(len(order))
    ratings[list(order)] = np.arange(len(order) - 1, -1, -1)
    return ratings
