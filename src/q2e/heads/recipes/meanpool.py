"""Mean pooling with a linear layer a side: the baseline of every trained head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Gradient
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method("training", trains="head", source="CLIP4Clip, meanP: Luo et al. 2022")
@dataclass(frozen=True, kw_only=True)
class MeanPool(Gradient):
    """The mean of a video's frames against the text, a linear layer on each.

    Before training both layers are the identity, so that it begins as the cosine of the mean.
    """

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.pooled import MeanObjective

        return MeanObjective(features.in_one_space("mean pooling"), self.dropout)
