"""Attention of the text over frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Gradient
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method("training", trains="head", source="X-Pool: Gorti et al. 2022")
@dataclass(frozen=True, kw_only=True)
class XPool(Gradient):
    """Each text looks at the frames that are like it, so that one fitting frame is enough.

    A video has another vector for each text: exact, and for the best of a search, not for a whole
    collection. Where every frame says the same it is mean pooling with more to learn.
    """

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.pooled import AttentionObjective

        return AttentionObjective(features.in_one_space("attention"), self.dropout)
