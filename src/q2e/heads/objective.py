"""What a training asks of the thing that is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from q2e.heads.features import FeatureSet
from q2e.heads.ranks import reciprocal_rank


class Objective(nn.Module):
    """A module in training: it makes batches, has losses of them, and says how good it is.

    A recipe gives `batch`, `contrast` and `vectors` or `scores`. `masked` is the loss of the first
    stage, where a schedule has `masked_steps`.
    """

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Any:
        """Return pairs of (video, text) as tensors."""
        raise NotImplementedError

    def contrast(self, batch: Any) -> Tensor:
        """Return the loss of a batch."""
        raise NotImplementedError

    def masked(self, batch: Any) -> Tensor:
        """Return the loss of a batch in the first stage; that of the second without its own."""
        return self.contrast(batch)

    def vectors(self, features: FeatureSet, device: Any) -> tuple[Tensor, Tensor]:
        """Return unit vectors of all texts (T, d) and videos (V, d), on the CPU."""
        raise NotImplementedError

    def scores(self, features: FeatureSet, device: Any) -> Tensor:
        """Return the scores (T, V) of all texts and videos, on the CPU; cosines of `vectors`."""
        texts, videos = self.vectors(features, device)
        return texts @ videos.T

    def validation(self, features: FeatureSet, device: Any) -> float:
        """Return how good it is on features, the higher the better: MRR of both directions."""
        scores = self.scores(features, device).double().numpy()
        return reciprocal_rank(scores, features.relevance())
