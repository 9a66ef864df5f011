"""A localiser without more: frames and texts in one learned space, and stretches that stand out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.arrays import Float64
from q2e.heads.blocks.batches import frames_of
from q2e.heads.blocks.pooled import SCALE
from q2e.heads.blocks.projection import projection
from q2e.heads.blocks.spans import (
    SpanObjective,
    Told,
    overlaps,
    shares,
    stretches,
    texts_of_videos,
    told_of,
)
from q2e.heads.features import FeatureSet

#: How sharply stretches are wanted that overlap more with the right one.
_SHARP = 10.0


class Stretched(nn.Module):
    """s(a, z) = scale (mean of cos(W f, V t) inside - outside) (z - a)^(1/4) + b(a, z).

    A frame f is seen with its neighbours over `reach` on each side by a learned mean of them, t is
    the mean of the text's tokens; W, V and the mean begin as what changes nothing, b as 0.
    """

    def __init__(
        self, dimension: int, text_dimension: int, chunks: int, reach: int, dropout: float
    ) -> None:
        super().__init__()
        self.seen = projection(dimension)
        self.said = projection(text_dimension, dimension)
        self.near = nn.Parameter(torch.zeros(2 * reach + 1))
        with torch.no_grad():
            self.near[reach] = 1.0
        bounds = stretches(chunks)
        self.prior = nn.Parameter(torch.zeros(len(bounds)))
        self.log_scale = nn.Parameter(torch.tensor(SCALE))
        self.chunks, self.dropout = chunks, nn.Dropout(dropout)
        self.register_buffer("length", torch.from_numpy(np.diff(bounds).ravel()).float())

    def forward(self, frames: Tensor, real: Tensor, text: Tensor) -> Tensor:
        """Return scores (B, S) of frames (B, N, d) for texts (B, e)."""
        seen = F.normalize(self.seen(self.dropout(frames)), dim=-1)
        said = F.normalize(self.said(self.dropout(text)), dim=-1)
        like = (seen * said[:, None]).sum(-1).masked_fill(~real, 0.0)
        reach = len(self.near) // 2
        like = F.conv1d(like[:, None], self.near[None, None], padding=reach).squeeze(1)
        like = like.masked_fill(~real, 0.0)
        inside = (shares(real, self.chunks) * like[:, None]).sum(-1)
        whole = like.sum(-1, keepdim=True) / real.sum(-1, keepdim=True)
        # The mean outside, from that of all; of the whole video there is none.
        outside = (whole - self.length * inside) / (1.0 - self.length).clamp_min(1e-6)
        outside = outside.masked_fill(self.length > 1 - 1e-6, 0.0)
        return self.log_scale.exp() * (inside - outside) * self.length**0.25 + self.prior


def wanted(scores: Tensor, bounds: Float64, spans: Tensor) -> Tensor:
    """Return the cross-entropy between scores (B, S) and softmax(10 IoU) of bounds with spans."""
    right = spans.detach().cpu().double().numpy()
    every = np.repeat(right, len(bounds), axis=0)
    found = overlaps(np.tile(bounds, (len(right), 1)), every).reshape(len(right), -1)
    target = (_SHARP * torch.from_numpy(found).float().to(scores.device)).softmax(-1)
    return -(target * scores.log_softmax(-1)).sum(-1).mean()


class Drawn(SpanObjective):
    """Trains a localiser on stretches and queries that are drawn from videos, not told.

    Subclasses draw; validation draws too, always the same, so that no label is looked at.
    """

    def __init__(self, localiser: Stretched) -> None:
        super().__init__()
        self.localiser = localiser
        self.bounds = stretches(localiser.chunks)

    def drawn(
        self, features: FeatureSet, video: int, random: np.random.Generator
    ) -> tuple[Any, tuple[float, float]]:
        """Return the tokens (m, e) of a query for a video, and the stretch it stands for."""
        raise NotImplementedError

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Told:
        """Return the videos of pairs with queries that are drawn; their texts are not looked at."""
        random = np.random.default_rng(int(torch.randint(2**31, (1,))))
        return self._made(features, [video for video, _ in pairs], random, device)

    def contrast(self, batch: Told) -> Tensor:
        """Return the loss of the stretches that were drawn."""
        return wanted(self._scores(batch), self.bounds, batch.spans)

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        told = told_of(features, texts_of_videos(features, texts), device)
        scores = self._scores(told)
        bounds = torch.from_numpy(self.bounds).to(scores.device)
        return bounds.expand(len(texts), -1, 2), scores

    def validation(self, features: FeatureSet, device: Any) -> float:
        """Return the mean overlap (IoU) of the best stretch with the one that was drawn."""
        random = np.random.default_rng(0)
        with torch.no_grad():
            made = self._made(features, range(len(features.frames)), random, device)
            best = self.bounds[self._scores(made).argmax(dim=1).cpu().numpy()]
        return float(overlaps(best, made.spans.cpu().double().numpy()).mean())

    def _made(
        self, features: FeatureSet, videos: Sequence[int], random: np.random.Generator, device: Any
    ) -> Told:
        drawn = [self.drawn(features, video, random) for video in videos]
        frames, real = frames_of([features.frames[video] for video in videos], device)
        tokens, said = frames_of([np.asarray(query, np.float32) for query, _ in drawn], device)
        spans = torch.tensor([span for _, span in drawn], dtype=torch.float32, device=device)
        return Told(frames, real, tokens, said, spans)

    def _scores(self, told: Told) -> Tensor:
        text = told.tokens.sum(dim=1) / told.said.sum(dim=1, keepdim=True)
        scores: Tensor = self.localiser(told.frames, told.real, F.normalize(text, dim=-1))
        return scores


class Kept:
    """What was made of each video of a feature set, made once; another set forgets it."""

    def __init__(self) -> None:
        self._of: FeatureSet | None = None
        self._made: dict[int, Any] = {}

    def of(self, features: FeatureSet, video: int, make: Any) -> Any:
        """Return what `make()` gives for a video."""
        if self._of is not features:
            self._of, self._made = features, {}
        if video not in self._made:
            self._made[video] = make()
        return self._made[video]
