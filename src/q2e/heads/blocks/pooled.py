"""Training of pooled frames against texts by symmetric InfoNCE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.heads.blocks.attention import TextAttention
from q2e.heads.blocks.batches import Pairs, frames_of, texts_of
from q2e.heads.blocks.mean import mean_of
from q2e.heads.blocks.projection import projection
from q2e.heads.blocks.temporal import TemporalTransformer
from q2e.heads.features import FeatureSet
from q2e.heads.losses import symmetric_infonce
from q2e.heads.objective import Objective

#: Logarithm of what cosines are multiplied by at first, 1 / 0.07.
SCALE = 2.659
#: Videos and texts that are scored at once.
_ROWS = 256


class PooledObjective(Objective):
    """A score for each text and video of padded frames; subclasses say how they are compared."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(SCALE))

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Pairs:
        """Return pairs of (video, text) as tensors."""
        frames, real = frames_of([features.frames[video] for video, _ in pairs], device)
        return Pairs(frames, real, texts_of([features.tokens[text] for _, text in pairs], device))

    def compared(self, texts: Tensor, frames: Tensor, real: Tensor) -> Tensor:
        """Return cosines (T, V)."""
        raise NotImplementedError

    def contrast(self, batch: Pairs) -> Tensor:
        """Return the symmetric InfoNCE of the batch."""
        cosines = self.compared(batch.texts, batch.frames, batch.real)
        return symmetric_infonce(self.log_scale.exp() * cosines)

    def scores(self, features: FeatureSet, device: Any) -> Tensor:
        """Return the cosines (T, V) of all texts and videos, on the CPU."""
        texts = texts_of(features.tokens, device)
        with torch.no_grad():
            columns = []
            for at in range(0, len(features.frames), _ROWS):
                frames, real = frames_of(features.frames[at : at + _ROWS], device)
                rows = [
                    self.compared(texts[row : row + _ROWS], frames, real).cpu()
                    for row in range(0, len(texts), _ROWS)
                ]
                columns.append(torch.cat(rows))
            return torch.cat(columns, dim=1)


class MeanObjective(PooledObjective):
    """The mean of frames, which may have seen one another before, and a layer on each side."""

    def __init__(
        self, dimension: int, dropout: float, before: TemporalTransformer | None = None
    ) -> None:
        super().__init__()
        self.before = before
        self.video, self.text = projection(dimension), projection(dimension)
        self.dropout = nn.Dropout(dropout)

    def compared(self, texts: Tensor, frames: Tensor, real: Tensor) -> Tensor:
        seen = frames if self.before is None else self.before(frames, real)
        video = F.normalize(self.dropout(self.video(mean_of(seen, real))), dim=-1)
        return F.normalize(self.dropout(self.text(texts)), dim=-1) @ video.T


class AttentionObjective(PooledObjective):
    """X-Pool: a vector of each video for each text, against the text."""

    def __init__(self, dimension: int, dropout: float) -> None:
        super().__init__()
        self.attention = TextAttention(dimension, dropout)

    def compared(self, texts: Tensor, frames: Tensor, real: Tensor) -> Tensor:
        seen = self.attention(texts, frames, real)
        return torch.einsum("td,tvd->tv", texts, seen)
