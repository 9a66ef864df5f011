"""Training of stretches by what is shown and by what changes, each against its own words.

VDI (Luo et al. 2023): verbs are told by differences between frames, nouns by the frames. Which
words are which is not given with cached features: two gates over the words of a text learn it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.heads.blocks.spans import SpanObjective, Told, stretches, texts_of_videos, told_of
from q2e.heads.blocks.stretched import Stretched, wanted
from q2e.heads.features import FeatureSet

_NEVER = -1e9


class MovingObjective(SpanObjective):
    """The sum of two localisers: frames with the words of one gate, changes with those of another.

    With `changes` false the second sees frames too.
    """

    def __init__(
        self, dimension: int, text_dimension: int, chunks: int, dropout: float, changes: bool
    ) -> None:
        super().__init__()
        self.still = Stretched(dimension, text_dimension, chunks, 0, dropout)
        self.moved = Stretched(dimension, text_dimension, chunks, 0, dropout)
        self.noun, self.verb = nn.Linear(text_dimension, 1), nn.Linear(text_dimension, 1)
        self.bounds, self.changes = stretches(chunks), changes

    def scores_of(self, told: Told) -> Tensor:
        """Return (B, S) how well each stretch fits the text of its row."""
        seen = changed(told.frames, told.real) if self.changes else told.frames
        still = self.still(told.frames, told.real, gated(self.noun, told))
        return still + self.moved(seen, told.real, gated(self.verb, told))

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Told:
        """Return pairs of (video, text) with what each text describes."""
        return told_of(features, pairs, device)

    def contrast(self, batch: Told) -> Tensor:
        """Return the cross-entropy with stretches as they overlap with the right one."""
        return wanted(self.scores_of(batch), self.bounds, batch.spans)

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        scores = self.scores_of(told_of(features, texts_of_videos(features, texts), device))
        bounds = torch.from_numpy(self.bounds).to(scores.device)
        return bounds.expand(len(texts), -1, 2), scores


def changed(frames: Tensor, real: Tensor) -> Tensor:
    """Return unit differences (B, N, d) of each frame's neighbours, those of the video at ends."""
    last = real.sum(dim=1, keepdim=True) - 1
    place = torch.arange(frames.shape[1], device=frames.device)[None]
    after = torch.minimum(place + 1, last).clamp_min(0)[..., None].expand_as(frames)
    before = (place - 1).clamp_min(0).expand(len(frames), -1)
    before = torch.minimum(before, last)[..., None].expand_as(frames)
    return F.normalize(frames.gather(1, after) - frames.gather(1, before), dim=-1)


def gated(gate: nn.Linear, told: Told) -> Tensor:
    """Return the unit sum (B, e) of words, weighed by softmax of a gate."""
    weight = gate(told.tokens).squeeze(-1).masked_fill(~told.said, _NEVER).softmax(-1)
    return F.normalize((weight[..., None] * told.tokens).sum(dim=1), dim=-1)
