"""Do `mcn` and `combiner` beat what needs no training? Part of `python -m benchmarks heads`.

Worlds are made up (`benchmarks.made_up`), and for stretches also made of real pictures: six that
have nothing to do with one another are a clip, one a second, and the caption of one of them is to
be found in it. Each of `SEEDS` draws a world and a training of its own; of real pictures it draws
the training alone. Intervals are 95 % bootstrap over the texts of all seeds, and paired with the
best that was not trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.made_up import World, world
from q2e.arrays import Float64
from q2e.evaluate.compare import bootstrap
from q2e.heads.features import FeatureSet
from q2e.plugins import registry

SEEDS = range(5)
#: How both are trained.
MCN = "mcn(steps=150, learning_rate=0.005, check_every=30)"
COMBINER = "combiner(steps=150, learning_rate=0.003, check_every=30)"
#: Videos of a made-up world.
VIDEOS = 500


def localise(real: FeatureSet) -> dict[str, Any]:
    """Return how well stretches are found in each world, and in clips of real pictures."""
    worlds: dict[str, list[FeatureSet]] = {
        kind: [world(kind, VIDEOS, seed) for seed in SEEDS]
        for kind in ("localise", "localise, other space")
    }
    worlds["real pictures"] = [real] * len(SEEDS)
    return {name: _localised(sets) for name, sets in worlds.items()}


def compose() -> dict[str, Any]:
    """Return how often the video meant is found first in each world of compositions."""
    kinds: tuple[World, ...] = ("compose", "compose, sum")
    return {kind: _composed([world(kind, VIDEOS, seed) for seed in SEEDS]) for kind in kinds}


def _localised(sets: Sequence[FeatureSet]) -> dict[str, Any]:
    from q2e.heads.blocks.spans import described, overlaps, right_of, stretches

    bounds = stretches(6)
    found: dict[str, list[Float64]] = {}
    for seed, features in zip(SEEDS, sets, strict=True):
        test = features.subset("test")
        right = right_of(test)
        chosen = registry().one("training", MCN)
        recipe: Any = chosen.method.choice({**chosen.arguments, "seed": seed}).bound
        made: Any = recipe.loaded(recipe.train(features).weights, test)
        answers = {"mcn": made.best(test, "cpu")}
        answers["the whole video"] = np.broadcast_to(np.array([0.0, 1.0]), right.shape)
        if test.dimension == test.text_dimension:
            shown = [described(frames, bounds) for frames in test.frames]
            answers["most like the text, untrained"] = bounds[
                [_contrast(shown[v], test.tokens[t][0]) for t, v in enumerate(test.video.tolist())]
            ]
        for name, spans in answers.items():
            found.setdefault(name, []).append(overlaps(spans, right))
    base = _best({name: rows for name, rows in found.items() if name != "mcn"})
    rows = {}
    for name, rows_of in found.items():
        every = np.concatenate(rows_of)
        rows[name] = {
            "R@1 IoU>=0.5": _shown((every >= 0.5).astype(float)),
            "R@1 IoU>=0.7": round(100 * float((every >= 0.7).mean()), 1),
            "mIoU": _shown(every),
            "mIoU by seed": [round(100 * float(one.mean()), 1) for one in rows_of],
            "over the best untrained": _shown(every - np.concatenate(found[base])),
        }
    return {"texts": len(found["mcn"][0]), "best untrained": base, "rows": rows}


def _contrast(shown: Any, text: Any) -> int:
    """Return the stretch whose mean is most like the text, less what lies outside it."""
    width = len(text)
    inside, whole = shown[:, :width], shown[:, width : 2 * width]
    share = (shown[:, -1] - shown[:, -2])[:, None]
    outside = (whole - share * inside) / np.maximum(1.0 - share, 1e-6)
    like = (inside - np.where(share < 1.0, outside, 0.0)) @ text
    return int(like.argmax())


def _composed(sets: Sequence[FeatureSet]) -> dict[str, Any]:
    found: dict[str, list[Float64]] = {}
    ranks: dict[str, list[Float64]] = {}
    for seed, features in zip(SEEDS, sets, strict=True):
        test = features.subset("test")
        assert test.example is not None
        chosen = registry().one("training", COMBINER)
        recipe: Any = chosen.method.choice({**chosen.arguments, "seed": seed}).bound
        scores = {"combiner": recipe.scores(recipe.train(features).weights, test)}
        shown = np.stack([one[0] for one in test.frames])
        said = np.stack([one[0] for one in test.tokens])
        scores["example alone"] = shown[test.example] @ shown.T
        scores["text alone"] = said @ shown.T
        scores["sum of both, untrained"] = (shown[test.example] + said) @ shown.T
        for name, matrix in scores.items():
            own = np.array(matrix, np.float64)
            own[np.arange(len(own)), test.example] = -np.inf  # it is not meant
            best = own[np.arange(len(own)), test.video]
            rank = (own >= best[:, None]).sum(axis=1)
            found.setdefault(name, []).append(np.asarray(rank == 1, np.float64))
            ranks.setdefault(name, []).append(1.0 / rank)
    base = _best({name: rows for name, rows in ranks.items() if name != "combiner"})
    rows = {}
    for name, hits in found.items():
        gain = np.concatenate(hits) - np.concatenate(found[base])
        rows[name] = {
            "R@1": _shown(np.concatenate(hits)),
            "R@1 by seed": [round(100 * float(one.mean()), 1) for one in hits],
            "MRR": round(float(np.concatenate(ranks[name]).mean()), 4),
            "over the best untrained": _shown(gain),
        }
    return {"texts": len(found["combiner"][0]), "best untrained": base, "rows": rows}


def _best(rows: Mapping[str, Sequence[Float64]]) -> str:
    return max(rows, key=lambda name: float(np.concatenate(rows[name]).mean()))


def _shown(values: Float64) -> list[float]:
    one = bootstrap(values.tolist())
    return [round(100 * x, 1) for x in (one.value, one.low, one.high)]


def told(features: FeatureSet, per_clip: int) -> FeatureSet:
    """Return clips of pictures, `per_clip` each, with what each caption of theirs describes."""
    count = len(features.tokens)
    begin = np.arange(count) % per_clip
    return replace(
        features,
        times_s=tuple(np.arange(per_clip) + 0.5 for _ in features.frames),
        spans_s=np.stack([begin, begin + 1.0], axis=1).astype(np.float64),
    )
