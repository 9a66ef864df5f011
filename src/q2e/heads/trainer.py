"""Trains any objective on cached features; stops, resumes and repeats exactly.

Everything random in a step comes from the seed and the number of the step, so a run that was
interrupted and resumed gives the same bits as one that was not (on one CPU, one thread count).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from q2e.errors import ConfigError
from q2e.heads.checkpoint import CHECKPOINT, Line, keep, kept
from q2e.heads.features import FeatureSet
from q2e.heads.objective import Objective
from q2e.heads.schedule import TrainConfig

Watch = Callable[[Line, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of a training: the best state by validation, and how it went."""

    state: Mapping[str, Any]
    log: tuple[Line, ...]
    best: float
    best_step: int
    steps: int
    stopped_early: bool


def train(
    objective: Objective,
    features: FeatureSet,
    config: TrainConfig,
    folder: Path | None = None,
    watch: Watch | None = None,
    about: Mapping[str, Any] | None = None,
) -> Trained:
    """Train an objective on the split `train`; the best by the split `val` is returned.

    With a `folder`, checkpoints and the log are kept there, and a training that is there already
    goes on; `about` is what else must be equal for that. Raises ConfigError where another
    training is there, or the features are too few.
    """
    run = _Run(objective, features, config, folder, dict(about or {}))
    run.resume()
    while run.step < config.total and not run.stopped:
        run.advance()
        if run.step % config.check_every == 0 or run.step == config.total:
            line = run.check()
            run.keep()
            if watch is not None:
                watch(line, config.total)
    return Trained(run.best_state, tuple(run.log), run.best, run.best_step, run.step, run.stopped)


@dataclass(eq=False)
class _Run:
    """The state of one training; everything that a checkpoint holds."""

    objective: Objective
    features: FeatureSet
    config: TrainConfig
    folder: Path | None
    about: dict[str, Any]
    step: int = 0
    best: float = -1.0
    best_step: int = 0
    waited: int = 0
    stopped: bool = False
    best_state: dict[str, Any] = field(default_factory=dict)
    log: list[Line] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.device = device(self.config.device)
        self.objective.to(self.device)
        trained = [p for p in self.objective.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in trained if p.ndim > 1]},
                # Biases, gains and temperatures are not pulled towards zero.
                {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
            ],
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.config.precision == "float16"
        )
        self.train_set = self.features.subset("train")
        self.val_set = self.features.subset("val")
        if len(self.train_set.frames) < 2:
            raise ConfigError("training needs at least 2 videos in the split 'train'")
        self.dealt: tuple[int, list[list[tuple[int, int]]]] | tuple[()] = ()
        self.began = time.perf_counter()
        self.spent = 0.0

    def advance(self) -> None:
        """Take one step of the optimizer over `accumulate` batches."""
        config = self.config
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        self.objective.train()
        for group in self.optimizer.param_groups:
            group["lr"] = config.rate(self.step)
        total = 0.0
        for part in range(config.accumulate):
            pairs = self._pairs(self.step * config.accumulate + part)
            batch = self.objective.batch(self.train_set, pairs, self.device)
            with self._autocast():
                masked = self.step < config.masked_steps
                loss = self.objective.masked(batch) if masked else self.objective.contrast(batch)
            self.scaler.scale(loss / config.accumulate).backward()
            total += loss.item() / config.accumulate
        if not math.isfinite(total):
            raise ConfigError(
                f"training: the loss is {total} at step {self.step}; lower learning_rate "
                f"({config.learning_rate}) or take precision float32"
            )
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.losses.append(total)
        self.step += 1

    def check(self) -> Line:
        """Measure on the validation split and keep the best; the first stage has no measure."""
        masked = self.step <= self.config.masked_steps
        value = None
        if not masked or self.step == self.config.total:
            self.objective.eval()
            value = self.objective.validation(self.val_set, self.device)
            if value > self.best:
                self.best, self.best_step, self.waited = value, self.step, 0
                state = self.objective.state_dict()
                self.best_state = {n: v.detach().cpu().clone() for n, v in state.items()}
            else:
                self.waited += 1
                self.stopped = 0 < self.config.patience <= self.waited
        line = Line(
            step=self.step,
            stage="masked" if masked else "contrast",
            loss=float(np.mean(self.losses)) if self.losses else math.nan,
            rate=self.config.rate(self.step - 1),
            validation=value,
            seconds=self.spent + time.perf_counter() - self.began,
        )
        self.losses = []
        self.log.append(line)
        return line

    def _pairs(self, number: int) -> list[tuple[int, int]]:
        size, seed = self.config.batch, self.config.seed
        if not self.dealt:
            self.dealt = (0, self.train_set.batches(size, seed, 0))
        epoch, place = divmod(number, len(self.dealt[1]))
        if self.dealt[0] != epoch:
            self.dealt = (epoch, self.train_set.batches(size, seed, epoch))
        return self.dealt[1][place]

    def _autocast(self) -> Any:
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.config.precision))

    # -- checkpoints ----------------------------------------------------------------------------
    def keep(self) -> None:
        """Write checkpoint and log, where there is a folder for them."""
        if self.folder is None:
            return
        state = {
            "config": self._name(),
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "best_state": self.best_state,
            **{name: getattr(self, name) for name in _COUNTS},
        }
        keep(self.folder, state, self.log)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder, if there is one."""
        if self.folder is None or not (self.folder / CHECKPOINT).is_file():
            return
        state = kept(self.folder, self.device)
        if state["config"] != self._name():
            raise ConfigError(
                f"{self.folder} holds a training with other settings or features; choose another "
                "folder or delete this one"
            )
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.best_state = {name: value.cpu() for name, value in state["best_state"].items()}
        self.log = state["log"]
        for name in _COUNTS:
            setattr(self, name, state[name])
        self.spent = self.log[-1].seconds if self.log else 0.0

    def _name(self) -> str:
        data = [self.features.space, self.features.video_ids, self.features.text_ids]
        return json.dumps([asdict(self.config), self.about, data], sort_keys=True)


_COUNTS = ("step", "best", "best_step", "waited", "stopped")


def device(name: str) -> Any:
    """Return the device a name means; `auto` is a GPU where there is one.

    Raises ConfigError where it is not there.
    """
    try:
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {name!r} cannot be used ({error}); try auto or cpu") from None
