"""Says how likely each video is a right answer.

Ranking compares the videos of one question; certainty compares questions and collections. So what
each channel brought is weighed again by how much its law of chance can be trusted here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.methods.fuse.witnesses import EYE, NORMAL, Grounds, centred, counted, parts_of
from q2e.search.fellows import Fellows, above_the_rest, by_fellows, likeness
from q2e.search.fuse import given_of, grounds_of
from q2e.search.specific import PRIOR, Specific, specific, spread_of_others
from q2e.search.stage import stage
from q2e.search.state import State

#: What stands beside the videos for no answer, as so many videos that know nothing.
NOTHING = 60.0


class Law(NamedTuple):
    """Log-odds that a video answers: at a lead of 0, and by each of `signs`.

    By nat of lead, the eye's share of the evidence, being first; by size, the share n / (n +
    `PRIOR`) of n other videos, and by nat of lead times it; and by what the best pieces say (`text`
    and `picture` of `Specific`) times its square, as of few videos it is not known what they are
    about. Where pieces cannot be asked, only the lead is known.
    """

    start: float
    lead: float
    eye: float = 0.0
    first: float = 0.0
    size: float = 0.0
    lead_by_size: float = 0.0
    text: float = 0.0
    picture: float = 0.0


@stage(
    reads=("query", "question", "asked", "decomposition", "rows", "form", "fusion", "shown",
           "order", "ranking", "witness"),
    writes=("certainty",),
)  # fmt: skip
def certain(state: State) -> State:
    """Say for each video how likely it answers, where the rule of fusion knows that.

    What best pieces say is asked of the hits that are shown.
    """
    facts = state.plan.fuse.method.facts
    if "certainty" not in facts or state.shown or state.order is not None:
        return state
    told, many = state.fusion.contribution, state.at.table.stands_for
    if not len(told):
        return state
    # Rows of clauses are put together, and no longer those that were scored.
    if len(state.rows) == len(told):
        raw = np.stack([row.video for row in state.rows])
        grounds = grounds_of(state, state.rows, raw, many)
        told = trusted(told, grounds, given_of(state, state.rows))
        if any(grounds.leads):
            own = specific(state, grounds, told, state.page)
            found = signs(told, grounds, state.ranking, own)
            chance = by_signs(found, Law(*facts["certainty"]))
            if state.many:
                chance = _or_one_of_many(state, told.sum(axis=0), found, chance)
            return state.writing(certainty=chance)
    law = Law(*facts["certainty_of_clauses"])
    return state.writing(certainty=certainty(told.sum(axis=0), law, many))


def _or_one_of_many(state: State, evidence: Float64, found: Float64, alone: Float64) -> Float64:
    """Return certainties (V,) of the hits that are shown as one answer or as one of many."""
    meant = next((one.space for one in state.asked if one.how == "meaning"), None)
    if meant is None or not state.page:
        return alone
    law = Fellows(*state.plan.fuse.method.facts["certainty_of_many"])
    shown = np.array(state.page)
    above = above_the_rest(evidence, state.ranking, NOTHING, state.at.table.stands_for)
    alike = likeness(state.at.kept.centred_means(meant), state.ranking, shown)
    _, _, _, size, _, text, _ = found[:, shown]
    chance = alone.copy()
    chance[shown] = np.maximum(alone[shown], by_fellows(law, above[shown], size, text, alike))
    return chance


def signs(
    told: Float64, grounds: Grounds, ranking: Int64, own: Specific, nothing: float = NOTHING
) -> Float64:
    """Return (7, V) what `Law` weighs, in its order, of evidence (S, V) that is `trusted`."""
    many = grounds.stands_for
    evidence = told.sum(axis=0)
    ahead = lead(evidence, nothing, many)
    seen = np.array([name == EYE for name in grounds.channels])
    eye = np.maximum(told[seen].sum(axis=0), 0.0)
    rest = np.zeros(len(evidence))
    for name in dict.fromkeys(grounds.channels):
        if name != EYE:
            mine = np.array([one == name for one in grounds.channels])
            rest += np.maximum(told[mine].sum(axis=0), 0.0)
    share = eye / np.maximum(eye + rest, 1e-9)
    first = np.zeros(len(evidence))
    first[ranking[:1]] = 1.0
    others = (len(evidence) if many is None else float(many.sum())) - 1
    size = max(others, 0.0) / (max(others, 0.0) + PRIOR)
    said = (size**2 * own.text * (1 - share), size**2 * own.picture * share)
    return np.stack((ahead, share, first, np.full(len(evidence), size), size * ahead, *said))


def by_signs(found: Float64, law: Law) -> Float64:
    """Return (V,) the chance that each video answers, of `signs` (7, V)."""
    level = law.start + np.array(law[1:]) @ found
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(level, -40.0, 40.0))))


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
            spread[known] = spread_of_others(scores[known], usual, prior, often[known])
            trust = count / (count + prior) * np.minimum(1.0, usual / spread)
            # What must-nots take off is taken off in full.
            told[own] = np.where(told[own] > 0, told[own] * trust, told[own])
    return told


def certainty(evidence: Float64, law: Law, many: Float64 | None = None) -> Float64:
    """Return (V,) the chance that each video answers, from evidence (V,) in nats.

    A video's lead is its evidence less the logarithm of what all others, and `NOTHING` for no
    answer at all, have together: log-odds of the video, were they log likelihood ratios. `law`
    turns leads alone into the log-odds that were found on judged hits. Each video stands for as
    many as `many` (V,) says.
    """
    if not len(evidence):
        return np.zeros(0)
    level = law.start + law.lead * lead(evidence, many=many)
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
