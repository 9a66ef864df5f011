"""Says how likely each video is a right answer.

Ranking compares the videos of one question; certainty compares questions and collections. So what
each channel brought is weighed again by how much its law of chance can be trusted here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.methods.fuse.witnesses import EYE, NORMAL, Grounds, centred, counted, parts_of
from q2e.search.fuse import given_of, grounds_of
from q2e.search.stage import stage
from q2e.search.state import State

#: What stands beside the videos for no answer, as so many videos that know nothing.
NOTHING = 60.0
#: What is known of texts at large counts beside what a question finds here like so many videos.
PRIOR = 4.0


class Law(NamedTuple):
    """Log-odds that a video answers: at a lead of 0, and by nat of lead."""

    start: float
    slope: float


@stage(reads=("query", "rows", "form", "fusion", "shown", "order"), writes=("certainty",))
def certain(state: State) -> State:
    """Say for each video how likely it answers, where the rule of fusion knows that."""
    law = state.plan.fuse.method.facts.get("certainty")
    if law is None or state.shown or state.order is not None or not len(state.fusion.normalised):
        return state
    told, many = state.fusion.contribution, state.at.table.stands_for
    # Rows of clauses are put together, and no longer those that were scored.
    if len(state.rows) == len(told):
        raw = np.stack([row.video for row in state.rows])
        grounds = grounds_of(state, state.rows, raw, many)
        told = trusted(told, grounds, given_of(state, state.rows))
    return state.writing(certainty=certainty(told.sum(axis=0), Law(*law), many))


def trusted(
    contribution: Float64, grounds: Grounds, given: Float64, prior: float = PRIOR
) -> Float64:
    """Return contributions (S, V) of rows as far as the law of chance of their channel holds here.

    Those of any channel but the eye, which n videos have, are multiplied by n / (n + `prior`),
    since by few videos it is not known how near a question is to texts at large (James and Stein),
    and by min(1, s0 / s(v)): s0 is the variance of what generic questions score, s(v) that of what
    this one scores in the other videos, drawn to s0 as by `prior` of them (moderated variance:
    Smyth 2004). Where all videos are about one thing, a question about it scatters more than a
    generic one, and a lead over the rest means less.
    """
    told, many = contribution.copy(), grounds.stands_for
    for channel in dict.fromkeys(grounds.channels):
        own = np.flatnonzero([name == channel for name in grounds.channels])
        if channel == EYE or not any(grounds.leads[number] for number in own.tolist()):
            continue
        scores = centred(parts_of(grounds, own, given).sum(axis=0), many)
        known = np.isfinite(scores)
        count = float(counted(known, many))
        if count:
            usual = grounds.nulls.get(channel, NORMAL).variance
            spread = np.full(len(scores), usual)
            often = np.ones(len(scores)) if many is None else many
            spread[known] = _of_others(scores[known], usual, prior, often[known])
            trust = count / (count + prior) * np.minimum(1.0, usual / spread)
            # What must-nots take off is taken off in full.
            told[own] = np.where(told[own] > 0, told[own] * trust, told[own])
    return told


def _of_others(scores: Float64, usual: float, prior: float, often: Float64) -> Float64:
    """Return (n,) the variance of all other scores (n,) for each, drawn to `usual`.

    Each score counts as often as `often` (n,) says.
    """
    others = float(often.sum()) - 1
    rest = (often * scores).sum() - scores
    squares = (often * scores**2).sum() - scores**2 - rest**2 / max(others, 1)
    spread: Float64 = np.maximum(squares, 0.0) + prior * usual
    return spread / (prior + max(others - 1, 0))


def certainty(evidence: Float64, law: Law, many: Float64 | None = None) -> Float64:
    """Return (V,) the chance that each video answers, from evidence (V,) in nats.

    A video's lead is its evidence less the logarithm of what all others, and `NOTHING` for no
    answer at all, have together: log-odds of the video, were they log likelihood ratios. `law`
    turns leads into the log-odds that were found on judged hits. Each video stands for as many as
    `many` (V,) says.
    """
    if not len(evidence):
        return np.zeros(0)
    level = law.start + law.slope * lead(evidence, many=many)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(level, -40.0, 40.0))))


def lead(evidence: Float64, nothing: float = NOTHING, many: Float64 | None = None) -> Float64:
    """Return (V,) how far each video's evidence (V,) lies above that of all others and of none."""
    often = np.zeros(len(evidence)) if many is None else np.log(many)
    with_none = np.append(evidence + often, np.log(nothing))
    others = np.full(len(evidence), _log_of_sum(with_none))
    # The whole less oneself would lose the digits of a video that has it all.
    for one in _leaders(evidence).tolist():
        others[one] = _log_of_sum(np.delete(with_none, one))
    return np.asarray(evidence - others)


def _log_of_sum(logs: Float64) -> float:
    """Return ln(sum(exp(logs)))."""
    most = float(logs.max())
    return most + float(np.log(np.exp(logs - most).sum())) if np.isfinite(most) else most


def _leaders(score: Float64, most: int = 3) -> Int64:
    return np.argsort(-score, kind="stable")[:most].astype(np.int64)
