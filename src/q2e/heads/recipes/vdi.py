"""Stretches by what is shown and by what changes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from q2e.heads.features import FeatureSet
from q2e.heads.localising import Localising
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method(
    "training",
    trains="localise",
    source="VDI: Towards Generalisable Video Moment Retrieval, Luo et al. 2023",
)
@dataclass(frozen=True, kw_only=True)
class Vdi(Localising):
    """Words of doing go with differences between frames, words of things with frames.

    Two gates over the words of a text learn which are which; of a text that is one vector both take
    it whole. Scores of both add up, as in the localiser of `language_free`. Needs `times_s` and
    `spans_s`. In the paper differences are injected into the text encoder of CLIP; features are
    cached here, so they meet words after it.
    """

    chunks: Annotated[
        int, Field(ge=2, le=32, description="Equal parts of a video; a stretch is a run of them.")
    ] = 12
    changes: Annotated[
        bool, Field(description="Whether differences are seen, else frames twice.")
    ] = True

    told: ClassVar[bool] = True

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.moving import MovingObjective

        return MovingObjective(
            features.dimension, features.text_dimension, self.chunks, self.dropout, self.changes
        )
