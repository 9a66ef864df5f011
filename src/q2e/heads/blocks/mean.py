"""The mean of a video's frames: what every other way of pooling has to beat."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def mean_of(frames: Tensor, real: Tensor) -> Tensor:
    """Return the unit mean (B, d) of real frames (B, N, d)."""
    total = (frames * real[..., None]).sum(dim=1)
    return F.normalize(total / real.sum(dim=1, keepdim=True).clamp_min(1), dim=-1)
