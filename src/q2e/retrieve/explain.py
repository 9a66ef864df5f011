"""Says why a video is a hit and where in it the answer lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Bool, Float64, Int64
from q2e.retrieve.fuse import Fusion
from q2e.retrieve.moments import Stretch, find_moments
from q2e.retrieve.negative import WHOLE
from q2e.retrieve.order import Order
from q2e.retrieve.scan import ScoreRow
from q2e.store.base import Store, Table
from q2e.types import CHANNELS, EVENT_KINDS, ClauseKind, Evidence, Moment, Reason, Video

#: Pieces of evidence shown with a moment.
SHOWN = 5
#: Moments of a video shown where every time is asked for.
EVERY = 100
#: Share of the best chain's score that another chain of the video needs.
RELATIVE = 0.5
#: Parts of a plain question.
PARTS = ("query", *EVENT_KINDS)


class Explainer:
    """Explains the hits of one question from its score rows and their fusion."""

    def __init__(
        self,
        store: Store,
        table: Table,
        rows: Sequence[ScoreRow],
        fusion: Fusion,
        score: Float64,
        reranked: Float64 | None = None,
        *,
        order: Order | None = None,
        which: ClauseKind | None = None,
        lost: Float64 | None = None,
    ) -> None:
        self.store = store
        self.table = table
        self.rows = rows
        self.fusion = fusion
        self.score = score
        # What reranking and feedback added to the sum of the rows; 0 where there was none.
        self._reranked = np.zeros(len(score)) if reranked is None else reranked
        self._lent = score - fusion.score
        self._order = order
        self._which = which
        self._lost_by = lost
        self._video_of = [table.video[row.rows] for row in rows]

    def reasons(self, video: int) -> tuple[Reason, ...]:
        """Return the terms of a video's score, largest first; they add up to it."""
        contribution = self.fusion.contribution[:, video]
        best = {number: self._best(number, video) for number in range(len(self.rows))}
        evidence = self._evidence([row for row, _ in best.values() if row >= 0])
        reasons = []
        for number in np.argsort(-contribution, kind="stable").tolist():
            row = self.rows[number]
            place, which = best[number]
            found = evidence.get(place)
            own = row.video[video]
            if row.part not in PARTS and not contribution[number]:
                # A clause that says nothing of this video, as the worse side of an `or`.
                continue
            reasons.append(
                Reason(
                    channel=row.channel,
                    part=row.part,
                    weight=float(self.fusion.weight[number]),
                    score=float(self.fusion.normalised[number, video]),
                    rank=0 if np.isnan(own) else int((row.video > own).sum()) + 1,
                    entropy=float(self.fusion.entropy[number]),
                    contribution=float(contribution[number]),
                    how=row.how,
                    event=row.texts[which] if found is not None else None,
                    text=shown_text(found),
                    start_s=found.start_s if found is not None else 0.0,
                    end_s=found.end_s if found is not None else 0.0,
                    frame_s=found.frame_s if found is not None else None,
                )
            )
        if lent := float(self._lent[video]):
            reasons.append(_lent(lent, "likeness", "likeness to other videos that answer"))
        if added := float(self._reranked[video]):
            reasons.append(_lent(added, "rerank", "a second look at the best videos"))
        return tuple(reasons)

    def answers(self, video: int, most: int) -> list[Evidence]:
        """Return a video's best evidence for the question itself, what adds most first."""
        worth = np.nan_to_num(self.fusion.contribution[:, video])
        own = [n for n in np.argsort(-worth).tolist() if self.rows[n].part not in EVENT_KINDS]
        places = dict.fromkeys(place for n in own if (place := self._best(n, video)[0]) >= 0)
        found = self._evidence(list(places))
        return [found[place] for place in places][:most]

    def moments(self, video: int, known: Video, top: int) -> tuple[Moment, ...]:
        """Return the stretches of a video that answer best, best first.

        Where the first or every time was asked for, they are in order of time instead.
        """
        most = {"first": EVERY, "every": EVERY}.get(self._which or "", top)
        if self._order is None:
            found = self._stretches(video, known, most)
        else:
            found = self._chained(self._order, video, most)
        if self._which is None:
            return found
        return tuple(sorted(found, key=lambda one: one.start_s))[
            : 1 if self._which == "first" else EVERY
        ]

    def _chained(self, order: Order, video: int, top: int) -> tuple[Moment, ...]:
        """Return the chains of evidence that an order found in one video."""
        found = []
        chains = order.chains(video, top)
        for chain in chains:
            if self._which is None and chain.score < RELATIVE * chains[0].score:
                break
            evidence = self.store.evidence(chain.rows)
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

    def _stretches(self, video: int, known: Video, top: int) -> tuple[Moment, ...]:
        rows, scores = self._evidence_scores(video)
        if not len(rows):
            return ()
        rows, scores = self._narrowed(rows, scores)
        evidence = self.store.evidence(rows.tolist())
        start_s = np.array([one.start_s for one in evidence])
        end_s = np.array([one.end_s for one in evidence])
        frame_s = np.array([np.nan if one.frame_s is None else one.frame_s for one in evidence])
        cuts = np.array([segment.start_s for segment in self.store.segments(known.id)])
        segment = np.searchsorted(cuts, start_s, side="right") if len(cuts) else np.zeros(len(rows))
        stretches = find_moments(
            start_s,
            end_s,
            scores,
            segment,
            frame_s=frame_s,
            duration_s=known.duration_s,
            top=top,
            floor=0.0,
        )
        return tuple(_moment(stretch, evidence) for stretch in stretches)

    def _evidence_scores(self, video: int) -> tuple[Int64, Float64]:
        """Return the rows of a video's evidence and what each adds, in the scale of the fusion.

        A piece of evidence counts by how far it stands above generic questions; what a must-not
        finds at the same time counts against it.
        """
        total: dict[int, float] = {}
        for number, row in enumerate(self.rows):
            weight = float(self.fusion.weight[number])
            if weight <= 0:
                continue
            for place in self._places(number, video):
                score = float(row.scores[place])
                if np.isfinite(score):
                    worth = weight * max(0.0, score)
                    evidence = int(row.rows[place])
                    total[evidence] = total.get(evidence, 0.0) + worth
        rows = np.array(sorted(total), dtype=np.int64)
        scores = np.array([total[row] for row in rows.tolist()], dtype=np.float64)
        return rows, scores if self._lost_by is None else scores - self._lost_by[rows]

    def _narrowed(self, rows: Int64, scores: Float64) -> tuple[Int64, Float64]:
        """Leave out evidence about the whole video where there is any about a part of it."""
        whole = np.isin(self.table.channel[rows], [CHANNELS.index(channel) for channel in WHOLE])
        local: Bool = ~whole & (scores > 0)
        return (rows[local], scores[local]) if local.any() else (rows, scores)

    def _best(self, number: int, video: int) -> tuple[int, int]:
        """Return the row of a video's best evidence in a score row, and which text it matched."""
        row = self.rows[number]
        places = self._places(number, video)
        if not len(places) or np.isnan(row.video[video]):
            return -1, 0
        best = places[int(np.argmax(row.scores[places]))]
        if not np.isfinite(row.scores[best]):
            return -1, 0
        return int(row.rows[best]), int(row.which[best])

    def _places(self, number: int, video: int) -> Int64:
        return np.flatnonzero(self._video_of[number] == video)

    def _evidence(self, rows: list[int]) -> dict[int, Evidence]:
        wanted = sorted(set(rows))
        return dict(zip(wanted, self.store.evidence(wanted), strict=True))


def _lent(lent: float, how: str, text: str) -> Reason:
    return Reason(
        channel="collection",
        part="query",
        weight=1.0,
        score=lent,
        rank=0,
        entropy=0.0,
        contribution=lent,
        how=how,
        text=text,
    )


def _moment(stretch: Stretch, evidence: Sequence[Evidence]) -> Moment:
    return Moment(
        start_s=stretch.start_s,
        end_s=stretch.end_s,
        score=stretch.score,
        frame_s=stretch.frame_s,
        evidence=tuple(evidence[member] for member in stretch.members[:SHOWN]),
    )


def shown_text(evidence: Evidence | None) -> str:
    """Return the words of a piece of evidence, or its labels where it has none."""
    if evidence is None:
        return ""
    return evidence.text or ", ".join(tag.label for tag in evidence.tags[:3])
