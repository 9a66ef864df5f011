"""Training on videos and texts alone which stretch a text means: the one that stands for the video.

VLANet (Ma et al. 2020): of all stretches those most like the text are its surrogates; words that
surrogates show weigh more in the text, and only surrogates are compared, video by video.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.heads.blocks.pooled import SCALE
from q2e.heads.blocks.spans import (
    SpanObjective,
    Told,
    shares,
    stretches,
    texts_of_videos,
    told_of,
)
from q2e.heads.features import FeatureSet
from q2e.heads.losses import symmetric_infonce

#: How sharply words look at surrogates, and words are weighed by what they see.
_SHARP = 10.0
_NEVER = -1e9


class SurrogateObjective(SpanObjective):
    """Likeness of texts and videos by the stretches that fit best."""

    def __init__(
        self, dimension: int, text_dimension: int, hidden: int, chunks: int, surrogates: int,
        dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.seen, self.said = nn.Linear(dimension, hidden), nn.Linear(text_dimension, hidden)
        self.dropout = nn.Dropout(dropout)
        self.log_scale = nn.Parameter(torch.tensor(SCALE))
        self.chunks = chunks
        self.surrogates = min(surrogates, chunks * (chunks + 1) // 2)
        self.bounds = stretches(chunks)

    def proposals(self, told: Told) -> Tensor:
        """Return unit vectors (V, S, h) of all stretches: the means of their frames."""
        means = shares(told.real, self.chunks) @ told.frames
        return F.normalize(self.seen(self.dropout(means)), dim=-1)

    def words(self, told: Told) -> Tensor:
        """Return unit vectors (T, M, h) of words, 0 where none is said."""
        made = F.normalize(self.said(self.dropout(told.tokens)), dim=-1)
        return made * told.said[..., None]

    def compared(self, words: Tensor, said: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Return likeness (T, V) by surrogates, and that of all stretches (T, V, S)."""
        plain = F.normalize(words.sum(dim=1), dim=-1)
        like = torch.einsum("th,vsh->tvs", plain, shown)
        among = like.topk(self.surrogates, dim=-1).indices
        chosen = shown[None].expand(len(words), -1, -1, -1).gather(
            2, among[..., None].expand(-1, -1, -1, shown.shape[-1])
        )  # fmt: skip
        # First words look at surrogates, then surrogates at the words that found something.
        fit = torch.einsum("tmh,tvkh->tvmk", words, chosen)
        heard = ((_SHARP * fit).softmax(-1) * fit).sum(-1).masked_fill(~said[:, None], _NEVER)
        weight = (_SHARP * heard).softmax(-1)
        told = F.normalize(torch.einsum("tvm,tmh->tvh", weight, words), dim=-1)
        every = torch.einsum("tvh,vsh->tvs", told, shown)
        return every.gather(2, among).mean(-1), every

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Told:
        """Return pairs of (video, text); which stretch is meant is not looked at."""
        return told_of(features, pairs, device, torch.zeros(len(pairs), 2))

    def contrast(self, batch: Told) -> Tensor:
        """Return the symmetric InfoNCE between the texts and videos of the batch."""
        likeness, _ = self.compared(self.words(batch), batch.said, self.proposals(batch))
        return symmetric_infonce(self.log_scale.exp() * likeness)

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        told = told_of(features, texts_of_videos(features, texts), device)
        _, every = self.compared(self.words(told), told.said, self.proposals(told))
        row = torch.arange(len(texts), device=every.device)
        bounds = torch.from_numpy(self.bounds).to(every.device)
        return bounds.expand(len(texts), -1, 2), every[row, row]

    def validation(self, features: FeatureSet, device: Any) -> float:
        """Return minus the loss over all pairs, as 1 / (1 + loss); no bound is looked at."""
        pairs = texts_of_videos(features, range(len(features.tokens)))
        with torch.no_grad():
            return 1.0 / (1.0 + float(self.contrast(self.batch(features, pairs, device))))
