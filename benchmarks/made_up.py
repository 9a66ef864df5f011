"""Made-up worlds for what no public features at hand can train: stretches and compositions.

Every world is drawn from a seed. Vectors have `DIMENSION` numbers, `train`, `val` and `test` are
three fifths, one and one.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from q2e.arrays import Float64
from q2e.heads.features import FeatureSet

DIMENSION = 24
#: Frames of a video whose stretches are told, one a second; concepts that texts speak of.
FRAMES, CONCEPTS = 12, 6
#: Changes that texts ask for.
CHANGES = 4
World = Literal["localise", "localise, other space", "compose", "compose, sum"]


def world(kind: World, videos: int = 400, seed: int = 0) -> FeatureSet:
    """Return a world of stretches, or of compositions.

    `localise`: one sixth or more of each video shows the concept that its text names, among noise
    that is nearly as strong; in `other space` texts are not in the space of frames. `compose`: the
    video meant differs from the example by a direction that the text names: against it, so that
    adding both leads away; in `sum` along it.
    """
    rng = np.random.default_rng(seed)
    if kind.startswith("localise"):
        return _stretches(rng, videos, kind)
    return _changes(rng, videos, -3.0 if kind == "compose" else 3.0)


def unit(x: Any) -> Float64:
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def _stretches(rng: np.random.Generator, videos: int, kind: str) -> FeatureSet:
    frames = [unit(rng.normal(size=(FRAMES, DIMENSION))) for _ in range(videos)]
    begin = rng.integers(0, 5, size=videos)
    end = begin + rng.integers(1, 3, size=videos)
    concepts = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    said = rng.integers(CONCEPTS, size=videos)
    for number, one in enumerate(frames):
        one[2 * begin[number] : 2 * end[number]] += 2 * concepts[said[number]]
    words = concepts
    if kind.endswith("other space"):
        words = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    return _set(
        frames,
        [words[one][None] for one in said],
        np.arange(videos),
        spans_s=np.stack([2.0 * begin, 2.0 * end], axis=1),
        times_s=tuple(np.arange(FRAMES) + 0.5 for _ in range(videos)),
    )


def _changes(rng: np.random.Generator, videos: int, by: float) -> FeatureSet:
    meaning = unit(rng.normal(size=(videos, DIMENSION)))
    turns = unit(rng.normal(size=(CHANGES, DIMENSION)))
    kinds = rng.integers(CHANGES, size=videos // 2)
    meaning[1::2] = unit(meaning[::2] + by * turns[kinds])
    return _set(
        [own[None] for own in meaning],
        [turns[kind][None] for kind in kinds],
        np.arange(1, videos, 2),
        example=np.arange(0, videos, 2),
    )


def _set(frames: Any, tokens: Any, video: Any, **more: Any) -> FeatureSet:
    splits = ("train", "train", "train", "val", "test")
    return FeatureSet(
        frames=tuple(one.astype(np.float32) for one in frames),
        tokens=tuple(one.astype(np.float32) for one in tokens),
        video=video,
        video_ids=tuple(f"v{number}" for number in range(len(frames))),
        text_ids=tuple(f"t{number}" for number in range(len(tokens))),
        # An example and what it becomes are of one split.
        split=tuple(splits[(number // 2) % 5] for number in range(len(frames))),
        space="made-up",
        data="made up",
        licence="none needed",
        **more,
    )
