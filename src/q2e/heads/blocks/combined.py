"""Training of an example and a text that changes it, against what is meant: a combiner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.arrays import Float32
from q2e.heads.blocks.batches import texts_of
from q2e.heads.blocks.pooled import SCALE
from q2e.heads.features import FeatureSet
from q2e.heads.losses import symmetric_infonce
from q2e.heads.objective import Objective
from q2e.heads.ranks import one_way


@dataclass(frozen=True, slots=True, eq=False)
class Triplets:
    """Unit vectors (B, d) of examples, texts and what is meant."""

    examples: Tensor
    texts: Tensor
    meant: Tensor


class CombinerObjective(Objective):
    """unit(s text + (1 - s) example + MLP(both)), s a gate of both (CLIP4Cir)."""

    def __init__(self, dimension: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.example, self.text = nn.Linear(dimension, hidden), nn.Linear(dimension, hidden)
        self.gate = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
        )
        self.more = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, dimension),
        )  # fmt: skip
        # At first the question is the mean of example and text, and nothing is learnt of more.
        for last in (self.gate[-1], self.more[-1]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        self.log_scale = nn.Parameter(torch.tensor(SCALE))

    def composed(self, examples: Tensor, texts: Tensor) -> Tensor:
        """Return the unit vectors (B, d) of composed questions."""
        both = torch.cat([self.example(examples).relu(), self.text(texts).relu()], dim=-1)
        share = self.gate(both).sigmoid()
        return F.normalize(share * texts + (1 - share) * examples + self.more(both), dim=-1)

    def batch(
        self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any
    ) -> Triplets:
        """Return pairs of (video meant, text) with the example of the text."""
        assert features.example is not None
        means = unit_means(features.frames)
        examples = [int(features.example[text]) for _, text in pairs]
        return Triplets(
            torch.from_numpy(means[examples]).to(device),
            texts_of([features.tokens[text] for _, text in pairs], device),
            torch.from_numpy(means[[video for video, _ in pairs]]).to(device),
        )

    def contrast(self, batch: Triplets) -> Tensor:
        """Return the symmetric InfoNCE between composed questions and what is meant."""
        asked = self.composed(batch.examples, batch.texts)
        return symmetric_infonce(self.log_scale.exp() * asked @ batch.meant.T)

    def scores(self, features: FeatureSet, device: Any) -> Tensor:
        """Return cosines (T, V); a question does not find its own example."""
        assert features.example is not None
        means = torch.from_numpy(unit_means(features.frames)).to(device)
        example = torch.from_numpy(features.example).to(device)
        with torch.no_grad():
            asked = self.composed(means[example], texts_of(features.tokens, device))
            return (asked @ means.T).scatter(1, example[:, None], -1.0).cpu()

    def validation(self, features: FeatureSet, device: Any) -> float:
        """Return the mean reciprocal rank of what is meant."""
        return one_way(self.scores(features, device).double().numpy(), features.relevance())


def unit_means(videos: Sequence[Float32]) -> Float32:
    """Return (V, d) the unit mean of each video's frames."""
    means = np.stack([frames.mean(axis=0) for frames in videos])
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit, np.float32)
