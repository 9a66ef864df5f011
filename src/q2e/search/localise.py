"""Finds where in the hits the answer lies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from q2e.arrays import Bool, Float64, Int64
from q2e.methods.localise.base import Localiser, Scored, Stretch
from q2e.search.order import Order
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.settings import Settings
from q2e.types import Evidence, Moment, Segment, Video

#: Pieces of evidence shown with a moment.
SHOWN = 5
#: The channel whose evidence is a picture each, kept for the whole shot.
SEEN = "frame"
#: Moments of a video shown where every time is asked for.
EVERY = 100
#: Share of the best that evidence adds from which it is looked at line by line.
LINES = 0.25
#: Seconds by which pieces of equal length differ in an index.
EQUAL_S = 0.05
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
    kept = {} if order is not None else {video: _worth(state, video) for video in shown}
    # What reasons of all of them tell is read at once.
    witness.evidence([row for video in shown for row, _ in witness.best(video) if row >= 0])
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


def _worth(state: State, video: int) -> tuple[Int64, Float64]:
    """Return the evidence of a video, with what each piece adds.

    Evidence about the whole video is left out where any about a part of it adds something.
    """
    rows, scores = state.witness.worth(video, state.lost)
    local = ~state.witness.timeless[rows]
    if (scores[local] > 0).any():
        rows, scores = rows[local], scores[local]
    return rows, scores


def _stretches(
    state: State, known: Video, rows: Int64, scores: Float64, top: int
) -> tuple[Moment, ...]:
    """Return the stretches of a video that answer best, best first."""
    if not len(rows):
        return ()
    start_s, end_s, frame_s = state.at.store.times_s(rows).T
    segments = state.at.store.segments(known.id)
    cuts = np.array([segment.start_s for segment in segments])
    channel = state.at.table.channel[rows]
    instant = (channel == state.at.table.code(SEEN)) & np.isfinite(frame_s)
    of, start_s, end_s = _lines(state, rows, scores, instant, (start_s, end_s))
    scored = Scored.of(
        start_s,
        end_s,
        scores[of],
        np.searchsorted(cuts, start_s, side="right") if len(cuts) else np.zeros(len(of)),
        frame_s=frame_s[of],
        channel=channel[of],
        instant=instant[of],
        cuts_s=shown_cuts(segments, state.plan.settings),
        duration_s=known.duration_s,
    )
    stretches = _way(state).moments(scored, top)
    told = [list(dict.fromkeys(rows[of[list(one.members)]].tolist()))[:SHOWN] for one in stretches]
    read = state.witness.evidence([row for own in told for row in own])
    return tuple(
        _moment(one, [read[row] for row in own]) for one, own in zip(stretches, told, strict=True)
    )


def _lines(
    state: State,
    rows: Int64,
    scores: Float64,
    instant: Bool,
    times_s: tuple[Float64, Float64],
) -> tuple[Int64, Float64, Float64]:
    """Return evidence line by line (m,): which of (n,) each is of, from when to when.

    What is said or written in several lines stands for the times of these, not for what is between
    them. What says little for the question is left whole: it need not be read.
    """
    best = float(scores.max())
    strong = np.flatnonzero(~instant & (scores > 0) & (scores >= LINES * best))
    read = state.witness.evidence(rows[strong].tolist())
    lines = {
        number: read[row].spans
        for number, row in zip(strong.tolist(), rows[strong].tolist(), strict=True)
    }
    apart = {number: own for number, own in lines.items() if len(own) > 1}
    whole = np.setdiff1d(np.arange(len(rows)), list(apart))
    spans = [(number, one.start_s, one.end_s) for number, own in apart.items() for one in own]
    of, start_s, end_s = np.array(spans, np.float64).reshape(-1, 3).T
    return (
        np.concatenate([whole, of.astype(np.int64)]),
        np.concatenate([times_s[0][whole], start_s]),
        np.concatenate([times_s[1][whole], end_s]),
    )


def shown_cuts(segments: Sequence[Segment], settings: Settings) -> list[float]:
    """Return where one shot follows another that is really seen to, of segments in time order.

    Longer shots are divided into pieces of equal length or of the greatest, and at ends of parts.
    """
    most_s, part_s = settings.segment_max_s, settings.part_s
    found = []
    for one, other in pairwise(segments):
        first, second = one.duration_s, other.duration_s
        equal = abs(first - second) < EQUAL_S and first > most_s / 2 - EQUAL_S
        at_part = abs(other.start_s / part_s - round(other.start_s / part_s)) * part_s < EQUAL_S
        if not (equal or at_part or abs(first - most_s) < EQUAL_S):
            found.append(other.start_s)
    return found


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
        evidence=tuple(evidence),
    )
