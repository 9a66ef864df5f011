"""Optimal transport between texts and evidence."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.pool.base import Bag, Softness
from q2e.registry import method

_SETTLED = 1e-3
_TINY = 1e-300

Rounds = Annotated[int, Field(ge=1, le=10_000, description="Most rounds of Sinkhorn's scaling.")]


@method("pool", source="OST: Chen et al. 2024")
def transport(bag: Bag, *, tau: Softness = 0.1, rounds: Rounds = 100) -> Float64:
    """The optimal transport of texts to evidence.

    1/2 [<P, S> + mean S], P the entropic plan between both, after OST: Refining Text Knowledge
    with Optimal Spatio-Temporal Descriptor: cost 1 - s, K = exp(-cost / tau), uniform marginals,
    at most `rounds` Sinkhorn rounds. Its two kinds of
    descriptor are here the parts of a question, fused by their rows.
    """
    scores = bag.scores.astype(np.float64)
    plan = transport_plan(bag, scores, tau, rounds)
    alike = bag.total(scores).mean(axis=0) / bag.sizes
    return np.asarray((bag.total((plan * scores).sum(axis=0)) + alike) / 2)


def transport_plan(bag: Bag, scores: Float64, tau: float = 0.1, rounds: int = 100) -> Float64:
    """Return P (q, n): for each video a plan whose columns sum to 1/n_v and rows to 1/q."""
    # A shift of the cost of a video changes nothing in P, and keeps exp in range.
    kernel = np.exp((scores - bag.highest(scores).max(axis=0)[bag.group]) / tau)
    share = (1.0 / bag.sizes)[bag.group]
    texts = np.ones((len(scores), len(bag.starts)))
    pieces = np.zeros(scores.shape[1])
    moving = np.ones(len(bag.starts), dtype=bool)
    for _ in range(rounds):
        fresh = share / np.maximum((kernel * texts[:, bag.group]).sum(axis=0), _TINY)
        # A video stops by itself, so that the others have no say in its plan.
        moved = np.where(moving[bag.group], fresh, pieces)
        moving = bag.highest(np.abs(moved - pieces) / moved) > _SETTLED
        pieces = moved
        texts = 1.0 / np.maximum(len(scores) * bag.total(kernel * pieces), _TINY)
        if not moving.any():
            break
    return np.asarray(kernel * pieces * texts[:, bag.group])
