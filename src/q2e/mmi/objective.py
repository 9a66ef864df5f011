"""What training asks of a head: masked prediction in both directions, then contrast (eqs. 3, 10).

The paper gives neither a mask rate nor a distribution for masked video vectors, and adds terms
that grow with similarity as a loss; what is done here instead is said at each function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from q2e.heads.features import FeatureSet
from q2e.heads.losses import infonce_among, paired_logistic, symmetric_infonce
from q2e.heads.objective import Objective
from q2e.mmi.module import HeadModule, Texts, Videos, pad_texts, pad_videos
from q2e.mmi.reason import Clip, HeadConfig, prepare

#: Shares of relevance and skeleton in the joint score (eq. 10).
RELEVANCE, SKELETON = 0.6, 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pairs of a video and a text of it; skeletons (B, s) where the data set has them."""

    videos: Videos
    texts: Texts
    video_skeletons: Tensor | None = None
    text_skeletons: Tensor | None = None


class HeadObjective(Objective):
    """A head in training, with the parts that only training needs."""

    def __init__(
        self, config: HeadConfig, *, seed: int = 0, dropout: float = 0.1, mask_rate: float = 0.15
    ) -> None:
        super().__init__()
        self.config = config
        self.mask_rate = mask_rate
        self.module = HeadModule(config, seed, dropout)
        self.log_scale = nn.Parameter(torch.tensor(2.659))  # 1 / 0.07
        self.masks = nn.Parameter(torch.zeros(2, config.dimension))
        # A first guess is what the other side says as a whole.
        start = torch.cat(
            [torch.zeros(config.dimension, config.dimension), torch.eye(config.dimension)]
        )
        self.guess = nn.ParameterList([start.clone() for _ in range(2)])
        self._clips: dict[int, list[Clip]] = {}

    def clips(self, features: FeatureSet) -> list[Clip]:
        """Return the prepared videos of a feature set, made once."""
        if id(features) not in self._clips:
            regions = features.regions or (None,) * len(features.frames)
            times = features.times_s or (None,) * len(features.frames)
            self._clips = {
                id(features): [
                    prepare(self.config, frames, when, where)
                    for frames, when, where in zip(features.frames, times, regions, strict=True)
                ]
            }
        return self._clips[id(features)]

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Batch:
        """Return pairs of (video, text) as tensors."""
        clips = self.clips(features)
        videos, texts = [video for video, _ in pairs], [text for _, text in pairs]
        made = Batch(
            pad_videos([clips[video] for video in videos], device),
            pad_texts([features.tokens[text] for text in texts], device),
        )
        if features.video_skeletons is None or features.text_skeletons is None:
            return made
        return replace(
            made,
            video_skeletons=torch.from_numpy(features.video_skeletons[videos]).to(device),
            text_skeletons=torch.from_numpy(features.text_skeletons[texts]).to(device),
        )

    def masked(self, batch: Batch) -> Tensor:
        """Return the loss of guessing masked key-images from the text, and tokens from the video.

        A masked item is the learned mask plus the mean of what is around it in time, so that it
        keeps its place. Both are guessed among all items of the batch by InfoNCE; equal tokens
        count as one, which makes it the cross-entropy over the batch's vocabulary.
        """
        raw, regions = keys = self.module.keys(batch.videos)
        real, times = batch.videos.real, batch.videos.times
        hidden, shown = self._hidden(raw, times, real, 0)
        if regions is not None:
            regions = torch.where(hidden[..., None, None], shown[:, :, None], regions)
        seen = self.module.reason(shown, regions, times, real)
        guess = self._guess(seen, self.module.text(batch.texts), hidden, 0)
        number = torch.arange(int(real.sum()), device=real.device)
        loss = self._told_apart(guess, raw[real], number[hidden[real]])

        tokens, real = batch.texts.tokens, batch.texts.real
        hidden, shown = self._hidden(tokens, batch.texts.places, real, 1)
        said = self.module.words(replace(batch.texts, tokens=shown))
        guess = self._guess(said, self.module.video(batch.videos, keys), hidden, 1)
        vocabulary, number = torch.unique(tokens[real], dim=0, return_inverse=True)
        return loss + self._told_apart(guess, vocabulary, number[hidden[real]])

    def contrast(self, batch: Batch) -> Tensor:
        """Return 0.6 of the symmetric InfoNCE of L_r, and 0.3 of the error of L_s.

        Without skeletons the first term alone, whole. The error of L_s is the binary
        cross-entropy over all pairs of the batch, right and wrong pairs weighing the same.
        """
        likeness = self.log_scale.exp() * (
            self.module.text(batch.texts) @ self.module.video(batch.videos).T
        )
        relevance = symmetric_infonce(likeness)
        if batch.video_skeletons is None or batch.text_skeletons is None:
            return relevance
        logits = self.module.skeleton(batch.text_skeletons, batch.video_skeletons)
        return RELEVANCE * relevance + SKELETON * paired_logistic(logits)

    def vectors(self, features: FeatureSet, device: Any, size: int = 256) -> tuple[Tensor, Tensor]:
        """Return all h_T (T, d) and h_v (V, d) on the CPU, without gradients."""
        clips, tokens = self.clips(features), features.tokens
        with torch.no_grad():
            texts = [
                self.module.text(pad_texts(tokens[at : at + size], device)).cpu()
                for at in range(0, len(tokens), size)
            ]
            videos = [
                self.module.video(pad_videos(clips[at : at + size], device)).cpu()
                for at in range(0, len(clips), size)
            ]
        return torch.cat(texts), torch.cat(videos)

    def _hidden(
        self, items: Tensor, times: Tensor, real: Tensor, which: int
    ) -> tuple[Tensor, Tensor]:
        """Return which items are masked (at least one a row), and items with masks in place."""
        chance = torch.rand(real.shape).to(real.device).masked_fill(~real, 2.0)
        hidden = (chance < self.mask_rate) | (chance == chance.min(dim=-1, keepdim=True).values)
        near = (-(times[:, :, None] - times[:, None]).abs() / self.config.reach).exp()
        near = near * (real & ~hidden)[:, None]
        around = (near @ items) / near.sum(-1, keepdim=True).clamp_min(1e-6)
        return hidden, torch.where(hidden[..., None], self.masks[which] + around, items)

    def _guess(self, items: Tensor, other: Tensor, hidden: Tensor, which: int) -> Tensor:
        """Return guesses (h, d) of masked items from themselves and the whole of the other side."""
        whole = other[:, None].expand(-1, items.shape[1], -1)
        return torch.cat([items, whole], -1)[hidden] @ self.guess[which]

    def _told_apart(self, guesses: Tensor, choices: Tensor, right: Tensor) -> Tensor:
        return infonce_among(guesses, choices, right, self.log_scale.exp())
