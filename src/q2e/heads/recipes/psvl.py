"""Which stretch a text means, learnt from videos and texts that nobody has paired."""

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
    source="PSVL: Zero-shot Natural Language Video Localization, Nam et al. 2021",
)
@dataclass(frozen=True, kw_only=True)
class Psvl(Localising):
    """Stretches found in videos, with pseudo queries of words that fit them and words beside those.

    1. Frames are clustered by the matrix of their likeness; runs of one cluster are events.
    2. Nouns of an event are the words of all texts most like its mean; verbs are drawn by how often
       they stand in one text with those. No verb need be like any frame.
    3. A localiser learns from nouns, from verbs, and from both.

    Texts may be of any videos, and bounds are not looked at: where texts are one vector each, as
    `q2e features` makes them, the texts most like an event are its queries, and there are no verbs.
    Detector and language model of the paper are replaced by likeness and counts.
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
    nouns: Annotated[int, Field(ge=1, le=16, description="Words that fit an event.")] = 1
    verbs: Annotated[int, Field(ge=0, le=16, description="Words that go with them.")] = 1

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.heads.blocks.pseudo import PseudoObjective
        from q2e.heads.blocks.stretched import Stretched

        dimension = features.in_one_space("PSVL")
        localiser = Stretched(dimension, dimension, self.chunks, self.reach, self.dropout)
        return PseudoObjective(localiser, self.events, self.together, self.nouns, self.verbs)
