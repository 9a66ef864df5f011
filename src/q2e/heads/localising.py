"""What every recipe shares that learns which stretch of a video a text describes."""

# Annotations stay values here: recipes in other files inherit these parameters.

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Gradient, Learnt

if TYPE_CHECKING:
    from q2e.heads.trainer import Watch


@dataclass(frozen=True, kw_only=True)
class Localising(Gradient):
    """A recipe of the kind `localise`: its objective is a `SpanObjective`.

    Where `told` is true it learns from which stretch each text describes; what it learnt needs that
    no more.
    """

    told: ClassVar[bool] = False

    def train(
        self, features: FeatureSet, folder: Path | None = None, watch: "Watch | None" = None
    ) -> Learnt:
        if self.told:
            told_spans(features, type(self).__name__.lower())
        return super().train(features, folder, watch)

    def scores(self, weights: Mapping[str, Any], features: FeatureSet) -> Float64:
        name = type(self).__name__
        raise ConfigError(f"{name} finds stretches inside a video; it ranks no videos")

    def figures(self, weights: Mapping[str, Any], features: FeatureSet) -> dict[str, float]:
        """Return R@1 at overlaps of .5 and .7, and the mean overlap, over texts."""
        told_spans(features, "a measure of stretches")
        made: Any = self.loaded(weights, features)
        from q2e.heads.blocks.spans import overlaps, right_of

        found = overlaps(made.best(features, "cpu"), right_of(features))
        above = {f"R@1 IoU>={least:g}": float((found >= least).mean()) for least in (0.5, 0.7)}
        return above | {"mIoU": float(found.mean())}

    def stretches_of(
        self, weights: Mapping[str, Any], features: FeatureSet
    ) -> tuple[Float64, Float64]:
        """Return the stretches (K, 2) of the one video, in seconds, and what each is worth (K,).

        `features` hold one video with one text. Raises ConfigError where weights do not fit.
        """
        made: Any = self.loaded(weights, features)
        import torch

        from q2e.heads.blocks.spans import seconds_of

        with torch.no_grad():
            spans, scores = made.judged(features, [0], "cpu")
        found = seconds_of(spans[0].double().numpy(), features.times_s[0])
        return found, np.asarray(scores[0].double().numpy())


def told_spans(features: FeatureSet, what: str) -> None:
    """Raise ConfigError where nothing says which stretch each text describes."""
    if features.spans_s is None or not features.times_s:
        raise ConfigError(
            f"{what} needs to know which stretch each text describes (spans_s) and when frames are "
            "shown (times_s); see q2e.heads.feature_files for the form"
        )
