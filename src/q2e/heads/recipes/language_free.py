"""Which stretch a text means, learnt without a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from q2e.heads.features import FeatureSet
from q2e.heads.localising import Localising
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method(
    "training",
    trains="localise",
    source="Language-free Training for Zero-shot Video Grounding: Kim et al. 2023",
)
@dataclass(frozen=True, kw_only=True)
class LanguageFree(Localising):
    """A frame of a stretch, with noise, stands for the query that would mean the stretch.

    Needs one space for pictures and texts, and neither texts nor bounds: it can be trained on any
    index. Stretches are runs of frames that are alike (k-means over their likeness). What it learns
    is what frames of one event share, so that what changes from frame to frame counts less.

    In the paper a transformer learns which frame stands for a stretch; here it is drawn, the
    likelier the more it is like the others.
    """

    chunks: Annotated[
        int, Field(ge=2, le=32, description="Equal parts of a video; a stretch is a run of them.")
    ] = 12
    reach: Annotated[
        int, Field(ge=0, le=16, description="Frames on each side that a frame is seen with.")
    ] = 2
    events: Annotated[int, Field(ge=2, le=64, description="Events of a video, at most.")] = 5
    together: Annotated[
        int, Field(ge=1, le=8, description="Neighbouring events that may be one stretch.")
    ] = 1
    noise: Annotated[float, Field(ge=0, le=10, description="Length of the noise of a query.")] = 0.5

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.free import FreeObjective
        from q2e.heads.blocks.stretched import Stretched

        dimension = features.in_one_space("training without language")
        localiser = Stretched(dimension, dimension, self.chunks, self.reach, self.dropout)
        return FreeObjective(localiser, self.events, self.together, self.noise)
