"""Pictures and texts in one space by regularised canonical correlation, in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.ranks import reciprocal_rank
from q2e.heads.recipe import Learnt, Recipe
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.heads.trainer import Watch

#: Added to the deviation of a feature that hardly varies.
_FLAT = 1e-3
#: Pairs below which it was found not to pay.
FEW = 800


@method("training", trains="eye", source="canonical correlation: Hotelling 1936; regularised")
@dataclass(frozen=True, kw_only=True)
class Cca(Recipe):
    """Directions in which features of pictures and vectors of their texts go together.

    Features are standardised, texts centred; Cxx + `ridge` I and Cyy + `text_ridge` tr(Cyy)/d I
    are whitened, and the `directions` of the largest correlations are scaled by them. Where the
    features have `labels`, a picture is unit([head, `labels` times its label vector]) and a text
    unit([head, its label vector]): a head alone loses what labels know.
    """

    directions: Annotated[int, Field(ge=1, le=4_096, description="Directions kept.")] = 128
    ridge: Annotated[
        float, Field(gt=0, le=1_000, description="Added to the variances of features.")
    ] = 1.0
    text_ridge: Annotated[
        float, Field(gt=0, le=1_000, description="Added to those of texts, in their mean.")
    ] = 0.3
    labels: Annotated[
        float, Field(ge=0, le=100, description="Weight of the vector of labels beside the head.")
    ] = 3.0

    def train(
        self, features: FeatureSet, folder: Path | None = None, watch: Watch | None = None
    ) -> Learnt:
        shown = features.subset("train")
        pictures = pooled(shown)[shown.video]
        texts = meant(shown)
        if len(texts) < 2:
            raise ConfigError("cca needs at least 2 pairs in the split 'train'")
        weights = fitted(pictures, texts, self.directions, self.ridge, self.text_ridge)
        held = features.subset("val")
        best = reciprocal_rank(self.scores(weights, held), held.relevance())
        note = ""
        if len(texts) < FEW:
            note = f"{len(texts)} pairs: below some {FEW} a head was found worse than labels alone"
        return Learnt(weights, best, note=note)

    def scores(self, weights: Mapping[str, Any], features: FeatureSet) -> Float64:
        pictures = self.pictures(weights, pooled(features), features.labels)
        return self.texts(weights, meant(features), features.text_labels) @ pictures.T

    def pictures(self, weights: Mapping[str, Any], features: Any, labels: Any = None) -> Float64:
        """Return unit vectors (n, k) of pictures from features (n, d), and labels (n, l)."""
        if features.shape[1] != len(weights["mean"]):
            raise ConfigError(
                f"the eye was trained on features of {len(weights['mean'])} dimensions, these have "
                f"{features.shape[1]}"
            )
        centred = (features - weights["mean"]) / (weights["deviation"] + _FLAT)
        return joined(centred @ weights["pictures"], labels, self.labels)

    def texts(self, weights: Mapping[str, Any], vectors: Any, labels: Any = None) -> Float64:
        """Return unit vectors (n, k) of texts from their vectors (n, e), and labels (n, l)."""
        if vectors.shape[1] != len(weights["text_mean"]):
            raise ConfigError(
                f"the eye was trained on texts of {len(weights['text_mean'])} dimensions, these "
                f"have {vectors.shape[1]}"
            )
        # No weight of labels on one side alone would put its head beside nothing.
        share = min(self.labels, 1.0)
        return joined((vectors - weights["text_mean"]) @ weights["texts"], labels, share)


def fitted(
    pictures: Float64, texts: Float64, directions: int, ridge: float, text_ridge: float
) -> dict[str, Float64]:
    """Return the head of pairs: pictures (n, d) and texts (n, e), row by row."""
    mean, deviation, text_mean = pictures.mean(axis=0), pictures.std(axis=0), texts.mean(axis=0)
    x = (pictures - mean) / (deviation + _FLAT)
    y = texts - text_mean
    n = len(x)
    cxx = x.T @ x / n + ridge * np.eye(x.shape[1])
    cyy = y.T @ y / n
    cyy += text_ridge * np.trace(cyy) / len(cyy) * np.eye(len(cyy))
    white_x, white_y = _inverse_root(cxx), _inverse_root(cyy)
    left, sizes, right = np.linalg.svd(white_x @ (x.T @ y / n) @ white_y, full_matrices=False)
    k = min(directions, len(sizes))
    return {
        "mean": mean,
        "deviation": deviation,
        "text_mean": text_mean,
        "pictures": white_x @ left[:, :k] * sizes[:k],
        "texts": white_y @ right[:k].T * sizes[:k],
        "correlation": sizes[:k],
    }


def joined(head: Float64, labels: Any, share: float) -> Float64:
    """Return unit([unit(head), share * labels]); the head alone without labels."""
    made = _unit(head)
    if labels is not None and share > 0:
        made = _unit(np.concatenate([made, share * np.asarray(labels, np.float64)], axis=1))
    return made


def pooled(features: FeatureSet) -> Float64:
    """Return (V, d) the mean of each video's frames."""
    return np.stack([frames.mean(axis=0) for frames in features.frames]).astype(np.float64)


def meant(features: FeatureSet) -> Float64:
    """Return (T, e) the mean of each text's tokens."""
    return np.stack([tokens.mean(axis=0) for tokens in features.tokens]).astype(np.float64)


def _inverse_root(matrix: Float64) -> Float64:
    sizes, directions = np.linalg.eigh(matrix)
    return np.asarray((directions / np.sqrt(np.maximum(sizes, 1e-12))) @ directions.T)


def _unit(vectors: Float64) -> Float64:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))
