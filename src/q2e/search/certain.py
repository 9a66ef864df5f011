"""Says how likely each video is a right answer."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.search.stage import stage
from q2e.search.state import State

#: What stands beside the videos for no answer, as so many videos that know nothing.
NOTHING = 20.0


@stage(reads=("fusion", "shown", "order"), writes=("certainty",))
def certain(state: State) -> State:
    """Say for each video how likely it answers, where the rule of fusion knows that."""
    law = state.plan.fuse.method.facts.get("certainty")
    if law is None or state.shown or state.order is not None or not len(state.fusion.normalised):
        return state
    return state.writing(certainty=certainty(state.fusion.score, law))


def certainty(score: Float64, law: tuple[float, float, float]) -> Float64:
    """Return (V,) the chance that each video answers, from scores (V,) in nats.

    A video's lead is its score less the logarithm of what all others, and `NOTHING` for no answer
    at all, have together: log-odds of the video, were scores log likelihood ratios. `law` turns
    leads below and above 0 into the log-odds that were found on judged hits.
    """
    if not len(score):
        return np.zeros(0)
    top = max(float(score.max()), 0.0)
    share = np.exp(score - top)
    # All others: the whole less oneself would lose the digits of a video that has it all.
    leaders = _leaders(score)
    others = np.full(len(score), share.sum() + NOTHING * np.exp(-top))
    others[leaders] = [
        np.delete(share, one).sum() + NOTHING * np.exp(-top) for one in leaders.tolist()
    ]
    lead = score - top - np.log(others)
    start, below, above = law
    level = start + below * np.minimum(lead, 0.0) + above * np.maximum(lead, 0.0)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(level, -40.0, 40.0))))


def _leaders(score: Float64, most: int = 3) -> Int64:
    return np.argsort(-score, kind="stable")[:most].astype(np.int64)
