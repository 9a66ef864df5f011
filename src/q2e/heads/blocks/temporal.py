"""Frames that see one another: a transformer with places, added to what was there.

CLIP4Clip's `seqTransf` (Luo et al. 2022): learned places, layers of self-attention, a residual.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TemporalTransformer(nn.Module):
    """Frames (B, N, d) to frames of the same shape; before training they stay as they are."""

    def __init__(self, dimension: int, layers: int, heads: int, most: int, dropout: float) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(most, dimension))
        layer = nn.TransformerEncoderLayer(
            dimension, heads, 2 * dimension, dropout, "gelu", batch_first=True, norm_first=True
        )
        # A prototype of nested tensors would warn, and give nothing on padded batches.
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.gain = nn.Parameter(torch.zeros(dimension))

    def forward(self, frames: Tensor, real: Tensor) -> Tensor:
        """Return unit frames that have seen the real ones; frames beyond `most` share its place."""
        place = torch.arange(frames.shape[1], device=frames.device).clamp_max(len(self.places) - 1)
        seen = self.layers(frames + self.places[place], src_key_padding_mask=~real)
        return F.normalize(frames + self.gain * seen, dim=-1)
