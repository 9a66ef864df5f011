"""Attention of a text over the frames of a video: a vector of each video for each text.

X-Pool (Gorti et al. 2022): one layer norm for both sides, q = W t, k, v = W f, softmax over
frames, and LN(a + W a). All matrices start as the identity, so that untrained it is a mean
weighted by likeness to the text.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from q2e.heads.blocks.projection import projection

_NEVER = -1e9


class TextAttention(nn.Module):
    """Texts (T, d) over frames (V, N, d), N real in part: vectors (T, V, d)."""

    def __init__(self, dimension: int, dropout: float) -> None:
        super().__init__()
        self.before = nn.LayerNorm(dimension)
        self.query, self.key, self.value, self.out, self.linear = (
            projection(dimension, bias=True) for _ in range(5)
        )
        self.between, self.after = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.dropout = nn.Dropout(dropout)
        self.scale = dimension**-0.5

    def forward(self, texts: Tensor, frames: Tensor, real: Tensor) -> Tensor:
        """Return unit vectors of each video as each text sees it."""
        said, shown = self.before(texts), self.before(frames)
        query, key, value = self.query(said), self.key(shown), self.value(shown)
        logits = self.scale * (query @ key.flatten(0, 1).T).view(len(texts), *real.shape)
        weights = logits.masked_fill(~real, _NEVER).softmax(-1)
        seen = self.between(self.out((weights[:, :, None] @ value[None]).squeeze(2)))
        return F.normalize(self.after(seen + self.dropout(self.linear(seen))), dim=-1)
