"""Training of stretches as sets of regions against texts as sets of words, by Chamfer distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.heads.blocks.spans import (
    SpanObjective,
    Told,
    nearest,
    parts_of,
    shares,
    stretches,
    texts_of_videos,
    told_of,
)
from q2e.heads.features import FeatureSet

#: Further than any two unit vectors are.
_FAR = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Regions (B, N, R, d) of padded frames, what is told of them, and the right stretches (B,)."""

    regions: Tensor
    told: Told
    right: Tensor


class RegionObjective(SpanObjective):
    """mean_x min_y |x - y|^2 + mean_y min_x |y - x|^2 of regions x in a stretch and words y.

    With `sets` false, |mean of x - mean of y|^2 instead.
    """

    def __init__(
        self, dimension: int, text_dimension: int, hidden: int, chunks: int, dropout: float,
        width: float, other: float, sets: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.seen, self.said = nn.Linear(dimension, hidden), nn.Linear(text_dimension, hidden)
        self.dropout = nn.Dropout(dropout)
        self.chunks, self.bounds = chunks, stretches(chunks)
        self.width, self.other, self.sets = width, other, sets

    def distances(self, shown: Shown, words: Tensor, said: Tensor) -> Tensor:
        """Return (B, S) the distance of each stretch from the words (B, M, e) of its row."""
        seen = F.normalize(self.seen(self.dropout(shown.regions)), dim=-1)
        told = F.normalize(self.said(self.dropout(words)), dim=-1)
        part = shares(shown.told.real, self.chunks)
        if not self.sets:
            middle = part @ seen.mean(dim=2)
            text = (told * said[..., None]).sum(1) / said.sum(1, keepdim=True)
            return (middle - text[:, None]).square().sum(-1)
        away = 2 - 2 * torch.einsum("bnrh,bmh->bnrm", seen, told)
        away = away.masked_fill(~said[:, None, None], _FAR)
        # Each region to its nearest word; each word to its nearest region of the stretch.
        of_regions = (part * away.amin(dim=3).mean(dim=2)[:, None]).sum(-1)
        of_frames = away.amin(dim=2)[:, None].masked_fill(part[..., None] == 0, _FAR)
        of_words = of_frames.amin(dim=2).masked_fill(~said[:, None], 0.0)
        return of_regions + of_words.sum(-1) / said.sum(1, keepdim=True)

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Shown:
        """Return pairs of (video, text) with the regions of their frames."""
        told = told_of(features, pairs, device)
        own = [features.regions[video] for video, _ in pairs]
        whole = np.zeros((len(own), told.frames.shape[1], *own[0].shape[1:]), np.float32)
        for row, one in zip(whole, own, strict=True):
            row[: len(one)] = one
        right = [0] * len(pairs)
        if features.spans_s is not None:
            right = [nearest(self.bounds, parts_of(features, text)) for _, text in pairs]
        regions = F.normalize(torch.from_numpy(whole).to(device), dim=-1)
        return Shown(regions, told, torch.tensor(right, device=device))

    def contrast(self, batch: Shown) -> Tensor:
        """Return the hinges against other stretches of the video, and the same of other videos."""
        told = batch.told
        own = self.distances(batch, told.tokens, told.said)
        right = own.gather(1, batch.right[:, None])
        wrong = torch.ones_like(own).scatter(1, batch.right[:, None], 0.0)
        inside = ((self.width + right - own).clamp_min(0) * wrong).sum() / wrong.sum()
        other = self.distances(batch, told.tokens.roll(1, 0), told.said.roll(1, 0))
        away = other.gather(1, batch.right[:, None])
        return inside + self.other * (self.width + right - away).clamp_min(0).mean()

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        batch = self.batch(features, texts_of_videos(features, texts), device)
        found = self.distances(batch, batch.told.tokens, batch.told.said)
        bounds = torch.from_numpy(self.bounds).to(found.device)
        return bounds.expand(len(texts), -1, 2), -found
