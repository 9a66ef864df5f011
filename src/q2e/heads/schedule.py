"""How long, how fast and on what to train; known before PyTorch is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from q2e.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train; dropout is the paper's, which says nothing of most of the others.

    `masked_steps` of masked prediction come before `steps` of contrast. Learning rate rises over
    `warmup` steps and falls to a tenth along half a cosine.
    """

    seed: int = 0
    steps: int = 1000
    masked_steps: int = 200
    batch: int = 128
    accumulate: int = 1
    learning_rate: float = 1e-3
    warmup: int = 50
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    dropout: float = 0.1
    mask_rate: float = 0.15
    check_every: int = 100
    patience: int = 5
    """Checks without a better validation after which training stops; 0 never stops."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "check_every", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"training: {name} = {getattr(self, name)}; needs at least 1")
        for name in ("masked_steps", "warmup", "weight_decay", "patience"):
            if getattr(self, name) < 0:
                raise ConfigError(f"training: {name} = {getattr(self, name)}; needs 0 or more")
        if self.batch < 2:
            raise ConfigError("training: batch = 1; contrast needs at least 2 videos in a batch")
        if not (0 < self.learning_rate < 1 and 0 <= self.dropout < 1 and 0 < self.mask_rate < 1):
            raise ConfigError(
                f"training: needs learning_rate and mask_rate in (0, 1) and dropout in [0, 1), got "
                f"{self.learning_rate}, {self.mask_rate} and {self.dropout}"
            )
        if self.precision not in ("float32", "bfloat16", "float16"):
            raise ConfigError(
                f"training: precision {self.precision!r}; known: float32, bfloat16, float16"
            )

    @property
    def total(self) -> int:
        return self.masked_steps + self.steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0; each stage has its own warm-up."""
        own, length = (
            (step, self.masked_steps)
            if step < self.masked_steps
            else (step - self.masked_steps, self.steps)
        )
        risen = min(1.0, (own + 1) / (self.warmup + 1))
        return self.learning_rate * risen * (0.55 + 0.45 * math.cos(math.pi * own / length))
