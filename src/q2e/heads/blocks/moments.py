"""Training of which stretch of a video a text describes: MCN with temporal endpoint features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.arrays import Float32, Float64
from q2e.heads.blocks.batches import texts_of
from q2e.heads.features import FeatureSet
from q2e.heads.objective import Objective

#: Texts whose stretches are compared at once.
_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches (B, S, 2 d + 2) of B videos, the right one of each (B,), and texts (B, e)."""

    stretches: Tensor
    right: Tensor
    texts: Tensor


class McnObjective(Objective):
    """||MLP([local mean, global mean, begin, end]) - W text||^2, the smaller the better."""

    def __init__(
        self,
        dimension: int,
        text_dimension: int,
        hidden: int,
        chunks: int,
        dropout: float,
        width: float,
        other: float,
    ) -> None:
        super().__init__()
        self.seen = nn.Sequential(
            nn.Linear(2 * dimension + 2, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
        )
        self.said = nn.Linear(text_dimension, hidden)
        self.bounds = stretches(chunks)
        self.width, self.other = width, other
        self._shown: tuple[int, list[Float32]] = (0, [])

    def shown(self, features: FeatureSet) -> list[Float32]:
        """Return the described stretches of all videos of a feature set, made once."""
        if self._shown[0] != id(features):
            made = [described(frames, self.bounds) for frames in features.frames]
            self._shown = (id(features), made)
        return self._shown[1]

    def batch(
        self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any
    ) -> Stretches:
        """Return pairs of (video, text) as tensors."""
        all_shown = self.shown(features)
        shown = [all_shown[video] for video, _ in pairs]
        right = [nearest(self.bounds, parts_of(features, text)) for _, text in pairs]
        return Stretches(
            torch.from_numpy(np.stack(shown)).to(device),
            torch.tensor(right, device=device),
            texts_of([features.tokens[text] for _, text in pairs], device),
        )

    def distances(self, shown: Tensor, texts: Tensor) -> Tensor:
        """Return (B, S) the squared distance of each stretch from the text of its row."""
        seen = F.normalize(self.seen(shown), dim=-1)
        said = F.normalize(self.said(texts), dim=-1)
        return (seen - said[:, None]).square().sum(-1)

    def contrast(self, batch: Stretches) -> Tensor:
        """Return the hinges against other stretches of the video, and the same of other videos."""
        own = self.distances(batch.stretches, batch.texts)
        right = own.gather(1, batch.right[:, None])
        wrong = torch.ones_like(own).scatter(1, batch.right[:, None], 0.0)
        inside = ((self.width + right - own).clamp_min(0) * wrong).sum() / wrong.sum()
        # The same stretch of the next video of the batch.
        elsewhere = batch.stretches.roll(1, dims=0)
        others = self.distances(elsewhere, batch.texts).gather(1, batch.right[:, None])
        return inside + self.other * (self.width + right - others).clamp_min(0).mean()

    def best(self, features: FeatureSet, device: Any) -> Float64:
        """Return (T, 2) the bounds of the nearest stretch for each text, in parts of its video."""
        shown, texts = self.shown(features), texts_of(features.tokens, device)
        rows = features.video.tolist()
        found = []
        with torch.no_grad():
            for at in range(0, len(rows), _ROWS):
                part = np.stack([shown[video] for video in rows[at : at + _ROWS]])
                whole = torch.from_numpy(part).to(device)
                distances = self.distances(whole, texts[at : at + _ROWS])
                found.append(self.bounds[distances.argmin(dim=1).cpu().numpy()])
        return np.concatenate(found)

    def validation(self, features: FeatureSet, device: Any) -> float:
        """Return the mean overlap (IoU) of the nearest stretch with the right one."""
        right = np.array([parts_of(features, text) for text in range(len(features.tokens))])
        return float(overlaps(self.best(features, device), right).mean())


def stretches(chunks: int) -> Float64:
    """Return (S, 2) bounds of all runs of `chunks` equal parts; 21 of 6, as DiDeMo has."""
    marks = np.linspace(0.0, 1.0, chunks + 1)
    return np.array([(a, b) for i, a in enumerate(marks[:-1]) for b in marks[i + 1 :]])


def described(frames: Float32, bounds: Float64) -> Float32:
    """Return (S, 2 d + 2) the mean of each stretch, that of the video, begin and end."""
    middle = (np.arange(len(frames)) + 0.5) / len(frames)
    inside = (middle[None] >= bounds[:, :1]) & (middle[None] < bounds[:, 1:])
    # A stretch between two frames shows the nearest one.
    empty = ~inside.any(axis=1)
    near = np.abs(middle[None] - bounds.mean(axis=1)[:, None]).argmin(axis=1)
    inside[empty, near[empty]] = True
    unit = frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-12)
    local = inside @ unit / inside.sum(axis=1, keepdims=True)
    whole = np.broadcast_to(unit.mean(axis=0), local.shape)
    return np.concatenate([local, whole, bounds], axis=1).astype(np.float32)


def parts_of(features: FeatureSet, text: int) -> tuple[float, float]:
    """Return the bounds of what a text describes, in parts of its video."""
    assert features.spans_s is not None
    times_s = features.times_s[int(features.video[text])]
    # Frames stand for the stretch around them.
    step_s = float(np.diff(times_s).mean()) if len(times_s) > 1 else 1.0
    first_s, last_s = float(times_s[0]) - step_s / 2, float(times_s[-1]) + step_s / 2
    begin, end = ((features.spans_s[text] - first_s) / max(last_s - first_s, 1e-9)).clip(0, 1)
    return float(begin), float(end)


def nearest(bounds: Float64, right: tuple[float, float]) -> int:
    """Return the stretch that overlaps most with what is right."""
    return int(overlaps(bounds, np.broadcast_to(np.array(right), bounds.shape)).argmax())


def overlaps(one: Float64, other: Float64) -> Float64:
    """Return (n,) the intersection over union of spans (n, 2)."""
    both = np.minimum(one[:, 1], other[:, 1]) - np.maximum(one[:, 0], other[:, 0])
    either = np.maximum(one[:, 1], other[:, 1]) - np.minimum(one[:, 0], other[:, 0])
    return np.asarray(np.maximum(both, 0.0) / np.maximum(either, 1e-12))
