"""A temporal transformer over frames before their mean."""

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


@method("training", trains="head", source="CLIP4Clip, seqTransf: Luo et al. 2022")
@dataclass(frozen=True, kw_only=True)
class SeqTransf(Gradient):
    """Frames see one another in order, then mean pooling as in `meanpool`."""

    layers: Annotated[int, Field(ge=1, le=24, description="Layers of self-attention.")] = 2
    heads: Annotated[
        int, Field(ge=1, le=64, description="Heads of each; they divide the dimension.")
    ] = 4
    places: Annotated[int, Field(ge=1, le=10_000, description="Frames with a place.")] = 64

    def objective(self, features: FeatureSet) -> Objective:
        dimension = features.in_one_space("the transformer")
        if dimension % self.heads:
            raise ConfigError(
                f"seqtransf: heads = {self.heads} does not divide the {dimension} dimensions of "
                "the features"
            )
        from q2e.heads.blocks.pooled import MeanObjective
        from q2e.heads.blocks.temporal import TemporalTransformer

        before = TemporalTransformer(dimension, self.layers, self.heads, self.places, self.dropout)
        return MeanObjective(dimension, self.dropout, before)
