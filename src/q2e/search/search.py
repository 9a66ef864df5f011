"""Answers a question: knows the order of the second line, from text to hits with reasons."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.errors import QueryError
from q2e.methods.decompose.base import Decomposer
from q2e.models.registry import Models
from q2e.query.hints import hint
from q2e.query.slots import languages_by_script
from q2e.search.again import ranked_again
from q2e.search.ask import Answer, Asker
from q2e.search.clauses import Joined, Joiner
from q2e.search.clock import Clock
from q2e.search.duplicates import merged
from q2e.search.examples import Examples, Shown
from q2e.search.explain import Explainer
from q2e.search.refine_by import centre_of, drift, judged
from q2e.settings import Settings
from q2e.store.base import Store
from q2e.text.language import detect
from q2e.types import Clause, Decomposition, Hit, Query, Results

#: Longest question, in characters; a whole article is not a question.
LONGEST = 4000


class Searcher:
    """Searches one store with one set of models; safe to share between threads."""

    def __init__(self, store: Store, models: Models) -> None:
        self.store = store
        self.models = models
        self._asker = Asker(store, models)
        self._examples = Examples(store, models)
        self._decomposers: dict[str, Decomposer] = {}

    def search(
        self,
        query: Query,
        settings: Settings,
        moments: bool = True,
        offset: int = 0,
        decomposition: Decomposition | None = None,
    ) -> Results:
        """Return the best videos with reasons, and with their moments where asked for.

        The first `offset` are left out; `decomposition` replaces what the settings would make.
        Raises QueryError for an empty or overlong question, IndexMismatch where the index was
        made by another text model.
        """
        if offset < 0:
            raise QueryError(f"offset is {offset}; pages begin at 0")
        # Row numbers must mean the same from the first look at the store to the last.
        with self.store.snapshot():
            return self._search(query, settings, moments, offset, decomposition)

    def _search(
        self,
        query: Query,
        settings: Settings,
        moments: bool,
        offset: int,
        given: Decomposition | None,
    ) -> Results:
        clock = Clock()
        remark = hint(query.text)
        query, shown = self._shown(query, clock)
        query = self._checked(query)
        asked = replace(query, text=_words(query))
        with clock("decompose"):
            if given is None:
                decomposition = self._decomposer(settings).decompose(asked)
            else:
                decomposition = replace(
                    given, query=asked.text, language=asked.language, backend="given"
                )
        mask = self.store.rows(query.filters)
        if mask is not None and not mask.any():
            remark = "nothing in the index passes the filters; the facets say what there is"
        joined = self._joined(asked, decomposition, shown, settings, mask, clock, moments)
        answer = joined.answer
        copies = {} if settings.duplicates == "keep" else self._asker.kept.copies()
        order, also = merged(self._ranked(answer), copies)
        if answer.alarm is not None and settings.confident:
            order = order[answer.alarm[order] <= settings.false_alarms]
        explainer = self._explainer(joined, answer.score)
        score = answer.score
        again: Mapping[str, Any] = {"strategy": "none"}
        if settings.rerank != "none":
            with clock("rerank"):
                added, order, again = ranked_again(
                    asked.text, explainer, order, settings, self.models
                )
                explainer = self._explainer(joined, score, added)
                score = score + added
        with clock("explain"):
            hits = self._hits(answer, score, order, also, explainer, settings, moments, offset)
        table = self.store.table()
        more = answer.expansion
        info = {
            "videos": len(table.video_ids),
            "evidence": len(table),
            "version": table.version,
            "profile": settings.profile,
            "fuse": settings.fuse,
            "normalise": settings.normalise,
            "pool": settings.pool,
            "expand": {"method": more.method, "backend": more.backend, "note": more.note},
            "rerank": dict(again),
            "confident": (
                None
                if answer.alarm is None
                else bool((answer.alarm[order] <= settings.false_alarms).any())
            ),
            "found": len(order),
            "hint": remark,
            "models": {
                "text": self.models.text.space,
                **{kind: one.space for kind, one in self._asker.seeing.items()},
            },
        }
        return Results(query, tuple(hits), decomposition, info, clock.seconds)

    def unfold(self, queries: Sequence[Query], settings: Settings) -> None:
        """Have a language model unfold many questions at once, for the searches that follow.

        A server batches what arrives together. Other ways of unfolding need no preparation.
        """
        if settings.decompose == "llm":
            checked = [self._checked(query) for query in queries]
            asked = [replace(query, text=_words(query)) for query in checked]
            self._decomposer(settings).decompose_many(asked)

    def found(self, query: Query, settings: Settings) -> tuple[str, ...]:
        """Return the ids of all videos that a search finds, best first."""
        everything = settings.model_copy(update={"top": sys.maxsize, "rerank": "none"})
        results = self.search(query, everything, moments=False)
        return tuple(hit.video.id for hit in results)

    def _checked(self, query: Query) -> Query:
        text = " ".join(query.text.split())
        if query.examples and not text:
            return query
        if not any(character.isalnum() for character in text):
            raise QueryError("the question is empty; ask for what is seen, said or written")
        if len(text) > LONGEST:
            raise QueryError(
                f"the question has {len(text)} characters; at most {LONGEST} are searched"
            )
        words = _words(replace(query, text=text))
        return replace(query, text=text, language=query.language or _language(words))

    def _decomposer(self, settings: Settings) -> Decomposer:
        key = f"{settings.decompose} {settings.refine} {settings.language_model}"
        if key not in self._decomposers:
            self._decomposers[key] = Decomposer.from_settings(settings, self.models)
        return self._decomposers[key]

    # -- scores ---------------------------------------------------------------------------------
    def _joined(
        self,
        asked: Query,
        decomposition: Decomposition,
        shown: Sequence[Shown],
        settings: Settings,
        mask: Bool | None,
        clock: Clock,
        chance: bool,
    ) -> Joined:
        """Return the answer to a plain question, or to the clauses of one that has several."""

        def main(mask: Bool | None) -> Answer:
            if shown:
                vectors = [self._examples.changed(one, asked.text, settings) for one in shown]
                return self._asker.ask_like(vectors, self._examples.scale(), settings, mask)
            moved = self._moved(asked, settings)
            wanted = chance and not moved
            answer = self._asker.ask(
                asked, decomposition, settings, mask, clock, moved=moved, chance=wanted
            )
            return self._without_disliked(answer, asked)

        if asked.clause is None or _is_plain(asked.clause):
            return Joined(main(mask))
        whole = _main(asked.clause)
        if whole is None and (shown or asked.like or asked.dislike):
            raise QueryError(
                "examples, likes and dislikes go with one text, not with an order or alternatives"
            )

        def ask(clause: Clause, mask: Bool | None) -> Answer:
            if clause is whole:
                return main(mask)
            return self._clause(clause, asked, settings, mask, clock, chance)

        return Joiner(self.store, ask, settings, mask).join(asked.clause)

    def _shown(self, query: Query, clock: Clock) -> tuple[Query, list[Shown]]:
        """Return what examples show; what is said in them is added to the question."""
        with clock("examples"):
            read = [self._examples.read(one) for one in query.examples]
        said = [one.speech for one in read if one.vector is None]
        if said:
            if query.clause is not None or len(said) < len(read):
                raise QueryError("a sound goes with plain words only; ask for them apart")
            text = " ".join([*said, query.text]).strip()[:LONGEST]
            query = replace(query, text=text, examples=())
        return query, [one for one in read if one.vector is not None]

    def _moved(self, asked: Query, settings: Settings) -> dict[str, Float32]:
        """Return what likes and dislikes add to the question's vector of each space."""
        if not asked.like and not asked.dislike:
            return {}
        text = self.models.text
        vectors = {text.space: text.encode_queries([asked.text])[0]}
        for one in self._asker.seeing.values():
            vectors[one.space] = one.encode_texts([asked.text])[0]
        return {
            space: drift(
                judged(self.store, space, asked.like, vector),
                judged(self.store, space, asked.dislike, vector),
                centre_of(self.store, space),
                towards=settings.like_weight,
                away=settings.dislike_weight,
                limit=settings.drift,
            )
            for space, vector in vectors.items()
        }

    def _without_disliked(self, answer: Answer, asked: Query) -> Answer:
        """Leave out videos that are disliked as a whole."""
        gone = {one.video for one in asked.dislike if one.start_s is None}
        if not gone:
            return answer
        kept = ~np.isin(self.store.table().video_ids, list(gone))
        return replace(answer, found=answer.found & kept)

    def _clause(
        self,
        clause: Clause,
        asked: Query,
        settings: Settings,
        mask: Bool | None,
        clock: Clock,
        chance: bool,
    ) -> Answer:
        """Return the answer to one clause, which stands for itself: its form, but no sub-events."""
        filters = asked.filters
        if clause.channel is not None:
            filters = replace(filters, channels=(clause.channel,))
            own = self.store.table().of_channels((clause.channel,))
            mask = own if mask is None else mask & own
        language = _language(clause.text) or asked.language
        query = Query(clause.text, language, filters)
        calm = settings.model_copy(update={"feedback": "never", "expand": "none"})
        if settings.decompose == "llm":
            # A language model would be asked once for each clause, and only its form be used.
            calm = calm.model_copy(update={"decompose": "events"})
        form = self._decomposer(calm).decompose(query)
        alone = replace(form, events=(), backend="none" if form.events else form.backend)
        return self._asker.ask(query, alone, calm, mask, clock, chance=chance)

    def _ranked(self, answer: Answer) -> Int64:
        """Return the videos found, best first; equal scores are told apart by the video's id."""
        present = np.flatnonzero(answer.found)
        # Never by the order of indexing, so that pages stay where they are.
        names = np.array(self.store.table().video_ids)[present]
        return present[np.lexsort((names, -answer.score[present]))].astype(np.int64)

    # -- hits -----------------------------------------------------------------------------------
    def _explainer(
        self, joined: Joined, score: Float64, reranked: Float64 | None = None
    ) -> Explainer:
        answer = joined.answer
        return Explainer(
            self.store,
            self.store.table(),
            answer.rows,
            answer.fusion,
            score,
            reranked,
            order=joined.order,
            which=joined.which,
            lost=joined.lost,
        )

    def _hits(
        self,
        answer: Answer,
        score: Float64,
        order: Int64,
        also: Mapping[int, list[int]],
        explainer: Explainer,
        settings: Settings,
        moments: bool,
        offset: int,
    ) -> list[Hit]:
        table = self.store.table()
        shown = order[offset : offset + settings.top].tolist()
        if moments:
            explainer.look_at(shown)
        hits = []
        for rank, number in enumerate(shown, offset + 1):
            video = self.store.video(table.video_ids[number])
            if video is None:
                continue
            hits.append(
                Hit(
                    rank=rank,
                    video=video,
                    score=float(score[number]),
                    moments=(
                        explainer.moments(number, video, settings.moments_per_video)
                        if moments
                        else ()
                    ),
                    why=explainer.reasons(number) if moments else (),
                    also_in=tuple(table.video_ids[copy] for copy in also.get(number, ())),
                    confidence=None if answer.alarm is None else 1.0 - float(answer.alarm[number]),
                )
            )
        return hits


def _is_plain(clause: Clause) -> bool:
    """Whether a question is but one text once its filters are taken out."""
    return clause.kind == "text" and clause.channel is None and not clause.exact


def _main(clause: Clause) -> Clause | None:
    """Return the text that is asked like a plain question, beside what else is said of it."""
    if clause.kind in ("first", "every"):
        return _main(clause.parts[0])
    parts = clause.parts if clause.kind == "all" else (clause,)
    texts = [part for part in parts if _is_plain(part)]
    return texts[0] if len(texts) == 1 else None


def _words(query: Query) -> str:
    """Return the words of a question that are looked for: all of a plain one."""
    if query.clause is None:
        return query.text
    main = _main(query.clause)
    return main.text if main is not None else ", ".join(_texts(query.clause))


def _texts(clause: Clause) -> list[str]:
    if clause.kind == "not":
        return []
    own = [clause.text] if clause.text else []
    return own + [text for part in clause.parts for text in _texts(part)]


def _language(text: str) -> str | None:
    return detect(text) or next(iter(languages_by_script(text)), None)
