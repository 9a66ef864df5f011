"""Which stretch a text means, learnt from which video it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from q2e.heads.features import FeatureSet
from q2e.heads.localising import Localising
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method("training", trains="localise", source="VLANet: Ma et al. 2020")
@dataclass(frozen=True, kw_only=True)
class Vlanet(Localising):
    """The stretches most like a text stand for its video, and only videos are told.

    1. Stretches are means of frames; those most like the text in the learned space are surrogates.
    2. Words look at surrogates, and weigh by what they find; surrogates are compared with the text
       that is left, so that words which nothing shows count little.
    3. A text should be liker to the surrogates of its video than to those of others (InfoNCE).

    Bounds are not looked at; frames and texts may be of different spaces. The paper's GRU, its
    gates and its losses by direction are left out.
    """

    hidden: Annotated[int, Field(ge=2, le=8_192, description="Dimensions of both sides.")] = 64
    chunks: Annotated[
        int, Field(ge=2, le=32, description="Equal parts of a video; a stretch is a run of them.")
    ] = 12
    surrogates: Annotated[
        int, Field(ge=1, le=600, description="Stretches of a video that are compared.")
    ] = 4

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.surrogate import SurrogateObjective

        return SurrogateObjective(
            features.dimension, features.text_dimension, self.hidden, self.chunks, self.surrogates,
            self.dropout,
        )  # fmt: skip
