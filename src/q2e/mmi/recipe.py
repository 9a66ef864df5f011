"""The training of MMI-TVR's head as a recipe of `q2e train`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Gradient, Learnt, needs_torch
from q2e.mmi.features import config_for, scores
from q2e.mmi.reason import Head, HeadConfig
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.objective import Objective
    from q2e.heads.trainer import Watch

Weights = Literal["closeness", "disparity", "learned", "length", "uniform"]


@method("training", "mmi", trains="mmi", source="MMI-TVR (ACM Multimedia 2024), eqs. 1 to 3")
@dataclass(frozen=True, kw_only=True)
class MmiTraining(Gradient):
    """Key-images, attention mixed by H and G; masked prediction, then contrast.

    With the same parameters it gives the bits of `q2e mmi train`.
    """

    masked_steps: Annotated[
        int, Field(ge=0, description="Steps of masked prediction before the contrast.")
    ] = 200
    check_every: Annotated[int, Field(ge=1, description="Steps between checkpoints.")] = 100
    mask_rate: Annotated[float, Field(gt=0, lt=1, description="Share of what is hidden.")] = 0.15
    temporal: Annotated[
        Literal["H", "self", "none"], Field(description="Attention in time, mixed by H or not.")
    ] = "H"
    spatial: Annotated[
        Literal["G", "self", "none"], Field(description="Attention in space, mixed by G or not.")
    ] = "G"
    alpha: Annotated[Weights, Field(description="Weights of frames.")] = "closeness"
    beta: Annotated[Weights, Field(description="Weights of key-images.")] = "length"
    most: Annotated[int, Field(ge=1, le=1_000, description="Most key-images of a video.")] = 16

    def config(self, features: FeatureSet) -> HeadConfig:
        """Return the head's configuration for these features."""
        return config_for(
            features,
            temporal=self.temporal,
            spatial=self.spatial,
            alpha=self.alpha,
            beta=self.beta,
            most=self.most,
        )

    def objective(self, features: FeatureSet) -> Objective:
        from q2e.mmi.objective import HeadObjective

        return HeadObjective(
            self.config(features), seed=self.seed, dropout=self.dropout, mask_rate=self.mask_rate
        )

    def train(
        self, features: FeatureSet, folder: Path | None = None, watch: Watch | None = None
    ) -> Learnt:
        needs_torch("training")
        from q2e.mmi.train import train_head

        head, done = train_head(features, self.config(features), self.schedule, folder, watch)
        return Learnt(head.weights, done.best, done.best_step, done.steps, done.stopped_early)

    def scores(self, weights: Mapping[str, Any], features: FeatureSet) -> Float64:
        """Return the scores of the head in numpy."""
        try:
            return scores(Head(self.config(features), weights, features.space), features)
        except ValueError as error:
            raise ConfigError(f"weights and features do not fit: {error}") from None
