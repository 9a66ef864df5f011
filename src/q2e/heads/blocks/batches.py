"""Videos and texts of a batch as padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from q2e.arrays import Float32


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Frames (B, N, d), which of them are real (B, N), and a vector of each text (B, e)."""

    frames: Tensor
    real: Tensor
    texts: Tensor


def frames_of(videos: Sequence[Float32], device: Any) -> tuple[Tensor, Tensor]:
    """Return unit frames (B, N, d) with zeros after their ends, and which are real (B, N)."""
    longest = max(len(video) for video in videos)
    whole = np.zeros((len(videos), longest, videos[0].shape[1]), np.float32)
    real = np.zeros((len(videos), longest), np.bool_)
    for row, own, video in zip(whole, real, videos, strict=True):
        row[: len(video)], own[: len(video)] = video, True
    return F.normalize(torch.from_numpy(whole).to(device), dim=-1), torch.from_numpy(real).to(
        device
    )


def texts_of(texts: Sequence[Float32], device: Any) -> Tensor:
    """Return one unit vector (B, e) a text, the mean of its tokens."""
    means = np.stack([tokens.mean(axis=0) for tokens in texts]).astype(np.float32)
    return F.normalize(torch.from_numpy(means).to(device), dim=-1)
