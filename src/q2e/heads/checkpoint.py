"""What a training leaves in its folder: a checkpoint to go on from, and a log as CSV."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from q2e.cache import write_whole
from q2e.errors import ConfigError

CHECKPOINT, LOG = "checkpoint.pt", "log.csv"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log; `validation` is the mean reciprocal rank of both directions."""

    step: int
    stage: str
    loss: float
    rate: float
    validation: float | None
    seconds: float


def keep(folder: Path, state: Mapping[str, Any], log: Sequence[Line]) -> None:
    """Write checkpoint and log, each whole or not at all."""
    whole = {**state, "log": [asdict(line) for line in log]}
    write_whole(folder / CHECKPOINT, lambda file: torch.save(whole, file))
    text = _csv(log).encode()
    write_whole(folder / LOG, lambda file: file.write(text))


def kept(folder: Path, device: Any = "cpu") -> dict[str, Any]:
    """Return the state of a folder's checkpoint, its log as `Line`s.

    Raises ConfigError where it is none of ours.
    """
    path = folder / CHECKPOINT
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if {"config", "objective", "best_state"} <= set(state):
            return {**state, "log": [Line(**line) for line in state["log"]]}
        problem = "it holds something else"
    except (
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        LookupError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        problem = str(error).partition("\n")[0]
    raise ConfigError(f"{path}: no checkpoint of ours ({problem}); delete it")


def _csv(log: Sequence[Line]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [one.name for one in fields(Line)]
    writer.writerow(names)
    for line in log:
        writer.writerow(["" if (v := getattr(line, name)) is None else v for name in names])
    return text.getvalue()
