"""Scores candidates of a search by MMI-TVR: key-images against the request, and skeletons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from threading import Lock
from typing import Annotated, Literal
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import Field

from q2e.errors import ModelError
from q2e.methods.decompose.base import Decomposer
from q2e.methods.rerank.base import Candidate, Depth, Rating, Reranker, Tools, Unfold, Weight
from q2e.methods.rerank.joint import Mmi, Side, spoken
from q2e.mmi.knowledge import ASKED, Rule
from q2e.mmi.reason import Head
from q2e.mmi.scorer import RELEVANCE, SKELETON, TOP
from q2e.mmi.ways import Grain, KnowledgeWays, Sides
from q2e.models.language import language_model
from q2e.query import knowledge
from q2e.registry import method
from q2e.store.base import Searched
from q2e.text.language import detect
from q2e.types import Decomposition, Query

#: Vectors of statements kept between questions.
KEPT = 50_000
#: Videos that the example of the demonstrations may find.
LOOKED = 200

Share = Annotated[float, Field(ge=0, le=10, description="Share in the joint score (eq. 10).")]


@method("rerank", source="MMI-TVR, eq. 10")
@dataclass(frozen=True, kw_only=True)
class MmiReranker(Reranker):
    """Rate by MMI-TVR's joint score: key-images against the request, and skeletons.

    Questions of both pools are asked in the language of the question where there are pools of it,
    else in English. Demonstrations are about a fixed example in that language, so that they do not
    hang on what was asked before.
    """

    depth: Depth = 20
    weight: Weight = 0.5
    top: Annotated[
        int, Field(ge=1, le=1_000, description="Candidates whose skeletons are compared.")
    ] = TOP
    k: Annotated[
        Annotated[int, Field(ge=1, le=50)] | Literal["auto"],
        Field(description="Clusters of each pool of questions; auto by silhouette."),
    ] = ASKED
    prompts: Annotated[
        int | None, Field(ge=1, le=50, description="Questions asked of each side; k without it.")
    ] = None
    seed: Annotated[int, Field(ge=0, description="Of the clusters, or of the draw.")] = 0
    clustered: Annotated[
        bool, Field(description="Whether questions are chosen by clusters, or drawn by chance.")
    ] = True
    sides: Annotated[
        Sides, Field(description="Which sides are asked questions: table 3's knowledge rows.")
    ] = "both"
    grain: Annotated[
        Grain,
        Field(description="Skeletons of who does what (GP), of answers (FKP), or of both (MGP)."),
    ] = "both"
    shown: Annotated[
        Rule | Literal["none"],
        Field(description="How demonstrations are sampled (eq. 7); none shows none."),
    ] = "none"
    tuned: Annotated[
        bool,
        Field(description="Whether a tuned model has its adapters: table 3's first ablation."),
    ] = True
    lambda_r: Share = RELEVANCE
    lambda_s: Share = SKELETON

    @property
    def ways(self) -> KnowledgeWays:
        """What is asked, and how it weighs."""
        return KnowledgeWays(
            self.k, self.prompts, self.seed, self.clustered, self.sides, self.grain, self.shown,
            self.lambda_r, self.lambda_s,
        )  # fmt: skip

    def scorer(self, store: Searched, tools: Tools) -> Mmi:
        """Return what scores by these parameters; skeletons and vectors are kept with the store."""
        kept = _scorer(store, tools, self.ways, self.tuned)
        # Searches at the same time share skeletons and vectors, not time and counts.
        return replace(kept, deadline=tools.deadline, how=Counter())

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        if tools.store is None:
            return Rating(np.full(len(candidates), np.nan), note="mmi needs the store")
        scorer, decomposition = self.scorer(tools.store, tools), unfolded(question, tools)
        told = _demonstrated(scorer, spoken(decomposition.language))
        videos = [candidate.video for candidate in candidates]
        scores = scorer.scores([decomposition], videos, top=self.top)[0]
        if not self.tuned and scorer.tuned is None:
            told = "; ".join(
                filter(None, (told, "no tuned model is named: tuned=False is no change"))
            )
        how = ", ".join(f"{count} by {name}" for name, count in sorted(scorer.how.items()))
        name = "untrained head" if scorer.head is None else f"head of {scorer.head.space}"
        asked = scorer.model or scorer.vision
        if scorer.tuned is not None:
            name = f"tuned model of {scorer.tuned.space}"
        elif asked is not None:
            name += f"; asks {asked.info.id}"
        return Rating(scores, f"mmi ({name})", "; ".join(filter(None, (f"skeletons: {how}", told))))


def _demonstrated(scorer: Mmi, language: str) -> str:
    """Make the demonstrations of both pools where they are wanted, and say what came of it."""
    rule = scorer.ways.shown
    if rule == "none":
        return ""
    if scorer.model is None and scorer.vision is None:
        return "no demonstrations: no model is named"
    plain = knowledge.load().plain
    example = Decomposition((plain.get(language) or plain["en"])[0], language)
    videos = nsmallest(LOOKED, scorer.store.videos(), key=lambda video: video.id)
    sides: tuple[Side, ...] = ("text", "visual")
    for side in sides:
        wanted = scorer.ways.asks(side) and not (side == "text" and scorer.model is None)
        if wanted and (side, language) not in scorer.shown:
            try:
                scorer.demonstrate(example, videos, rule, side)
            except ModelError as error:
                # Not tried again for every question that follows.
                scorer.shown[side, language] = ()
                return f"no demonstrations of the {side} pool: {error}"
    count = sum(len(scorer.shown.get((side, language), ())) for side in sides)
    return f"{count} demonstrations"


def unfolded(question: str, tools: Tools) -> Decomposition:
    """Return a question unfolded as the search did, or by its own events, in its language."""
    decomposition = (tools.unfold or _by_events(tools))(question)
    if decomposition.language is None:
        decomposition = replace(decomposition, language=detect(question))
    return decomposition


def _by_events(tools: Tools) -> Unfold:
    decomposer = Decomposer.of("events", tools.settings, tools.models)
    return lambda question: decomposer.decompose(Query(question))


#: The scorers of each open store, so that skeletons are made once for many questions.
_scorers: WeakKeyDictionary[Searched, tuple[tuple[object, ...], dict[object, Mmi]]] = (
    WeakKeyDictionary()
)
_making = Lock()


def _scorer(store: Searched, tools: Tools, ways: KnowledgeWays, adapted: bool = True) -> Mmi:
    models = tools.models
    # How questions are ranked again has its own place in the key, and asks no other models.
    settings = tools.settings.model_copy(update={"rerank": None})
    key = (store.table().version, models.profile, settings)
    with _making:
        known = _scorers.get(store)
        if known is None or known[0] != key:
            known = _scorers[store] = (key, {})
        kept = known[1].get((ways, adapted))
        if kept is not None and len(kept._said) < KEPT:
            return kept
        named = tools.settings.language_model is not None or models.has("language")
        own = models.load("mmi") if models.has("mmi") else None
        if own is not None and not isinstance(own, Head):
            # A tuned model is the paper's in every place: vectors, skeletons, Enc.
            own = own if adapted else own.plain
            made = Mmi(
                store, models.image, models.text, tuned=own, model=own, vision=own, ways=ways
            )
        else:
            made = Mmi(
                store,
                models.image,
                models.text,
                head=own,
                model=language_model(tools.settings, models) if named else None,
                vision=models.vision if models.has("vision") else None,
                ways=ways,
            )
        known[1][ways, adapted] = made
        return made
