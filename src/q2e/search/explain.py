"""Says why a video is a hit and where in it the answer lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Bool, Float64, Int64
from q2e.channels.known import is_timeless
from q2e.methods.fuse.base import Fusion
from q2e.methods.localise.base import Localiser, Scored, Stretch
from q2e.methods.localise.runs import Runs
from q2e.search.order import Order
from q2e.search.scan import ScoreRow
from q2e.store.base import Store, Table
from q2e.types import EVENT_KINDS, ClauseKind, Evidence, Moment, Reason, Video

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
        localise: Localiser | None = None,
    ) -> None:
        self.store = store
        self._localise = localise or Runs()
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
        # By video: where in each row its evidence stands, which of it is best, and what of it may
        # be in a moment. By row of the table: what was read.
        self._places: dict[int, list[Int64]] = {}
        self._bests: dict[int, list[tuple[int, int]]] = {}
        self._kept: dict[int, tuple[Int64, Float64]] = {}
        self._read: dict[int, Evidence] = {}

    def locate(self, videos: Sequence[int]) -> None:
        """Find the evidence of several videos at once; others are found when asked about."""
        asked = np.zeros(len(self.score), dtype=bool)
        asked[list(videos)] = True
        places: dict[int, dict[int, Int64]] = {}
        for row in self.rows:
            # Rows of the parts of a question over one channel share their evidence.
            if id(row.rows) not in places:
                owner = self.table.video[row.rows]
                near = np.flatnonzero(asked[owner])
                own = owner[near]
                places[id(row.rows)] = {video: near[own == video] for video in videos}
        for video in videos:
            self._places[video] = [places[id(row.rows)][video] for row in self.rows]

    def look_at(self, videos: Sequence[int]) -> None:
        """Read at once what `reasons` and `moments` of several videos will tell."""
        self.locate(videos)
        wanted = [row for video in videos for row, _ in self._best(video) if row >= 0]
        if self._order is None:
            for video in videos:
                wanted += self._strong(video)[0].tolist()
        self._evidence(wanted)

    def reasons(self, video: int) -> tuple[Reason, ...]:
        """Return the terms of a video's score, largest first; they add up to it."""
        contribution = self.fusion.weight * self.fusion.normalised[:, video]
        best = self._best(video)
        evidence = self._evidence([row for row, _ in best if row >= 0])
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
        worth = np.nan_to_num(self.fusion.weight * self.fusion.normalised[:, video])
        own = [n for n in np.argsort(-worth).tolist() if self.rows[n].part not in EVENT_KINDS]
        best = self._best(video)
        places = dict.fromkeys(best[n][0] for n in own if best[n][0] >= 0)
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
        rows, scores = self._strong(video)
        if not len(rows):
            return ()
        read = self._evidence(rows.tolist())
        evidence = [read[row] for row in rows.tolist()]
        start_s = np.array([one.start_s for one in evidence])
        end_s = np.array([one.end_s for one in evidence])
        frame_s = np.array([np.nan if one.frame_s is None else one.frame_s for one in evidence])
        cuts = np.array([segment.start_s for segment in self.store.segments(known.id)])
        segment = np.searchsorted(cuts, start_s, side="right") if len(cuts) else np.zeros(len(rows))
        scored = Scored.of(
            start_s, end_s, scores, segment, frame_s=frame_s, duration_s=known.duration_s
        )
        stretches = self._localise.moments(scored, top)
        return tuple(_moment(stretch, evidence) for stretch in stretches)

    def _evidence_scores(self, video: int) -> tuple[Int64, Float64]:
        """Return the rows of a video's evidence and what each adds, in the scale of the fusion.

        A piece of evidence counts by how far it stands above generic questions; what a must-not
        finds at the same time counts against it.
        """
        found, worth = [np.zeros(0, np.int64)], [np.zeros(0)]
        for row, weight, places in zip(
            self.rows, self.fusion.weight, self._places_in(video), strict=True
        ):
            scores = row.scores[places].astype(np.float64)
            known = np.isfinite(scores)
            if weight > 0:
                found.append(row.rows[places[known]])
                worth.append(weight * np.maximum(scores[known], 0.0))
        rows, which = np.unique(np.concatenate(found), return_inverse=True)
        total: Float64 = np.bincount(which, np.concatenate(worth), len(rows)).astype(np.float64)
        return rows, total if self._lost_by is None else total - self._lost_by[rows]

    def _strong(self, video: int) -> tuple[Int64, Float64]:
        """Return what of a video's evidence may be in a moment, with what it adds."""
        if video not in self._kept:
            rows, scores = self._narrowed(*self._evidence_scores(video))
            kept = self._localise.strong(scores)
            self._kept[video] = rows[kept], scores[kept]
        return self._kept[video]

    def _narrowed(self, rows: Int64, scores: Float64) -> tuple[Int64, Float64]:
        """Leave out evidence about the whole video where there is any about a part of it."""
        timeless = [self.table.code(name) for name in self.table.channels if is_timeless(name)]
        local: Bool = ~np.isin(self.table.channel[rows], timeless) & (scores > 0)
        return (rows[local], scores[local]) if local.any() else (rows, scores)

    def _best(self, video: int) -> list[tuple[int, int]]:
        """Return for each score row a video's best evidence, and which text it matched.

        The evidence is -1 in rows that say nothing of the video.
        """
        if video in self._bests:
            return self._bests[video]
        found = self._bests[video] = []
        for row, places in zip(self.rows, self._places_in(video), strict=True):
            found.append((-1, 0))
            if len(places) and not np.isnan(row.video[video]):
                best = places[int(np.argmax(row.scores[places]))]
                if np.isfinite(row.scores[best]):
                    found[-1] = int(row.rows[best]), int(row.which[best])
        return found

    def _places_in(self, video: int) -> list[Int64]:
        """Return for each score row where it holds evidence of a video."""
        if video not in self._places:
            self.locate([video])
        return self._places[video]

    def _evidence(self, rows: Sequence[int]) -> dict[int, Evidence]:
        """Return evidence by row, with all that was read before."""
        new = sorted(set(rows) - self._read.keys())
        if new:
            self._read.update(zip(new, self.store.evidence(new), strict=True))
        return self._read


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
