"""What a trained head proposes as moments of a video, by the stored vectors of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet
from q2e.heads.kept import Kept
from q2e.heads.train import opened
from q2e.methods.localise.base import Scored
from q2e.search.state import State

#: Frames of a window at least.
_LEAST = 4


def looked(state: State, video: int, scored: Scored) -> Scored:
    """Return evidence with the stretches that the head of the settings proposes.

    As it was where the question is no text or the video has no frames. Raises ConfigError where no
    head is named, or the one that is was learnt from other vectors than the index holds.
    """
    folder = state.plan.settings.moment_head
    if folder is None:
        raise ConfigError(
            'localise = "head" needs the folder of a head: train one with  q2e train localise '
            "FEATURES --recipe NAME --out FOLDER,  and name it with  --set moment_head=FOLDER"
        )
    kept, recipe = _opened(Path(folder), _sum_of(Path(folder)))
    asked = next((one for one in state.asked if one.space == kept.space), None)
    if asked is None:
        held = ", ".join(one.space for one in state.asked)
        raise ConfigError(
            f"{folder}: learnt from vectors of {kept.space!r}, this index is asked by {held}; "
            "train one on its own features:  q2e features INDEX --out FEATURES.npz"
        )
    own = next((one for one in asked.parts if one.part == "query"), None)
    frames, at_s = _frames(state, video, kept.space)
    if own is None or state.shown or not len(frames):
        return scored
    text = np.asarray(own.matrix[:1], np.float32)
    spans, worth = [], []
    for first, last in _windows(len(frames), int(kept.facts.get("frames", len(frames)))):
        part = _asked(frames[first:last], at_s[first:last], text, kept.space)
        found, scores = recipe.stretches_of(kept.weights, part)
        spans.append(found)
        worth.append(scores)
    every = np.concatenate(worth)
    heat = np.exp(every - every.max())
    chances = (heat / heat.sum()).tolist()
    found_s = [(low, high) for low, high in np.concatenate(spans).tolist()]
    return replace(scored, proposed=(found_s, chances))


def _frames(state: State, video: int, space: str) -> tuple[Float32, Float64]:
    """Return the vectors (n, d) of a video's frames in a space, and when they are shown (n,)."""
    store, table = state.at.store, state.at.table
    rows, matrix = store.vectors(space)
    own = np.flatnonzero(table.video[rows] == video)
    start_s, _, frame_s = store.times_s(rows[own]).T
    at_s = np.where(np.isfinite(frame_s), frame_s, start_s)
    order = np.argsort(at_s, kind="stable")
    return np.asarray(matrix[own[order]], np.float32), np.asarray(at_s[order], np.float64)


def _windows(count: int, wide: int) -> Iterator[tuple[int, int]]:
    """Yield windows of `wide` of `count` frames, each half over the one before; one where few."""
    wide = max(wide, _LEAST)
    if 2 * count <= 3 * wide:
        yield 0, count
        return
    step = wide // 2
    for first in range(0, count - wide + step, step):
        last = min(first + wide, count)
        yield last - wide, last


def _asked(frames: Float32, at_s: Float64, text: Float32, space: str) -> FeatureSet:
    return FeatureSet(
        frames=(frames,),
        tokens=(text,),
        video=np.zeros(1, np.int64),
        video_ids=("video",),
        text_ids=("text",),
        split=("test",),
        times_s=(at_s,),
        space=space,
    )


def _sum_of(folder: Path) -> float:
    """Return what changes when a head is trained again."""
    about = folder / "head.json"
    return about.stat().st_mtime if about.is_file() else 0.0


@lru_cache(maxsize=4)
def _opened(folder: Path, changed: float) -> tuple[Kept, Any]:
    kept, recipe = opened(folder)
    if kept.kind != "localise":
        raise ConfigError(
            f"{folder}: a head of the kind {kept.kind}; moments need one of  q2e train localise"
        )
    return kept, recipe
