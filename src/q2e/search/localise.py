"""Finds where in the hits the answer lies."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.methods.localise.base import Localiser, Scored, Stretch
from q2e.search.order import Order
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.types import Evidence, Moment, Video

#: Pieces of evidence shown with a moment.
SHOWN = 5
#: Moments of a video shown where every time is asked for.
EVERY = 100
#: Share of the best chain's score that another chain of the video needs.
RELATIVE = 0.5


@stage(reads=("ranking", "witness", "order", "which", "lost"), writes=("moments",))
def localise(state: State) -> State:
    """Find the moments of the hits that are shown.

    Where the first or every time was asked for, they are in order of time, else best first.
    """
    witness, order = state.witness, state.order
    shown = state.page
    witness.locate(shown)
    wanted = [row for video in shown for row, _ in witness.best(video) if row >= 0]
    kept: dict[int, tuple[Int64, Float64]] = {}
    if order is None:
        for video in shown:
            kept[video] = _strong(state, video)
            wanted += kept[video][0].tolist()
    # What reasons and moments of all of them tell is read at once.
    witness.evidence(wanted)
    top = state.plan.settings.moments_per_video
    most = {"first": EVERY, "every": EVERY}.get(state.which or "", top)
    moments: dict[int, tuple[Moment, ...]] = {}
    for video in shown:
        known = state.at.store.video(state.at.table.video_ids[video])
        if known is None:
            continue
        if order is None:
            found = _stretches(state, known, *kept[video], most)
        else:
            found = _chained(state, order, video, most)
        if state.which is not None:
            found = tuple(sorted(found, key=lambda one: one.start_s))
            found = found[: 1 if state.which == "first" else EVERY]
        moments[video] = found
    return state.writing(moments=moments)


def _way(state: State) -> Localiser:
    way: Localiser = state.plan.localise.bound
    return way


def _strong(state: State, video: int) -> tuple[Int64, Float64]:
    """Return what of a video's evidence may be in a moment, with what it adds.

    Evidence about the whole video is left out where there is any about a part of it.
    """
    rows, scores = state.witness.worth(video, state.lost)
    local = ~state.witness.timeless[rows] & (scores > 0)
    if local.any():
        rows, scores = rows[local], scores[local]
    kept = _way(state).strong(scores)
    return rows[kept], scores[kept]


def _stretches(
    state: State, known: Video, rows: Int64, scores: Float64, top: int
) -> tuple[Moment, ...]:
    """Return the stretches of a video that answer best, best first."""
    if not len(rows):
        return ()
    read = state.witness.evidence(rows.tolist())
    evidence = [read[row] for row in rows.tolist()]
    start_s = np.array([one.start_s for one in evidence])
    end_s = np.array([one.end_s for one in evidence])
    frame_s = np.array([np.nan if one.frame_s is None else one.frame_s for one in evidence])
    cuts = np.array([segment.start_s for segment in state.at.store.segments(known.id)])
    segment = np.searchsorted(cuts, start_s, side="right") if len(cuts) else np.zeros(len(rows))
    scored = Scored.of(
        start_s, end_s, scores, segment, frame_s=frame_s, duration_s=known.duration_s
    )
    stretches = _way(state).moments(scored, top)
    return tuple(_moment(stretch, evidence) for stretch in stretches)


def _chained(state: State, order: Order, video: int, top: int) -> tuple[Moment, ...]:
    """Return the chains of evidence that an order found in one video."""
    found = []
    chains = order.chains(video, top)
    for chain in chains:
        if state.which is None and chain.score < RELATIVE * chains[0].score:
            break
        evidence = state.at.store.evidence(chain.rows)
        shown = evidence if order.asked is None else [evidence[chain.place]]
        lead = shown[0]
        start_s, end_s = lead.start_s, max(one.end_s for one in shown)
        middle = (lead.start_s + lead.end_s) / 2
        found.append(
            Moment(
                start_s=start_s,
                end_s=end_s,
                score=chain.score,
                frame_s=middle if lead.frame_s is None else lead.frame_s,
                evidence=tuple(evidence),
            )
        )
    return tuple(found)


def _moment(stretch: Stretch, evidence: list[Evidence]) -> Moment:
    return Moment(
        start_s=stretch.start_s,
        end_s=stretch.end_s,
        score=stretch.score,
        frame_s=stretch.frame_s,
        evidence=tuple(evidence[member] for member in stretch.members[:SHOWN]),
    )
