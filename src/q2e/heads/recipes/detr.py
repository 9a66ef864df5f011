"""Stretches by queries that look at frames, which the text makes salient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.localising import Localising
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method(
    "training",
    trains="localise",
    source="Saliency-Guided DETR for Moment Retrieval, 2024; losses: Moment-DETR, Lei et al. 2021",
)
@dataclass(frozen=True, kw_only=True)
class Detr(Localising):
    """Queries that become centre and width each, on frames gated by how like the text they are.

    Begin and end are any, not those of a grid. Losses are L1 and generalised IoU of the query that
    is given the stretch by the Hungarian method, the chance that a query is right, and a margin of
    saliency between frames inside and outside. Needs `times_s` and `spans_s`; frames and texts may
    be of different spaces. Much smaller than the paper's: a layer of each kind.
    """

    hidden: Annotated[int, Field(ge=8, le=1_024, description="Dimensions inside.")] = 64
    queries: Annotated[int, Field(ge=1, le=100, description="Stretches of a video.")] = 8
    layers: Annotated[int, Field(ge=1, le=8, description="Layers of encoder and decoder.")] = 1
    heads: Annotated[int, Field(ge=1, le=16, description="Heads of attention.")] = 4
    gate: Annotated[bool, Field(description="Whether saliency gates frames.")] = True

    told: ClassVar[bool] = True

    def objective(self, features: FeatureSet) -> Objective:
        if self.hidden % self.heads:
            raise ConfigError(
                f"detr: hidden = {self.hidden} must be a multiple of heads = {self.heads}"
            )
        from q2e.heads.blocks.queries import QueryObjective

        return QueryObjective(
            features.dimension, features.text_dimension, self.hidden, self.queries, self.layers,
            self.heads, self.dropout, self.gate,
        )  # fmt: skip
