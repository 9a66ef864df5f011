"""What every objective shares that finds the stretch of a video that a text describes.

Stretches are parts of their video, 0 its beginning and 1 its end, by the number of frames: a frame
stands for the time until half way to its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from q2e.arrays import Bool, Float32, Float64
from q2e.heads.blocks.batches import frames_of
from q2e.heads.features import FeatureSet
from q2e.heads.objective import Objective

#: Texts whose stretches are judged at once.
_ROWS = 128


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """B videos, each with a text, padded.

    Unit frames (B, N, d), which are real (B, N); unit tokens (B, M, e), which are said (B, M); and
    the stretch (B, 2) that each text describes, 0 where none is known.
    """

    frames: Tensor
    real: Tensor
    tokens: Tensor
    said: Tensor
    spans: Tensor


class SpanObjective(Objective):
    """Gives stretches of a video, each with a score, for a text."""

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        """Return stretches (B, K, 2) of the videos of some texts, and their scores (B, K)."""
        raise NotImplementedError

    def best(self, features: FeatureSet, device: Any) -> Float64:
        """Return (T, 2) the best stretch for each text."""
        found = []
        with torch.no_grad():
            for at in range(0, len(features.tokens), _ROWS):
                texts = range(at, min(at + _ROWS, len(features.tokens)))
                spans, scores = self.judged(features, texts, device)
                first = scores.argmax(dim=1)[:, None, None].expand(-1, 1, 2)
                found.append(spans.gather(1, first).squeeze(1).cpu().double().numpy())
        return np.concatenate(found)

    def validation(self, features: FeatureSet, device: Any) -> float:
        """Return the mean overlap (IoU) of the best stretch with the right one."""
        return float(overlaps(self.best(features, device), right_of(features)).mean())


def told_of(
    features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any, spans: Any = None
) -> Told:
    """Return pairs of (video, text) as tensors; `spans` stand before those of the features."""
    frames, real = frames_of([features.frames[video] for video, _ in pairs], device)
    tokens, said = frames_of([features.tokens[text] for _, text in pairs], device)
    if spans is None and features.spans_s is not None:
        spans = [parts_of(features, text) for _, text in pairs]
    known = np.zeros((len(pairs), 2)) if spans is None else np.asarray(spans, np.float64)
    return Told(frames, real, tokens, said, torch.from_numpy(known).float().to(device))


def texts_of_videos(features: FeatureSet, texts: Sequence[int]) -> list[tuple[int, int]]:
    """Return (video, text) of some texts."""
    return [(int(features.video[text]), text) for text in texts]


def stretches(chunks: int) -> Float64:
    """Return (S, 2) bounds of all runs of `chunks` equal parts; 21 of 6, as DiDeMo has."""
    marks = np.linspace(0.0, 1.0, chunks + 1)
    return np.array([(a, b) for i, a in enumerate(marks[:-1]) for b in marks[i + 1 :]])


def inside(count: int, bounds: Float64) -> Bool:
    """Return (S, n) which of `count` frames lie in each stretch, the nearest one at least."""
    middle = (np.arange(count) + 0.5) / count
    found = (middle[None] >= bounds[:, :1]) & (middle[None] < bounds[:, 1:])
    empty = ~found.any(axis=1)
    near = np.abs(middle[None] - bounds.mean(axis=1)[:, None]).argmin(axis=1)
    found[empty, near[empty]] = True
    return np.asarray(found)


def shares(real: Tensor, chunks: int) -> Tensor:
    """Return (B, S, N) the share of each frame in the mean of each stretch of its video."""
    counts = real.sum(dim=1).tolist()
    made = torch.zeros(len(counts), chunks * (chunks + 1) // 2, real.shape[1], device=real.device)
    for row, count in enumerate(counts):
        made[row, :, :count] = _shares(count, chunks).to(real.device)
    return made


@lru_cache(maxsize=256)
def _shares(count: int, chunks: int) -> Tensor:
    members = torch.from_numpy(inside(count, stretches(chunks))).float()
    return members / members.sum(dim=1, keepdim=True)


def edges_s(times_s: Float64) -> Float64:
    """Return (n + 1,) where the time of each of n frames begins and ends."""
    step = float(np.diff(times_s).mean()) if len(times_s) > 1 else 1.0
    between = (times_s[1:] + times_s[:-1]) / 2
    return np.concatenate([[times_s[0] - step / 2], between, [times_s[-1] + step / 2]])


def seconds_of(parts: Float64, times_s: Float64) -> Float64:
    """Return parts of a video in seconds, by when its frames are shown."""
    edges = edges_s(times_s)
    return np.asarray(np.interp(parts, np.linspace(0.0, 1.0, len(edges)), edges))


def parts_of(features: FeatureSet, text: int) -> tuple[float, float]:
    """Return the bounds of what a text describes, in parts of its video."""
    assert features.spans_s is not None
    edges = edges_s(features.times_s[int(features.video[text])])
    begin, end = np.interp(features.spans_s[text], edges, np.linspace(0.0, 1.0, len(edges)))
    return float(begin), float(end)


def right_of(features: FeatureSet) -> Float64:
    """Return (T, 2) what each text describes, in parts of its video."""
    return np.array([parts_of(features, text) for text in range(len(features.tokens))])


def nearest(bounds: Float64, right: tuple[float, float]) -> int:
    """Return the stretch that overlaps most with what is right."""
    return int(overlaps(bounds, np.broadcast_to(np.array(right), bounds.shape)).argmax())


def overlaps(one: Float64, other: Float64) -> Float64:
    """Return (n,) the intersection over union of spans (n, 2)."""
    both = np.minimum(one[:, 1], other[:, 1]) - np.maximum(one[:, 0], other[:, 0])
    either = np.maximum(one[:, 1], other[:, 1]) - np.minimum(one[:, 0], other[:, 0])
    return np.asarray(np.maximum(both, 0.0) / np.maximum(either, 1e-12))


def described(frames: Float32, bounds: Float64) -> Float32:
    """Return (S, 2 d + 2) the mean of each stretch, that of the video, begin and end."""
    members = inside(len(frames), bounds)
    unit = frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-12)
    local = members @ unit / members.sum(axis=1, keepdims=True)
    whole = np.broadcast_to(unit.mean(axis=0), local.shape)
    return np.concatenate([local, whole, bounds], axis=1).astype(np.float32)
