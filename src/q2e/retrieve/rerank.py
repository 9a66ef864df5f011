"""Ranks the best videos of a search again: strategies by name, and what they add to a score.

A strategy reads the question and the candidates together, which costs too much for a whole
collection. It never brings in a video that the first ranking missed, so what it can reach at
most is the share of answers among the candidates: their recall.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.types import Video

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings
    from q2e.store.base import Store

#: Seconds that one question's candidates may take; what is not rated by then keeps its place.
ALLOWED_S = 120.0


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
    store: Store | None = None

    @property
    def left_s(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


Rater = Callable[[str, Sequence[Candidate], Tools], Rating]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way of reranking; `alone` where its order replaces the first one instead of joining it."""

    rate: Rater
    source: str
    needs: str
    alone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reranked:
    """What reranking adds to each candidate's score (n,), and what is said about it."""

    lent: Float64
    info: Mapping[str, Any]


def strategies() -> Mapping[str, Strategy]:
    """Return the strategies by name."""
    from q2e.mmi import rerank as mmi
    from q2e.retrieve import rerank_text, rerank_vision

    return MappingProxyType(
        {
            "cross_encoder": Strategy(
                rerank_text.cross_encoder, "Nogueira and Cho 2019", "a reranker"
            ),
            "late_interaction": Strategy(
                rerank_text.late_interaction, "ColBERT: Khattab and Zaharia 2020", "nothing more"
            ),
            "yes_no": Strategy(
                rerank_text.yes_no, "LamRA's pointwise protocol", "a language model"
            ),
            "likelihood": Strategy(
                rerank_text.likelihood,
                "BLiM's candidate prior normalisation (CPN)",
                "a language model that gives probabilities",
            ),
            "listwise": Strategy(
                rerank_text.listwise, "Vote-in-Context, text alone", "a language model", alone=True
            ),
            "vote": Strategy(
                rerank_vision.vote, "Vote-in-Context (ViC)", "a vision-language model", alone=True
            ),
            "mmi": Strategy(mmi.rate, "MMI-TVR, eq. 10", "nothing more"),
        }
    )


def rerank(
    question: str,
    candidates: Sequence[Candidate],
    settings: Settings,
    models: Models,
    store: Store | None = None,
) -> Reranked:
    """Rate the candidates (best first) as `settings.rerank` says, and what that adds to each.

    Raises ConfigError for an unknown strategy, or one whose model the profile does not name.
    """
    known = strategies()
    if settings.rerank not in known:
        raise ConfigError(
            f"unknown setting rerank = {settings.rerank!r}; known: none, {', '.join(known)}"
        )
    strategy = known[settings.rerank]
    began = time.monotonic()
    tools = Tools(settings, models, began + ALLOWED_S, store)
    first = np.array([candidate.score for candidate in candidates])
    rating = (
        strategy.rate(question, candidates, tools)
        if len(candidates)
        else Rating(np.zeros(0), note="there is nothing to rerank")
    )
    info = {
        "strategy": settings.rerank,
        "depth": settings.rerank_depth,
        "candidates": len(candidates),
        "rated": int((~np.isnan(rating.scores)).sum()),
        "model": rating.model,
        "seconds": round(time.monotonic() - began, 3),
        "note": rating.note,
    }
    return Reranked(lent(first, rating.scores, strategy.alone), info)


def lent(first: ArrayLike, rated: ArrayLike, alone: bool = False) -> Float64:
    """Return what ratings (n,) add to first scores (n,), so that both have an equal say.

    Both are scaled to [0, 1] over the candidates and averaged (LamRA's 0.5 and 0.5), then put
    back on the scale of the first: first + span * scaled rating. A candidate without a rating
    (NaN) is rated like its first score. With `alone` the sum keeps the order of the ratings.
    Nothing is taken away, so that candidates stay before all others.
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
    return np.asarray(raised + (own.max() - own) if alone else raised)


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
