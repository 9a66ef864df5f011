"""Training of a localiser on what a video shows, without a word: a frame stands for the query."""

from __future__ import annotations

from typing import Any

import numpy as np

from q2e.heads.blocks.stretched import Drawn, Kept, Stretched
from q2e.heads.features import FeatureSet
from q2e.heads.segments import events, joined

#: How sharply frames are preferred that are like the rest of their stretch.
_TYPICAL = 5.0


class FreeObjective(Drawn):
    """A stretch is drawn, and of its frames one; that with noise is the query."""

    def __init__(self, localiser: Stretched, most: int, together: int, noise: float) -> None:
        super().__init__(localiser)
        self.most, self.together, self.noise = most, together, noise
        self._events = Kept()

    def drawn(
        self, features: FeatureSet, video: int, random: np.random.Generator
    ) -> tuple[Any, tuple[float, float]]:
        frames = features.frames[video]
        spans = self._events.of(
            features, video, lambda: joined(events(frames, self.most), self.together)
        )
        begin, end = spans[random.integers(len(spans))]
        first, last = round(begin * len(frames)), round(end * len(frames))
        query = noisy(chosen(frames[first:last], random), self.noise, random)
        return query[None], (float(begin), float(end))


def chosen(frames: Any, random: np.random.Generator) -> Any:
    """Return a unit frame of (n, d), drawn by softmax(5 cos) with the mean of all."""
    unit = frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-12)
    mean = unit.mean(axis=0)
    heat = np.exp(_TYPICAL * (unit @ mean) / max(float(np.linalg.norm(mean)), 1e-12))
    return unit[random.choice(len(unit), p=heat / heat.sum())]


def noisy(vector: Any, share: float, random: np.random.Generator) -> Any:
    """Return unit(vector + share e), e of a normal distribution with an expected length of 1."""
    made = vector + share * random.normal(size=len(vector)) / np.sqrt(len(vector))
    return made / np.linalg.norm(made)
