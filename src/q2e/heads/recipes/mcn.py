"""The Moment Context Network, with where a stretch begins and ends among its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Gradient
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective


@method("training", trains="localise", source="MCN: Hendricks et al. 2017")
@dataclass(frozen=True, kw_only=True)
class Mcn(Gradient):
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

    def objective(self, features: FeatureSet) -> Objective:
        if features.spans_s is None or not features.times_s:
            raise ConfigError(
                "mcn needs to know which stretch each text describes (spans_s) and when frames are "
                "shown (times_s); see q2e.heads.feature_files for the form"
            )
        from q2e.heads.blocks.moments import McnObjective

        return McnObjective(
            features.dimension, features.text_dimension, self.hidden, self.chunks, self.dropout,
            self.width, self.other,
        )  # fmt: skip

    def scores(self, weights: Mapping[str, Any], features: FeatureSet) -> Float64:
        raise ConfigError("mcn finds stretches inside a video; it ranks no videos")

    def figures(self, weights: Mapping[str, Any], features: FeatureSet) -> dict[str, float]:
        """Return R@1 at overlaps of .5 and .7, and the mean overlap, over texts."""
        made: Any = self.loaded(weights, features)
        from q2e.heads.blocks.moments import overlaps, parts_of

        right = np.array([parts_of(features, text) for text in range(len(features.tokens))])
        found = overlaps(made.best(features, "cpu"), right)
        above = {f"R@1 IoU>={least:g}": float((found >= least).mean()) for least in (0.5, 0.7)}
        return above | {"mIoU": float(found.mean())}
