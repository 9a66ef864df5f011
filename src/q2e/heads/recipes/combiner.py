"""A combiner of an example and the text that changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Gradient
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method("training", trains="compose", source="CLIP4Cir, Combiner: Baldrati et al. 2022")
@dataclass(frozen=True, kw_only=True)
class Combiner(Gradient):
    """A gate between example and text, and what both say together, against the video meant.

    Needs triplets: the number of the example that each text changes (`example`), and the video
    that is meant (`video`).
    """

    hidden: Annotated[int, Field(ge=2, le=8_192, description="Dimensions inside.")] = 256

    def objective(self, features: FeatureSet) -> Objective:
        if features.example is None:
            raise ConfigError(
                "combiner needs the example that each text changes (example); see "
                "q2e.heads.feature_files for the form"
            )
        from q2e.heads.blocks.combined import CombinerObjective

        dimension = features.in_one_space("the combiner")
        return CombinerObjective(dimension, self.hidden, self.dropout)
