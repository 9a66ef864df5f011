"""Trains a head of MMI-TVR on cached features, by the trainer of all heads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from q2e.errors import ConfigError
from q2e.heads.checkpoint import CHECKPOINT, kept
from q2e.heads.features import FeatureSet
from q2e.heads.schedule import TrainConfig
from q2e.heads.trainer import Trained, Watch, train
from q2e.mmi.objective import HeadObjective
from q2e.mmi.reason import Head, HeadConfig


def train_head(
    features: FeatureSet,
    head: HeadConfig,
    config: TrainConfig,
    folder: Path | None = None,
    watch: Watch | None = None,
) -> tuple[Head, Trained]:
    """Train a head on the split `train` and return the best by the split `val`.

    With a `folder`, checkpoints and the log are kept there, and a training that is there already
    goes on. Raises ConfigError where features and head do not fit or another training is there.
    """
    if "query" in (head.alpha, head.beta):
        raise ConfigError(
            "weights by 'query' make a video's vector depend on the question; they serve "
            "reranking, not this training: choose learned, closeness, disparity, length or "
            "uniform, or train attention by the question with  q2e train head --recipe xpool"
        )
    torch.set_num_threads(config.threads)
    objective = HeadObjective(
        head, seed=config.seed, dropout=config.dropout, mask_rate=config.mask_rate
    )
    done = train(objective, features, config, folder, watch, asdict(head))
    objective.load_state_dict(done.state)
    return objective.module.head(features.space), done


def best_head(folder: Path) -> tuple[Head, dict[str, Any]]:
    """Return the best head of a training's checkpoint, and facts about it.

    Raises ConfigError where there is none, or nothing was validated yet.
    """
    if not (folder / CHECKPOINT).is_file():
        raise ConfigError(f"{folder}: holds no {CHECKPOINT}; train with  q2e mmi train")
    state = kept(folder)
    _, about, (space, *_) = json.loads(state["config"])
    if not state["best_state"]:
        raise ConfigError(f"{folder}: no validation yet, at step {state['step']}; train on")
    objective = HeadObjective(HeadConfig(**about))
    objective.load_state_dict(state["best_state"])
    facts = {"best_step": state["best_step"], "validation": round(state["best"], 6)}
    return objective.module.head(space), facts | {"steps": state["step"]}
