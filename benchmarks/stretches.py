"""Made-up worlds of stretches: in each a recipe of the kind `localise` has what it needs.

Every world is drawn from a seed: videos of `FRAMES` frames, one a second, cut into events; vectors
have `DIMENSION` numbers. Three fifths of the videos are `train`, one `val`, one `test`. What is
trained stands beside what lacks its mechanism, over `SEEDS`, each with a world of its own;
intervals are 95 % bootstrap over the texts of all seeds, and paired with the best of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.made_up import unit
from benchmarks.parts import _best, _shown
from q2e.arrays import Float64
from q2e.heads.features import FeatureSet
from q2e.plugins import registry

DIMENSION, FRAMES, CONCEPTS = 24, 24, 12
#: Numbers of a vector that say what is shown; the others flicker.
_MEANT = 12


def flicker(videos: int, seed: int) -> FeatureSet:
    """Return videos whose frames share a concept in an event, and differ in all else.

    Half of the numbers of a frame change from frame to frame and are twice as long as the concept;
    in those a text has numbers of its own. No text and no bound of `train` and `val` is true.
    """
    rng = np.random.default_rng(seed)
    concepts = np.zeros((CONCEPTS, DIMENSION))
    concepts[:, :_MEANT] = unit(rng.normal(size=(CONCEPTS, _MEANT)))
    turned, _ = np.linalg.qr(rng.normal(size=(DIMENSION, DIMENSION)))

    def style(count: int) -> Any:
        made = np.zeros((count, DIMENSION))
        made[:, _MEANT:] = 2.0 * unit(rng.normal(size=(count, DIMENSION - _MEANT)))
        return made

    frames, tokens, spans = [], [], []
    for _ in range(videos):
        starts = _cut(rng)
        shown = rng.choice(CONCEPTS, len(starts) - 1, replace=False)
        one = np.repeat(concepts[shown], np.diff(starts), axis=0)
        which = int(rng.integers(len(shown)))
        frames.append(unit(one + style(FRAMES) + 0.05 * rng.normal(size=one.shape)) @ turned)
        tokens.append(unit(concepts[shown[which]] + style(1)[0])[None] @ turned)
        spans.append((starts[which], starts[which + 1]))
    return told(frames, tokens, _unlabelled(rng, spans))


def unpaired(videos: int, seed: int) -> FeatureSet:
    """Return videos of things, and a corpus in which things stand beside what they do.

    A noun lies near the frames that show it, a verb near none. Texts of `train` and `val` are a
    noun and mostly the verb that goes with it, of any videos; those of `test` are a verb alone.
    """
    rng = np.random.default_rng(seed)
    nouns, verbs = (unit(rng.normal(size=(CONCEPTS, DIMENSION))) for _ in range(2))
    kinds = splits(videos)
    frames, tokens, spans = [], [], []
    for kind in kinds:
        starts = _cut(rng)
        shown = rng.choice(CONCEPTS, len(starts) - 1, replace=False)
        one = np.repeat(nouns[shown], np.diff(starts), axis=0)
        frames.append(unit(one + 0.8 * unit(rng.normal(size=one.shape))))
        which = int(rng.integers(len(shown)))
        spans.append((starts[which], starts[which + 1]))
        if kind == "test":
            tokens.append(verbs[shown[which]][None])
        else:
            noun = int(rng.integers(CONCEPTS))
            verb = noun if rng.random() < 0.8 else int(rng.integers(CONCEPTS))
            tokens.append(np.stack([nouns[noun], verbs[verb]]))
    return told(frames, tokens, _unlabelled(rng, spans))


def fine(videos: int, seed: int) -> FeatureSet:
    """Return videos of twice as many frames, whose events begin and end anywhere.

    Two of three words of a text say nothing, and words are not in the space of frames.
    """
    rng = np.random.default_rng(seed)
    concepts, words = (unit(rng.normal(size=(CONCEPTS, DIMENSION))) for _ in range(2))
    filler = unit(rng.normal(size=(2 * CONCEPTS, DIMENSION)))
    frames, tokens, spans = [], [], []
    for _ in range(videos):
        starts = _cut(rng, 2, 12, 2 * FRAMES)
        shown = rng.integers(CONCEPTS, size=len(starts) - 1)
        which = int(rng.integers(len(shown)))
        # What is asked for is shown once.
        shown[np.arange(len(shown)) != which] = (
            shown[which] + rng.integers(1, CONCEPTS, size=len(shown) - 1)
        ) % CONCEPTS
        one = np.repeat(concepts[shown], np.diff(starts), axis=0)
        frames.append(unit(one + 0.5 * unit(rng.normal(size=one.shape))))
        said = np.stack([words[shown[which]], *filler[rng.choice(len(filler), 2, replace=False)]])
        tokens.append(rng.permutation(said))
        spans.append((starts[which], starts[which + 1]))
    return told(frames, tokens, spans)


def weak(videos: int, seed: int) -> FeatureSet:
    """Return videos of which is told what they show somewhere, among things that are never told.

    Texts are one word that names what is shown and two that say nothing, in a space of their own.
    """
    rng = np.random.default_rng(seed)
    concepts, words = (unit(rng.normal(size=(CONCEPTS, DIMENSION))) for _ in range(2))
    untold = unit(rng.normal(size=(4 * CONCEPTS, DIMENSION)))
    filler = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    frames, tokens, spans = [], [], []
    for _ in range(videos):
        starts = _cut(rng)
        which, said = int(rng.integers(len(starts) - 1)), int(rng.integers(CONCEPTS))
        shown = untold[rng.integers(len(untold), size=len(starts) - 1)]
        shown[which] = concepts[said]
        one = np.repeat(shown, np.diff(starts), axis=0)
        frames.append(unit(one + 0.5 * unit(rng.normal(size=one.shape))))
        told_by = np.stack([words[said], *filler[rng.choice(CONCEPTS, 2, replace=False)]])
        tokens.append(rng.permutation(told_by))
        spans.append((starts[which], starts[which + 1]))
    return told(frames, tokens, _unlabelled(rng, spans))


def crowded(videos: int, seed: int) -> FeatureSet:
    """Return videos of four regions a frame; a text names two things that are there together.

    Other events show one of the two twice, or another thing with it; two regions are clutter.
    """
    rng = np.random.default_rng(seed)
    things, words = (unit(rng.normal(size=(CONCEPTS, DIMENSION))) for _ in range(2))
    frames, regions, tokens, spans = [], [], [], []
    for _ in range(videos):
        starts = _cut(rng)
        a, b, *others = rng.choice(CONCEPTS, 5, replace=False).tolist()
        pairs = [(a, a), (b, b), (a, others[0]), (b, others[1]), (others[2], others[2])]
        shown = [pairs[n] for n in rng.permutation(len(pairs))[: len(starts) - 1]]
        which = int(rng.integers(len(shown)))
        shown[which] = (a, b)
        own = things[np.repeat(np.array(shown), np.diff(starts), axis=0)]
        clutter = unit(rng.normal(size=own.shape))
        one = np.concatenate([own, clutter], axis=1)
        one = unit(one + 0.3 * unit(rng.normal(size=one.shape)))
        regions.append(one[:, rng.permutation(4)])
        frames.append(unit(one.mean(axis=1)))
        tokens.append(words[[a, b]])
        spans.append((starts[which], starts[which + 1]))
    made = tuple(np.asarray(one, np.float32) for one in regions)
    return told(frames, tokens, spans, regions=made)


def doing(videos: int, seed: int) -> FeatureSet:
    """Return videos of one thing that goes one way in an event, from anywhere; a text is a thing
    and a verb, and all events show the thing."""
    rng = np.random.default_rng(seed)
    things = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    ways = unit(rng.normal(size=(CONCEPTS // 2, DIMENSION)))
    nouns, verbs = (unit(rng.normal(size=(CONCEPTS, DIMENSION))) for _ in range(2))
    # A verb goes one way, the next one the other.
    ways = np.concatenate([ways, -ways])
    frames, tokens, spans = [], [], []
    for _ in range(videos):
        starts = _cut(rng)
        thing = int(rng.integers(CONCEPTS))
        done = rng.choice(CONCEPTS, len(starts) - 1, replace=False)
        parts = []
        for verb, count in zip(done.tolist(), np.diff(starts).tolist(), strict=True):
            at = 0.25 * (np.arange(count) - count / 2) + rng.normal()
            parts.append(things[thing] + at[:, None] * ways[verb])
        one = np.concatenate(parts)
        which = int(rng.integers(len(done)))
        frames.append(one + 0.03 * rng.normal(size=one.shape))
        tokens.append(np.stack([nouns[thing], verbs[done[which]]]))
        spans.append((starts[which], starts[which + 1]))
    return told(frames, tokens, spans)


def told(frames: Any, tokens: Any, spans: Any, **more: Any) -> FeatureSet:
    """Return a world of one text a video."""
    count = len(frames)
    return FeatureSet(
        frames=tuple(np.asarray(one, np.float32) for one in frames),
        tokens=tuple(np.asarray(one, np.float32) for one in tokens),
        video=np.arange(count),
        video_ids=tuple(f"v{number}" for number in range(count)),
        text_ids=tuple(f"t{number}" for number in range(count)),
        split=splits(count),
        times_s=tuple(np.arange(len(one)) + 0.5 for one in frames),
        spans_s=np.asarray(spans, np.float64),
        space="made-up",
        data="made up",
        licence="none needed",
        **more,
    )


def splits(count: int) -> tuple[str, ...]:
    """Return three fifths `train`, one `val`, one `test`."""
    return tuple(("train", "train", "train", "val", "test")[number % 5] for number in range(count))


def _cut(rng: np.random.Generator, least: int = 4, most: int = 9, frames: int = FRAMES) -> Any:
    """Return where events of `least` to `most` frames begin, and the number of frames."""
    starts = [0]
    while frames - starts[-1] >= 2 * least:
        longest = min(most, frames - starts[-1] - least)
        starts.append(starts[-1] + int(rng.integers(least, longest + 1)))
    return np.array([*starts, frames])


def _unlabelled(rng: np.random.Generator, spans: Any) -> Any:
    """Return spans that are true of `test` alone; elsewhere each is that of another video."""
    found = np.array(spans, np.float64)
    other = rng.permutation(found)
    test = np.array([one == "test" for one in splits(len(found))])
    return np.where(test[:, None], found, other)


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe in the world it is for, beside what lacks its mechanism."""

    world: Callable[[int, int], FeatureSet]
    recipe: str
    others: Mapping[str, str]
    """Other trainings by what the table calls them."""


_SHORT = "steps=200, learning_rate=0.003, check_every=25"
_LONGER = "steps=200, learning_rate=0.005, check_every=50"
TRIALS: Mapping[str, Trial] = {
    "language_free": Trial(flicker, f"language_free({_SHORT})", {}),
    "psvl": Trial(
        unpaired,
        f"psvl({_SHORT})",
        {
            "psvl, nouns alone": f"psvl({_SHORT}, verbs=0)",
            "language_free": f"language_free({_SHORT})",
        },
    ),
    "vdi": Trial(
        doing,
        f"vdi({_LONGER})",
        {
            "vdi, frames twice": f"vdi({_LONGER}, changes=False)",
            "mcn": f"mcn({_LONGER}, chunks=12)",
        },
    ),
    "vlanet": Trial(
        weak,
        f"vlanet({_LONGER}, batch=32)",
        {"vlanet, every stretch": f"vlanet({_LONGER}, batch=32, surrogates=78)"},
    ),
}
SEEDS = range(5)
#: Videos of a world.
VIDEOS = 300


def measured(name: str) -> dict[str, Any]:
    """Return how well stretches are found in a recipe's world, by it and by what lacks it."""
    from q2e.heads.blocks.spans import overlaps, right_of

    trial = TRIALS[name]
    found: dict[str, list[Float64]] = {}
    spent_s = []
    for seed in SEEDS:
        features = trial.world(VIDEOS, seed)
        test = features.subset("test")
        answers = {}
        for way, text in {name: trial.recipe, **trial.others}.items():
            began = time.process_time()
            chosen = registry().one("training", text)
            recipe: Any = chosen.method.choice({**chosen.arguments, "seed": seed}).bound
            made: Any = recipe.loaded(recipe.train(features).weights, test)
            answers[way] = made.best(test, "cpu")
            if way == name:
                spent_s.append(time.process_time() - began)
        answers["the whole video"] = np.tile([0.0, 1.0], (len(test.tokens), 1))
        if test.dimension == test.text_dimension:
            answers["most like the text, untrained"] = untrained(test)
        for way, spans in answers.items():
            found.setdefault(way, []).append(overlaps(spans, right_of(test)))
    best = _best({way: rows for way, rows in found.items() if way != name})
    base = np.concatenate(found[best])
    rows = {}
    for way, rows_of in found.items():
        every = np.concatenate(rows_of)
        rows[way] = {
            "mIoU": _shown(every),
            "mIoU by seed": [round(100 * float(one.mean()), 1) for one in rows_of],
            "R@1 IoU>=0.5": round(100 * float((every >= 0.5).mean()), 1),
            "over the best other": _shown(every - base),
        }
    cpu_s = round(float(np.mean(spent_s)), 1)
    return {"texts": len(base), "best other": best, "cpu_s": cpu_s, "rows": rows}


def untrained(test: FeatureSet, chunks: int = 12) -> Float64:
    """Return (T, 2) the stretch most like each text, less what lies outside; the longer, the more.

    That is what the localiser of the recipes finds before it is trained.
    """
    from q2e.heads.blocks.spans import described, stretches

    bounds = stretches(chunks)
    length = np.diff(bounds).ravel()
    found = []
    for text, video in enumerate(test.video.tolist()):
        said = test.tokens[text].mean(axis=0)
        like = described(test.frames[video], bounds)[:, : 2 * len(said)].reshape(len(bounds), 2, -1)
        inside, whole = (like @ said).T
        outside = (whole - length * inside) / np.maximum(1.0 - length, 1e-6)
        worth = (inside - np.where(length < 1.0, outside, 0.0)) * length**0.25
        found.append(bounds[int(worth.argmax())])
    return np.array(found)
