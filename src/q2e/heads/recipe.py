"""What a recipe of training is: a method of the kind `training`, one file of `heads/recipes`.

An instance holds its parameters. `trains` says what comes of it: `eye`, `head`, `compose`,
`localise` or `mmi`. A recipe that trains by gradients is a `Gradient`: it gives an objective, and
the one trainer does the rest.

PyTorch is imported when a training begins, not when a recipe is named.
"""

# Annotations stay values here: recipes in other files inherit these parameters.

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.errors import ConfigError, MissingDependency
from q2e.heads.features import FeatureSet
from q2e.heads.ranks import one_way
from q2e.heads.schedule import TrainConfig

if TYPE_CHECKING:
    from q2e.heads.objective import Objective
    from q2e.heads.trainer import Watch

#: What can be trained, and what it is.
TRAINS: Mapping[str, str] = MappingProxyType(
    {
        "eye": "pictures brought into the space of a text model, by pairs of both",
        "head": "vectors of videos and texts, to rank the ones by the others",
        "compose": "an example and a text that changes it, as one question",
        "localise": "which stretch of a video a text describes",
        "mmi": "a head of the multi-modal inductive framework (MMI-TVR)",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What came of a training: arrays by name, and how good the best was on the split `val`."""

    weights: Mapping[str, Any]
    best: float
    best_step: int = 0
    steps: int = 0
    stopped_early: bool = False
    note: str = ""


class Recipe(ABC):
    """Trains on the split `train` of features, and says how good what came of it is."""

    @abstractmethod
    def train(
        self, features: FeatureSet, folder: Path | None = None, watch: "Watch | None" = None
    ) -> Learnt:
        """Train; with a `folder` a training by gradients goes on where it stopped.

        Raises ConfigError where the features are not such as the recipe needs.
        """

    @abstractmethod
    def scores(self, weights: Mapping[str, Any], features: FeatureSet) -> Float64:
        """Return (T, V) the scores of all texts and videos.

        Raises ConfigError where weights and features do not fit.
        """

    def figures(self, weights: Mapping[str, Any], features: FeatureSet) -> dict[str, float]:
        """Return what is measured of it on features, by name; text to video here."""
        scores, relevance = self.scores(weights, features), features.relevance()
        best = np.where(relevance > 0, scores, -np.inf).max(axis=1)
        ahead = ((scores >= best[:, None]) & (relevance == 0)).sum(axis=1)
        found = {f"R@{k}": float((ahead < k).mean()) for k in (1, 5, 10)}
        return found | {"MRR": one_way(scores, relevance)}


@dataclass(frozen=True, kw_only=True)
class Gradient(Recipe):
    """A recipe that is trained step by step."""

    steps: Annotated[int, Field(ge=1, description="Steps of the optimizer.")] = 600
    batch: Annotated[int, Field(ge=2, description="Videos in a batch.")] = 64
    accumulate: Annotated[int, Field(ge=1, description="Batches to one step.")] = 1
    learning_rate: Annotated[float, Field(gt=0, lt=1, description="Highest rate.")] = 1e-3
    warmup: Annotated[int, Field(ge=0, description="Steps until the highest rate.")] = 50
    weight_decay: Annotated[float, Field(ge=0, le=10, description="Pull towards zero.")] = 0.01
    dropout: Annotated[float, Field(ge=0, lt=1, description="Share of inputs left out.")] = 0.1
    check_every: Annotated[int, Field(ge=1, description="Steps between checkpoints.")] = 50
    patience: Annotated[
        int, Field(ge=0, description="Checks without gain until it stops; 0 never stops.")
    ] = 5
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"], Field(description="Of the arithmetic.")
    ] = "float32"
    device: Annotated[
        str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:1.")
    ] = "auto"
    threads: Annotated[int, Field(ge=1, le=1_000, description="Threads on the CPU.")] = 1
    seed: Annotated[int, Field(ge=0, description="Of everything random.")] = 0

    @property
    def schedule(self) -> TrainConfig:
        """How long and how fast to train."""
        known = {one.name for one in fields(TrainConfig)}
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name in known}
        return TrainConfig(**({"masked_steps": 0} | own))

    @abstractmethod
    def objective(self, features: FeatureSet) -> "Objective":
        """Return what is trained, untrained yet, for features of these dimensions."""

    def train(
        self, features: FeatureSet, folder: Path | None = None, watch: "Watch | None" = None
    ) -> Learnt:
        needs_torch("training")
        import torch

        from q2e.heads.trainer import train

        torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        about = {one.name: getattr(self, one.name) for one in fields(self)}
        about["recipe"] = type(self).__name__
        done = train(self.objective(features), features, self.schedule, folder, watch, about)
        weights = {name: value.numpy() for name, value in done.state.items()}
        return Learnt(weights, done.best, done.best_step, done.steps, done.stopped_early)

    def scores(self, weights: Mapping[str, Any], features: FeatureSet) -> Float64:
        return np.asarray(self.loaded(weights, features).scores(features, "cpu").double().numpy())

    def loaded(self, weights: Mapping[str, Any], features: FeatureSet) -> "Objective":
        """Return the objective with these weights. Raises ConfigError where they do not fit."""
        needs_torch("a trained head")
        import torch

        made = self.objective(features)
        try:
            made.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()})
        except RuntimeError as error:
            first = str(error).strip().splitlines()[-1].strip()
            raise ConfigError(f"weights and features do not fit: {first}") from None
        made.eval()
        return made


def needs_torch(purpose: str) -> None:
    """Raise MissingDependency where PyTorch is not installed."""
    if find_spec("torch") is None:
        raise MissingDependency("torch", "mmi", purpose)
