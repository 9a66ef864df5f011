"""Makes a data set in which the order of events matters: videos that share frames but not order.

Every group holds videos of the same events in different orders, with texts that name the events
in the order in which they happen. What is seen says which group; only order says which video.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet


@dataclass(frozen=True, slots=True)
class SyntheticConfig:
    """Size and difficulty; frames are vectors of their event's object plus clutter and noise."""

    groups: int = 500
    orders: int = 4
    """Videos of a group: different orders of the same events."""
    events: int = 4
    """Events of a video."""
    vocabulary: int = 40
    """Events there are in all."""
    dimension: int = 48
    frames: tuple[int, int] = (2, 5)
    """Fewest and most frames of an event."""
    grid: int = 3
    clutter: float = 1.0
    """Length of the clutter in a region, beside an object's 1."""
    noise: float = 0.3
    """Length of the noise of a frame and of a token, beside a vector's 1."""
    seed: int = 0

    def __post_init__(self) -> None:
        most = int(np.prod(np.arange(1, self.events + 1)))
        if not (2 <= self.orders <= most and self.events <= self.vocabulary and self.groups >= 10):
            raise ConfigError(
                f"synthetic: needs 10 groups or more, 2 to {most} orders of {self.events} events "
                f"and a vocabulary of {self.events} or more"
            )


def synthetic(config: SyntheticConfig | None = None) -> FeatureSet:
    """Return the data set; equal configurations give equal bits.

    Groups are dealt to splits whole: no order of a test group's events was ever trained on.
    """
    c = config or SyntheticConfig()
    rng = np.random.default_rng(c.seed)
    seen, named, scraps = (_unit(rng.normal(size=(c.vocabulary, c.dimension))) for _ in range(3))
    # The text encoder of such features is aligned with the image encoder, but not exactly.
    named = _unit(seen + 0.5 * named)
    orders = list(permutations(range(c.events)))
    frames, regions, times, tokens, split, group = [], [], [], [], [], []
    for number in range(c.groups):
        events = rng.choice(c.vocabulary, c.events, replace=False)
        part = "train" if number % 10 < 7 else "val" if number % 10 == 7 else "test"
        for order in rng.choice(len(orders), c.orders, replace=False):
            story = events[list(orders[order])]
            counts = rng.integers(c.frames[0], c.frames[1] + 1, size=c.events)
            cells = np.concatenate(
                [_cells(rng, c, seen[e], scraps, n) for e, n in zip(story, counts, strict=True)]
            )
            regions.append(cells.astype(np.float32))
            frames.append(_noisy(rng, cells.mean(axis=1), c.noise))
            times.append(np.cumsum(rng.uniform(0.5, 1.5, size=len(cells))))
            tokens.append(_noisy(rng, named[story], c.noise))
            split.append(part)
            group.append(f"g{number}")
    ids = tuple(f"{name}-{number % c.orders}" for number, name in enumerate(group))
    return FeatureSet(
        frames=tuple(frames),
        tokens=tuple(tokens),
        video=np.arange(len(frames)),
        video_ids=ids,
        text_ids=tuple(f"text-{name}" for name in ids),
        split=tuple(split),
        times_s=tuple(times),
        regions=tuple(regions) if c.grid else (),
        group=tuple(group),
        space=f"synthetic/{c.seed}",
    )


def _cells(
    rng: np.random.Generator, c: SyntheticConfig, event: Float32, scraps: Float32, count: int
) -> Float32:
    """Return (count, R, d) regions: the event in a block of cells, clutter in the others."""
    side = max(c.grid, 1)
    cells = c.clutter * scraps[rng.integers(len(scraps), size=(count, side * side))]
    block = max(1, side - 1)
    top, left = rng.integers(0, side - block + 1, size=2)
    inside = np.zeros((side, side), bool)
    inside[top : top + block, left : left + block] = True
    cells[:, inside.ravel()] = event
    noise = _unit(rng.normal(size=cells.shape))
    return (cells + c.noise * noise).astype(np.float32)


def _noisy(rng: np.random.Generator, vectors: Float32, noise: float) -> Float32:
    return _unit(_unit(vectors) + noise * _unit(rng.normal(size=vectors.shape)))


def _unit(vectors: Float32 | Float64) -> Float32:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)
