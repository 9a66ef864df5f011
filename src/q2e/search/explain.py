"""Makes hits of the ranking: each with its moments and the reasons that add up to its score."""

from __future__ import annotations

import numpy as np

from q2e.search.matched import Matched
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.search.witness import shown_text
from q2e.types import EVENT_KINDS, Hit, Reason

#: Parts of a plain question.
PARTS = ("query", *EVENT_KINDS)


@stage(
    reads=(
        "query", "question", "shown", "form", "rows", "fusion", "score", "alarm", "certainty",
        "ranking", "also", "witness", "lent", "moments",
    ),
    writes=("hits",),
)  # fmt: skip
def explain(state: State) -> State:
    """Make the hits that are shown; reasons where they were localised."""
    table, total = state.at.table, state.total
    lent = state.score - state.fusion.score if state.plan.details else total
    matched = Matched.of(state)
    hits = []
    known = state.at.store.several([table.video_ids[number] for number in state.page])
    for rank, number in enumerate(state.page, state.plan.offset + 1):
        video = known.get(table.video_ids[number])
        if video is None:
            continue
        hits.append(
            Hit(
                rank=rank,
                video=video,
                score=float(total[number]),
                moments=state.moments.get(number, ()),
                why=_reasons(state, matched, number, float(lent[number]))
                if state.plan.details
                else (),
                also_in=tuple(table.video_ids[copy] for copy in state.also.get(number, ())),
                confidence=None if state.alarm is None else 1.0 - float(state.alarm[number]),
                certainty=None if state.certainty is None else float(state.certainty[number]),
            )
        )
    return state.writing(hits=tuple(hits))


def _reasons(state: State, matched: Matched, video: int, likeness: float) -> tuple[Reason, ...]:
    """Return the terms of a video's score, largest first; they add up to it.

    `likeness` is what feedback added to the sum of the rows.
    """
    fusion = state.fusion
    contribution = fusion.weight * fusion.normalised[:, video]
    best = state.witness.best(video)
    evidence = state.witness.evidence([row for row, _ in best if row >= 0])
    found = []
    for number in np.argsort(-contribution, kind="stable").tolist():
        row = state.rows[number]
        place, which = best[number]
        shown = evidence.get(place)
        own = row.video[video]
        if row.part not in PARTS and not contribution[number]:
            # A clause that says nothing of this video, as the worse side of an `or`.
            continue
        found.append(
            Reason(
                channel=row.channel,
                part=row.part,
                weight=float(fusion.weight[number]),
                score=float(fusion.normalised[number, video]),
                rank=0 if np.isnan(own) else int((row.video > own).sum()) + 1,
                entropy=float(fusion.entropy[number]),
                contribution=float(contribution[number]),
                how=row.how,
                event=row.texts[which] if shown is not None else None,
                text=shown_text(shown),
                start_s=shown.start_s if shown is not None else 0.0,
                end_s=shown.end_s if shown is not None else 0.0,
                frame_s=shown.frame_s if shown is not None else None,
                words=matched.told(row, place, "" if shown is None else shown.text)
                if contribution[number] > 0
                else (),
            )
        )
    if likeness:
        found.append(_lent(likeness, "likeness", "likeness to other videos that answer"))
    for added in state.lent:
        if more := float(added[video]):
            found.append(_lent(more, "rerank", "a second look at the best videos"))
    return tuple(found)


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
