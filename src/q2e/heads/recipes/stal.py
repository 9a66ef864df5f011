"""Stretches as sets of regions, near to the words that tell of them."""

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
    source="STAL: Temporal Localization of Moments in Video Collections with Natural Language, "
    "Escorcia et al. 2019",
)
@dataclass(frozen=True, kw_only=True)
class Stal(Localising):
    """Each word needs a region of the stretch and each region a word, by Chamfer distance.

    d = mean over regions of the squared distance to the nearest word, and over words to the nearest
    region, in a learned space; hinges hold it against other stretches and other videos. Needs
    `regions`, `times_s` and `spans_s`; the features of an index have no regions.
    """

    hidden: Annotated[int, Field(ge=2, le=8_192, description="Dimensions of both sides.")] = 64
    chunks: Annotated[
        int, Field(ge=2, le=32, description="Equal parts of a video; a stretch is a run of them.")
    ] = 12
    width: Annotated[float, Field(gt=0, le=4, description="Margin of the hinge.")] = 0.2
    other: Annotated[
        float, Field(ge=0, le=10, description="Share of the hinge against other videos.")
    ] = 0.5
    sets: Annotated[bool, Field(description="Chamfer distance; else that of the means.")] = True

    told: ClassVar[bool] = True

    def objective(self, features: FeatureSet) -> Objective:
        if not features.regions:
            raise ConfigError(
                "stal compares regions of frames with words, and these features hold none "
                "(regions); see q2e.heads.feature_files for the form"
            )
        from q2e.heads.blocks.regions import RegionObjective

        return RegionObjective(
            features.dimension, features.text_dimension, self.hidden, self.chunks, self.dropout,
            self.width, self.other, self.sets,
        )  # fmt: skip
