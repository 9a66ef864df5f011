"""The Moment Context Network, with where a stretch begins and ends among its features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from q2e.heads.features import FeatureSet
from q2e.heads.localising import Localising
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method("training", trains="localise", source="MCN: Hendricks et al. 2017")
@dataclass(frozen=True, kw_only=True)
class Mcn(Localising):
    """Stretches of a video near to the text that describes them, wrong ones further away.

    A stretch is the mean of its frames, the mean of the video, and its begin and end; the text is
    one vector, where the paper reads words by an LSTM. Needs `times_s` and `spans_s`.
    """

    hidden: Annotated[int, Field(ge=2, le=8_192, description="Dimensions of both sides.")] = 128
    chunks: Annotated[
        int, Field(ge=2, le=32, description="Equal parts of a video; a stretch is a run of them.")
    ] = 6
    width: Annotated[float, Field(gt=0, le=4, description="Margin of the hinge.")] = 0.1
    other: Annotated[
        float, Field(ge=0, le=10, description="Share of the hinge against other videos.")
    ] = 0.5

    told: ClassVar[bool] = True

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.moments import McnObjective

        return McnObjective(
            features.dimension, features.text_dimension, self.hidden, self.chunks, self.dropout,
            self.width, self.other,
        )  # fmt: skip
