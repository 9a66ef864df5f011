"""Training of which stretch of a video a text describes: MCN with temporal endpoint features."""

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
from q2e.heads.blocks.spans import SpanObjective, described, nearest, parts_of, stretches
from q2e.heads.features import FeatureSet


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches (B, S, 2 d + 2) of B videos, the right one of each (B,), and texts (B, e)."""

    stretches: Tensor
    right: Tensor
    texts: Tensor


class McnObjective(SpanObjective):
    """||MLP([local mean, global mean, begin, end]) - W text||^2, the smaller the better."""

    def __init__(
        self,
        dimension: int,
        text_dimension: int,
        hidden: int,
        chunks: int,
        dropout: float,
        width: float,
        other: float,
    ) -> None:
        super().__init__()
        self.seen = nn.Sequential(
            nn.Linear(2 * dimension + 2, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
        )
        self.said = nn.Linear(text_dimension, hidden)
        self.bounds = stretches(chunks)
        self.width, self.other = width, other
        self._shown: tuple[int, list[Float32]] = (0, [])

    def shown(self, features: FeatureSet) -> list[Float32]:
        """Return the described stretches of all videos of a feature set, made once."""
        if self._shown[0] != id(features):
            made = [described(frames, self.bounds) for frames in features.frames]
            self._shown = (id(features), made)
        return self._shown[1]

    def batch(
        self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any
    ) -> Stretches:
        """Return pairs of (video, text) as tensors."""
        all_shown = self.shown(features)
        shown = [all_shown[video] for video, _ in pairs]
        right = [nearest(self.bounds, parts_of(features, text)) for _, text in pairs]
        return Stretches(
            torch.from_numpy(np.stack(shown)).to(device),
            torch.tensor(right, device=device),
            texts_of([features.tokens[text] for _, text in pairs], device),
        )

    def distances(self, shown: Tensor, texts: Tensor) -> Tensor:
        """Return (B, S) the squared distance of each stretch from the text of its row."""
        seen = F.normalize(self.seen(shown), dim=-1)
        said = F.normalize(self.said(texts), dim=-1)
        return (seen - said[:, None]).square().sum(-1)

    def contrast(self, batch: Stretches) -> Tensor:
        """Return the hinges against other stretches of the video, and the same of other videos."""
        own = self.distances(batch.stretches, batch.texts)
        right = own.gather(1, batch.right[:, None])
        wrong = torch.ones_like(own).scatter(1, batch.right[:, None], 0.0)
        inside = ((self.width + right - own).clamp_min(0) * wrong).sum() / wrong.sum()
        # The same stretch of the next video of the batch.
        elsewhere = batch.stretches.roll(1, dims=0)
        others = self.distances(elsewhere, batch.texts).gather(1, batch.right[:, None])
        return inside + self.other * (self.width + right - others).clamp_min(0).mean()

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        shown = self.shown(features)
        whole = np.stack([shown[int(features.video[text])] for text in texts])
        said = texts_of([features.tokens[text] for text in texts], device)
        distances = self.distances(torch.from_numpy(whole).to(device), said)
        bounds = torch.from_numpy(self.bounds).to(device)
        return bounds.expand(len(texts), -1, 2), -distances
