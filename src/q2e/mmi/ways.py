"""What MMI-TVR asks and how it weighs: the parameters of the paper's section 3.3 and figure 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from q2e.arrays import Float32
from q2e.mmi.knowledge import ASKED, Question, Rule, cluster
from q2e.mmi.scorer import RELEVANCE, SKELETON
from q2e.mmi.skeletons import Skeleton

Sides = Literal["both", "text", "visual", "none"]
#: What skeletons are made of, figure 3a: who does what alone (GP), answers to questions alone
#: (FKP), or both (MGP). The paper names the three and prints none of their prompts, so that this is
#: our reading.
Grain = Literal["general", "fine", "both"]


@dataclass(frozen=True, slots=True)
class KnowledgeWays:
    """How many questions are asked of each side, which, and what their answers are worth."""

    k: int | Literal["auto"] = ASKED
    """Clusters of the questions of a pool (eq. 5)."""
    prompts: int | None = None
    """Questions asked of each side (figure 3b), taken in turn from the clusters; one of each."""
    seed: int = 0
    clustered: bool = True
    sides: Sides = "both"
    grain: Grain = "both"
    shown: Rule | Literal["none"] = "none"
    """How demonstrations are sampled (eq. 7)."""
    relevance: float = RELEVANCE
    skeleton: float = SKELETON

    def chosen(self, questions: Sequence[Question], points: Float32) -> list[Question]:
        """Return the questions asked of (n, d) `points`: those nearest the centres, in turn.

        Without clusters (the paper's ablation) as many are drawn by chance.
        """
        if not self.clustered:
            count = self.prompts or (ASKED if self.k == "auto" else self.k)
            rng = np.random.default_rng(self.seed)
            drawn = rng.choice(len(questions), min(count, len(questions)), replace=False)
            return [questions[number] for number in sorted(drawn.tolist())]
        groups = cluster(points, self.k, self.seed)
        count = len(groups) if self.prompts is None else min(self.prompts, len(questions))
        most = max(map(len, groups))
        turns = [group[turn] for turn in range(most) for group in groups if turn < len(group)]
        return [questions[number] for number in turns[:count]]

    def clusters(self, points: Float32) -> list[list[int]]:
        """Return the clusters of which each gives a demonstration; one of all without clusters."""
        if self.clustered:
            return cluster(points, self.k, self.seed)
        order = np.random.default_rng(self.seed).permutation(len(points))
        return [
            part.tolist() for part in np.array_split(order, ASKED if self.k == "auto" else self.k)
        ]

    def asks(self, side: Literal["text", "visual"]) -> bool:
        """Return whether questions are asked of a side."""
        return self.grain != "general" and self.sides in ("both", side)

    def kept(self, skeleton: Skeleton) -> Skeleton:
        """Return what of a skeleton counts."""
        if self.grain != "fine":
            return skeleton
        return replace(skeleton, entities=(), actions=(), scene="", time="", attributes=())
