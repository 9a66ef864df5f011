"""Answers a question of several clauses: asks each of them and joins what they found.

What a clause found is score rows with their fusion, and so is what is joined: rows stand side by
side, `or` keeps those of the better side, an order those of the evidence it chose. So every score
remains a sum of reasons, each of which names its clause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from q2e.arrays import Bool, Float64, Int64
from q2e.errors import QueryError
from q2e.methods.fuse.base import Fusion
from q2e.methods.rows import ScoreRow
from q2e.query.language import write
from q2e.query.sounds import CHANNEL as SOUND
from q2e.query.sounds import heard
from q2e.query.texts import is_plain, main_text
from q2e.search.negative import fall, share_lost, shown, stands_above
from q2e.search.order import Order, alongside
from q2e.search.phrases import phrase_rows
from q2e.search.stage import Pipeline, Stage, with_time
from q2e.search.state import State
from q2e.search.timeless import timeless
from q2e.search.understand import language_of
from q2e.store.base import Table
from q2e.types import Clause, Query

#: Length given to a frame, so that what is seen at the same time is not one after the other.
INSTANT_S = 1e-3
#: What joining clauses says beside what asking them does.
_JOINED = frozenset(("order", "which", "lost"))


def each_clause(whole: Pipeline, part: Pipeline) -> Stage:
    """Return the stage that asks a question by `whole`, or its clauses and joins what they found.

    `whole` asks a plain question, and the text that is one beside other clauses; `part` asks what
    stands for itself. Raises QueryError where examples, likes or dislikes belong to no text.
    """
    writes = whole.writes | _JOINED

    def clauses(state: State) -> State:
        asked = state.query.clause
        if asked is None or is_plain(asked):
            return whole(state)
        store, mask = state.at.store, state.mask
        clause = heard(asked, lambda name: len(phrase_rows(store, name, SOUND, mask)) > 0)
        judged = state.query.like or state.query.dislike
        if main_text(clause) is None and (state.shown or judged):
            raise QueryError(
                "examples, likes and dislikes go with one text, not with an order or alternatives"
            )
        began = time.perf_counter()
        joiner = _Joiner(state, clause, whole, part)
        joined = joiner.join(clause)
        spent = time.perf_counter() - began - sum(joiner.timings_s.values())
        for name, seconds in {**joiner.timings_s, "clauses": spent}.items():
            state = state.writing(timings_s=with_time(state, name, seconds))
        return state.writing(**{name: getattr(joined, name) for name in writes})

    return Stage("clauses", clauses, whole.reads, writes, clocked=False)


class _Joiner:
    """Joins what the clauses of one question found; each as a state of its own."""

    def __init__(self, state: State, clause: Clause, whole: Pipeline, part: Pipeline) -> None:
        self.store = state.at.store
        self.table: Table = state.at.table
        self.timings_s: dict[str, float] = {}
        #: (E,) what exclusions take off each piece of evidence.
        self.lost = np.zeros(len(self.table))
        self._state = state
        self._settings = state.plan.settings
        self._mask = state.mask
        self._whole, self._part = whole, part
        self._worths: dict[int, tuple[State, Float64]] = {}
        self._main = main_text(clause)

    def join(self, clause: Clause) -> State:
        """Return what a whole question found."""
        if clause.kind in ("first", "every"):
            return self.join(clause.parts[0]).writing(which=clause.kind)
        if clause.kind == "all":
            return self._all(clause.parts)
        if clause.kind in ("then", "before", "after", "during"):
            return self._order(clause)
        return self._any(clause.parts) if clause.kind == "any" else self._text(clause)

    # -- asking ---------------------------------------------------------------------------------
    def _ask(self, clause: Clause, mask: Bool | None) -> State:
        if clause is self._main:
            found = self._whole(self._state.writing(mask=mask, timings_s=self.timings_s))
        else:
            found = self._part(self._alone(clause, mask))
        self.timings_s = dict(found.timings_s)
        return found

    def _alone(self, clause: Clause, mask: Bool | None) -> State:
        """Return a clause as a question of its own, asked of what `mask` (E,) leaves."""
        asked = self._state.query
        filters = asked.filters
        if clause.channel is not None:
            filters = replace(filters, channels=(clause.channel,))
            own = self.table.of_channels((clause.channel,))
            mask = own if mask is None else mask & own
        query = Query(clause.text, language_of(clause.text) or asked.language, filters)
        alone = self._state.alone(query, clause.text, mask)
        return alone.writing(plan=self._state.plan.calm, timings_s=self.timings_s)

    # -- kinds ----------------------------------------------------------------------------------
    def _text(self, clause: Clause) -> State:
        mask = self._mask
        if clause.exact:
            mask = np.zeros(len(self.table), dtype=bool)
            mask[phrase_rows(self.store, clause.text, clause.channel, self._mask)] = True
        answer = self._ask(clause, mask)
        label = write(clause)
        answer = answer.writing(
            rows=tuple(
                replace(row, part=label) if row.part == "query" else row for row in answer.rows
            )
        )
        if clause.exact and mask is not None:
            return answer.writing(found=self._videos(mask))
        return answer

    def _any(self, parts: Sequence[Clause]) -> State:
        """Return for each video what the best of its parts says, and nothing of the others."""
        answers = [self.join(part) for part in parts]
        scores = np.stack([np.where(one.found, one.score, -np.inf) for one in answers])
        won = scores.argmax(axis=0)
        kept = [_where(one, won == number) for number, one in enumerate(answers)]
        both = _side_by_side(kept)
        found = np.logical_or.reduce([one.found for one in answers])
        return both.writing(
            found=found, alarm=_alarm(answers, np.minimum), order=None, which=None, lost=None
        )

    def _all(self, parts: Sequence[Clause]) -> State:
        wanted = [(part, self.join(part)) for part in parts if part.kind != "not"]
        answers = [one for _, one in wanted]
        answer = _side_by_side(answers)
        demanded = [one.found for part, one in wanted if _demands(part)]
        found = (
            np.logical_and.reduce(demanded)
            if demanded
            else np.logical_or.reduce([one.found for one in answers])
        )
        answer = answer.writing(found=found, alarm=_alarm(answers, np.maximum))
        for part in parts:
            if part.kind == "not":
                answer = self._less(answer, part.parts[0])
        timed = next((one for one in answers if one.order or one.which), answers[0])
        return answer.writing(order=timed.order, which=timed.which, lost=self.lost)

    def _less(self, answer: State, clause: Clause) -> State:
        """Return an answer without videos that hold a phrase, or with less for those like it."""
        if clause.exact:
            has = np.zeros(len(self.table), dtype=bool)
            has[phrase_rows(self.store, clause.text, clause.channel, self._mask)] = True
            return answer.writing(found=answer.found & ~self._videos(has))
        unwanted = self._ask(clause, self._mask)
        told, video_of = unwanted.fusion.contribution, self.table.video.astype(np.int64)
        sure, above = shown(unwanted.rows, told, video_of, self._settings.confidence)
        share = np.minimum(self._share(answer, sure) * self._settings.must_not, 1.0)
        total = above.sum(axis=0)
        parts = np.divide(above, total, out=np.zeros_like(above), where=total > 0)
        loss = Fusion(
            np.full(len(above), -1.0),
            unwanted.fusion.entropy,
            parts * fall(answer.score, share, above),
        )
        label = f"not {write(clause)}"
        against = unwanted.writing(
            rows=tuple(replace(row, part=label) for row in unwanted.rows),
            fusion=loss,
            score=loss.score,
        )
        both = _side_by_side([answer, against])
        if answer.alarm is None:
            return both
        return both.writing(alarm=1.0 - (1.0 - answer.alarm) * (1.0 - share))

    def _share(self, answer: State, sure: Float64) -> Float64:
        """Return (V,) the share lost of each video, and note what each piece of evidence loses.

        `sure` (E,) says how surely evidence shows what is not wanted. Where a video answers only
        as a whole, all of it is held against it.
        """
        video_of = self.table.video.astype(np.int64)
        whole = np.zeros(len(self.table.video_ids))
        np.maximum.at(whole, video_of, sure)
        worth = self._sum(answer.rows, answer.fusion.weight)
        speaks = (worth > 0) & ~self._timeless()
        start_s, end_s = self.table.start_s, np.maximum(self.table.end_s, self.table.start_s + 1e-3)
        held = np.where(sure > 0, sure, -np.inf)
        seen = np.maximum(alongside(start_s, end_s, self.table.video, speaks, held), 0.0)
        self.lost += np.where(speaks, worth * seen, 0.0)
        own = np.flatnonzero(np.isfinite(self._worth(answer)))
        return share_lost(worth[own], seen[own], whole, video_of[own])

    def _sum(self, rows: Sequence[ScoreRow], weights: Float64) -> Float64:
        """Return (E,) what rows add to each piece of evidence, where they say something for it."""
        total = np.zeros(len(self.table))
        for row, weight in zip(rows, weights, strict=True):
            if weight > 0:
                scores = np.where(np.isfinite(row.scores), row.scores, 0.0)
                total[row.rows] += weight * np.maximum(scores, 0.0)  # each piece stands there once
        return total

    def _timeless(self) -> Bool:
        return timeless(self.table)

    def _order(self, clause: Clause) -> State:
        steps = [self._alternatives(part) for part in clause.parts]
        answers = [_side_by_side(step) for step in steps]
        if clause.kind == "after":
            steps.reverse()
        values = np.stack([self._values(step).max(axis=0) for step in steps])
        order = self._candidates(clause, values)
        chains = order.best(len(self.table.video_ids))
        rows = np.append(order.rows, -1)
        # Where there is no chain the member is -1: the last of the rows, which is none.
        chosen = [
            part
            for step, evidence in zip(steps, rows[chains.members], strict=True)
            for part in self._of_step(step, evidence)
        ]
        found = np.isfinite(chains.score)
        alarm = _alarm(answers, np.maximum)
        both = _side_by_side(chosen)
        return both.writing(found=found, alarm=alarm, order=order, which=None, lost=None)

    def _alternatives(self, clause: Clause) -> list[State]:
        if clause.kind == "any":
            return [one for part in clause.parts for one in self._alternatives(part)]
        return [self.join(clause)]

    def _of_step(self, step: Sequence[State], evidence: Int64) -> list[State]:
        """Return what the evidence (V,) chosen of each video says, by its best alternative."""
        best = np.stack([self._worth(answer)[evidence] for answer in step]).argmax(axis=0)
        return [
            _chosen(answer, np.where(best == number, evidence, -1), self.table)
            for number, answer in enumerate(step)
        ]

    def _candidates(self, clause: Clause, values: Float64) -> Order:
        """Return the evidence that stands out for any step, with its times."""
        rows = np.flatnonzero(np.isfinite(values).any(axis=0)).astype(np.int64)
        start_s = self.table.start_s[rows].astype(np.float64)
        end_s = self.table.end_s[rows].astype(np.float64)
        if clause.kind != "during":
            start_s, end_s = self._instants(rows, start_s, end_s)
        return Order(
            rows,
            start_s,
            end_s,
            self.table.video[rows].astype(np.int64),
            values[:, rows],
            np.stack([self.table.start_s[rows], self.table.end_s[rows]]).astype(np.float64),
            clause.within_s,
            same_time=clause.kind == "during",
            asked={"then": None, "before": 0, "after": 1, "during": 0}[clause.kind],
        )

    def _values(self, step: Sequence[State]) -> Float64:
        """Return (answers, E) what evidence is worth for each, -inf where it does not stand out."""
        return np.stack([self._worth(answer) for answer in step])

    def _worth(self, answer: State) -> Float64:
        """Return (E,) what evidence is worth for an answer; worked out once for each."""
        if id(answer) not in self._worths:
            self._worths[id(answer)] = answer, self._worth_of(answer)
        return self._worths[id(answer)][1]

    def _worth_of(self, answer: State) -> Float64:
        videos = len(self.table.video_ids)
        video_of = self.table.video.astype(np.int64)
        stands = np.zeros(len(self.table), dtype=bool)
        for row, weight in zip(answer.rows, answer.fusion.weight, strict=True):
            if weight > 0:
                limit = stands_above(row, video_of, videos, self._settings.confidence)
                stands[row.rows[row.scores >= limit[video_of[row.rows]]]] = True
        worth = self._sum(answer.rows, answer.fusion.weight)
        return np.where(stands & ~self._timeless(), worth, -np.inf)

    def _instants(self, rows: Int64, start_s: Float64, end_s: Float64) -> tuple[Float64, Float64]:
        """Put frames, whose evidence is kept for the whole shot, at the time they show."""
        frames = np.flatnonzero(self.table.channel[rows] == self.table.code("frame"))
        shown_s = self.store.times_s(rows[frames])[:, 2]
        known = np.isfinite(shown_s)
        start_s[frames[known]], end_s[frames[known]] = shown_s[known], shown_s[known] + INSTANT_S
        return start_s, end_s

    def _videos(self, mask: Bool) -> Bool:
        found = np.zeros(len(self.table.video_ids), dtype=bool)
        found[self.table.video[mask]] = True
        return found


def _demands(clause: Clause) -> bool:
    """Whether a video that lacks what a clause asks for is no answer."""
    if clause.kind == "any":
        return all(map(_demands, clause.parts))
    if clause.kind in ("all", "first", "every"):
        return any(map(_demands, clause.parts))
    return clause.exact or clause.kind in ("then", "before", "after", "during")


def _side_by_side(answers: Sequence[State]) -> State:
    """Return the rows of all answers, whose scores add up."""
    fusion = Fusion(
        np.concatenate([one.fusion.weight for one in answers]),
        np.concatenate([one.fusion.entropy for one in answers]),
        np.concatenate([one.fusion.normalised for one in answers]),
    )
    rows = tuple(row for one in answers for row in one.rows)
    score = np.sum([one.score for one in answers], axis=0)
    return answers[0].writing(rows=rows, fusion=fusion, score=score)


def _where(answer: State, kept: Bool) -> State:
    """Return an answer that says nothing of the videos that are not kept."""
    fusion = replace(answer.fusion, normalised=np.where(kept, answer.fusion.normalised, 0.0))
    return answer.writing(fusion=fusion, score=np.where(kept, answer.score, 0.0))


def _chosen(answer: State, evidence: Int64, table: Table) -> State:
    """Return an answer by the one piece of evidence (V,) that was chosen of each video, or -1."""
    rows, values = [], []
    chosen = np.zeros(len(table) + 1, dtype=bool)
    chosen[evidence] = True
    chosen[-1] = False  # where -1 was written, which is none
    for row in answer.rows:
        held = chosen[row.rows] & np.isfinite(row.scores)
        video = np.full(len(table.video_ids), np.nan)
        video[table.video[row.rows[held]]] = row.scores[held]
        rows.append(
            replace(
                row,
                video=video,
                rows=row.rows[held],
                scores=row.scores[held],
                which=row.which[held],
            )
        )
        values.append(np.maximum(np.nan_to_num(video), 0.0))
    weight = np.maximum(answer.fusion.weight, 0.0)
    normalised = np.stack(values) if values else answer.fusion.normalised
    fusion = replace(answer.fusion, weight=weight, normalised=normalised)
    return answer.writing(rows=tuple(rows), fusion=fusion, score=fusion.score)


def _alarm(answers: Sequence[State], join: Callable[..., Float64]) -> Float64 | None:
    """Return the chance of the likeliest or least likely part; None where one is not known."""
    known = [one.alarm for one in answers if one.alarm is not None]
    return join.reduce(known) if len(known) == len(answers) else None  # type: ignore[attr-defined]
