"""Finds where in the hits the answer lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from q2e.arrays import Bool, Float64, Int16, Int64
from q2e.methods.localise.base import Localiser, Scored, Stretch
from q2e.search.looked import looked
from q2e.search.order import Chain, Order
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
    """Find the moments of the hits that are shown; all of them are read of together.

    Where the first or every time was asked for, they are in order of time, else best first.
    """
    witness, shown = state.witness, state.page
    witness.locate(shown)
    names = state.at.table.video_ids
    ids = {names[video]: video for video in shown}
    known = {ids[name]: one for name, one in state.at.store.several(list(ids)).items()}
    top = state.plan.settings.moments_per_video
    most = {"first": EVERY, "every": EVERY}.get(state.which or "", top)
    # What reasons of all of them tell is read with what moments do.
    reasons = [row for video in shown for row, _ in witness.best(video) if row >= 0]
    if state.order is None:
        found = _stretches(state, known, most, reasons)
    else:
        found = _chained(state, state.order, list(known), most, reasons)
    if state.which is not None:
        first = 1 if state.which == "first" else EVERY
        found = {
            video: tuple(sorted(own, key=lambda one: one.start_s)[:first])
            for video, own in found.items()
        }
    return state.writing(moments={video: found[video] for video in shown if video in found})


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


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """The evidence (n,) of one video, what each piece adds, and when it is."""

    rows: Int64
    scores: Float64
    times_s: Float64
    """(n, 3) from when to when, and when its frame, NaN where it has none."""
    channel: Int16
    instant: Bool

    @property
    def strong(self) -> list[int]:
        """Which of it is looked at line by line; what says little need not be read."""
        best = float(self.scores.max(initial=0.0))
        counts = (self.scores > 0) & (self.scores >= LINES * best)
        found: list[int] = np.flatnonzero(~self.instant & counts).tolist()
        return found


def _stretches(
    state: State, known: Mapping[int, Video], top: int, more: Sequence[int]
) -> dict[int, tuple[Moment, ...]]:
    """Return the stretches of each video that answer best, best first; `more` is read too."""
    witness, own = state.witness, _of_all(state, list(known))
    cuts_of = state.at.store.segments_of([video.id for video in known.values()])
    strong = [row for one in own.values() for row in one.rows[one.strong].tolist()]
    witness.evidence([*strong, *more])
    found = {
        video: _scored(state, video, known[video], one, cuts_of.get(known[video].id, []), top)
        for video, one in own.items()
        if len(one.rows)
    }
    shown = [row for stretches in found.values() for _, rows in stretches for row in rows]
    read = witness.evidence(shown)
    return {
        video: tuple(
            _moment(one, [read[row] for row in rows]) for one, rows in found.get(video, ())
        )
        for video in known
    }


def _of_all(state: State, videos: Sequence[int]) -> dict[int, _Own]:
    """Return the evidence of several videos, whose times are read at once."""
    table, worth = state.at.table, [_worth(state, video) for video in videos]
    every = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in worth)])
    ends = np.cumsum([len(rows) for rows, _ in worth])[:-1]
    times = np.split(state.at.store.times_s(every), ends) if videos else []
    found = {}
    for video, (rows, scores), own in zip(videos, worth, times, strict=True):
        channel = table.channel[rows]
        instant = (channel == table.code(SEEN)) & np.isfinite(own[:, 2])
        found[video] = _Own(rows, scores, own, channel, instant)
    return found


def _scored(
    state: State, video: int, known: Video, own: _Own, segments: Sequence[Segment], top: int
) -> list[tuple[Stretch, list[int]]]:
    """Return the stretches of one video that answer best, and what evidence is shown with each."""
    scored, of = _along(state, known, own, segments)
    if _way(state).looks:
        scored = looked(state, video, scored)
    return [
        (one, list(dict.fromkeys(own.rows[of[list(one.members)]].tolist()))[:SHOWN])
        for one in _way(state).moments(scored, top)
    ]


def along(state: State, known: Video, video: int) -> Scored | None:
    """Return what is scored of one video, line by line; None where nothing is."""
    own = _of_all(state, [video])[video]
    if not len(own.rows):
        return None
    return _along(state, known, own, state.at.store.segments(known.id))[0]


def _along(
    state: State, known: Video, own: _Own, segments: Sequence[Segment]
) -> tuple[Scored, Int64]:
    """Return what is scored of a video line by line (m,), and which of its evidence each is of."""
    cuts = np.array([segment.start_s for segment in segments])
    of, start_s, end_s = _lines(state, own)
    scored = Scored.of(
        start_s,
        end_s,
        own.scores[of],
        np.searchsorted(cuts, start_s, side="right") if len(cuts) else np.zeros(len(of)),
        frame_s=own.times_s[of, 2],
        channel=own.channel[of],
        instant=own.instant[of],
        cuts_s=shown_cuts(segments, state.plan.settings),
        duration_s=known.duration_s,
    )
    return scored, of


def _lines(state: State, own: _Own) -> tuple[Int64, Float64, Float64]:
    """Return evidence line by line (m,): which of (n,) each is of, from when to when.

    What is said or written in several lines stands for the times of these, not for what is between
    them. What says little for the question is left whole.
    """
    strong = own.strong
    read = state.witness.evidence(own.rows[strong].tolist())
    lines = {number: read[row].spans for number, row in zip(strong, own.rows[strong], strict=True)}
    apart = {number: spans for number, spans in lines.items() if len(spans) > 1}
    if not apart:
        return np.arange(len(own.rows)), own.times_s[:, 0], own.times_s[:, 1]
    whole = np.setdiff1d(np.arange(len(own.rows)), list(apart))
    spans = [(number, one.start_s, one.end_s) for number, told in apart.items() for one in told]
    of, start_s, end_s = np.array(spans, np.float64).reshape(-1, 3).T
    return (
        np.concatenate([whole, of.astype(np.int64)]),
        np.concatenate([own.times_s[whole, 0], start_s]),
        np.concatenate([own.times_s[whole, 1], end_s]),
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


def _chained(
    state: State, order: Order, videos: Sequence[int], top: int, more: Sequence[int]
) -> dict[int, tuple[Moment, ...]]:
    """Return the chains of evidence that an order found in each video; `more` is read too."""
    chains = {}
    for video in videos:
        own = order.chains(video, top)
        strong = [one for one in own if one.score >= RELATIVE * own[0].score]
        chains[video] = strong if state.which is None else own
    members = [row for own in chains.values() for one in own for row in one.rows]
    read = state.witness.evidence([*members, *more])
    return {
        video: tuple(
            _told(one, [read[row] for row in one.rows], order.asked is not None) for one in own
        )
        for video, own in chains.items()
    }


def _told(chain: Chain, evidence: Sequence[Evidence], asked: bool) -> Moment:
    """Return a chain as a moment: all of it, or the one step that is asked for."""
    shown = [evidence[chain.place]] if asked else evidence
    lead = shown[0]
    middle = (lead.start_s + lead.end_s) / 2
    return Moment(
        start_s=lead.start_s,
        end_s=max(one.end_s for one in shown),
        score=chain.score,
        frame_s=middle if lead.frame_s is None else lead.frame_s,
        evidence=tuple(evidence),
    )


def _moment(stretch: Stretch, evidence: list[Evidence]) -> Moment:
    return Moment(
        start_s=stretch.start_s,
        end_s=stretch.end_s,
        score=stretch.score,
        frame_s=stretch.frame_s,
        evidence=tuple(evidence),
    )
