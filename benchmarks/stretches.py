"""Made-up worlds of stretches: in each a recipe of the kind `localise` has what it needs.

Every world is drawn from a seed: videos of `FRAMES` frames, one a second, cut into events; vectors
have `DIMENSION` numbers. Three fifths of the videos are `train`, one `val`, one `test`. What is
trained stands beside what lacks its mechanism, over `SEEDS`, each with a world of its own;
intervals are 95 % bootstrap over the texts of all seeds, and paired with the best of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
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


def weak(videos: int, seed: int) -> FeatureSet:
    """Return videos of which is told what they show somewhere, among things that are never told.

    Events are short, so that most of a video is of things that are not told. Texts are one word
    that names what is shown and two that say nothing, in a space of their own.
    """
    rng = np.random.default_rng(seed)
    concepts, words = (unit(rng.normal(size=(CONCEPTS, DIMENSION))) for _ in range(2))
    untold = unit(rng.normal(size=(4 * CONCEPTS, DIMENSION)))
    filler = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    frames, tokens, spans = [], [], []
    for _ in range(videos):
        starts = 2 * _cut(rng, 1, 3, FRAMES // 2)
        which, said = int(rng.integers(len(starts) - 1)), int(rng.integers(CONCEPTS))
        shown = untold[rng.integers(len(untold), size=len(starts) - 1)]
        shown[which] = concepts[said]
        one = np.repeat(shown, np.diff(starts), axis=0)
        frames.append(unit(one + 0.5 * unit(rng.normal(size=one.shape))))
        told_by = np.stack([words[said], *filler[rng.choice(CONCEPTS, 2, replace=False)]])
        tokens.append(rng.permutation(told_by))
        spans.append((starts[which], starts[which + 1]))
    return told(frames, tokens, _unlabelled(rng, spans))


def brief(videos: int, seed: int) -> FeatureSet:
    """Return videos whose events begin and end with things that are shown for a moment only.

    An event shows one thing for one frame, another for long, a third for one frame; a text names
    the three. Other events show some of the three, the rest of them other things. A frame has three
    regions more, of things that no text names.
    """
    rng = np.random.default_rng(seed)
    things = unit(rng.normal(size=(2 * CONCEPTS, DIMENSION)))
    frames, regions, tokens, spans = [], [], [], []
    for _ in range(videos):
        starts = _cut(rng)
        count = len(starts) - 1
        a, b, c, *others = rng.choice(CONCEPTS, CONCEPTS, replace=False).tolist()
        alike = [(a, others[0], c), (others[1], b, others[2]), (a, b, others[3]),
                 (others[4], b, c), (others[5], others[6], others[7])]  # fmt: skip
        shown = [alike[number] for number in rng.permutation(len(alike))[:count]]
        shown += [(others[8], others[0], others[1])] * (count - len(shown))
        which = int(rng.integers(count))
        shown[which] = (a, b, c)
        own = np.concatenate(
            [
                things[[first, *[long] * (length - 2), last]]
                for (first, long, last), length in zip(shown, np.diff(starts), strict=True)
            ]
        )
        clutter = things[CONCEPTS + rng.integers(CONCEPTS, size=(len(own), 3))]
        one = np.concatenate([own[:, None], clutter], axis=1)
        one = unit(one + 0.3 * unit(rng.normal(size=one.shape)))
        regions.append(one[:, rng.permutation(4)])
        frames.append(unit(one.mean(axis=1)))
        tokens.append(things[rng.permutation([a, b, c])])
        spans.append((starts[which], starts[which + 1]))
    made = tuple(np.asarray(one, np.float32) for one in regions)
    return told(frames, tokens, spans, regions=made)


def framed(videos: int, seed: int) -> FeatureSet:
    """Return videos in which what is meant goes from the first to the last time a sign is shown.

    A sign is shown for two single frames; all between them, and all others, show nothing of the
    kind. Three signs of a video overlap as they come; a text names one of them.
    """
    rng = np.random.default_rng(seed)
    signs = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    filler = unit(rng.normal(size=(CONCEPTS, DIMENSION)))
    frames, tokens, spans = [], [], []
    for _ in range(videos):
        one = unit(rng.normal(size=(FRAMES, DIMENSION)))
        begin, shown = rng.integers(0, 14, size=3), rng.choice(CONCEPTS, 3, replace=False)
        places = np.stack([begin, begin + rng.integers(3, 11, size=3)], axis=1)
        for sign, both in zip(shown, places, strict=True):
            one[both] = unit(signs[sign] + 0.3 * one[both])
        frames.append(one)
        # Where two signs fall together the last one is seen, and it is that which is asked for.
        which = 2
        said = np.stack([signs[shown[which]], *filler[rng.choice(CONCEPTS, 2, replace=False)]])
        tokens.append(rng.permutation(said))
        spans.append((places[which, 0], places[which, 1] + 1))
    return told(frames, tokens, spans)


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
    videos: int = 300


_SHORT = "steps=200, learning_rate=0.003, check_every=25"
_LONGER = "steps=200, learning_rate=0.005, check_every=50"
_QUERIES = "steps=300, learning_rate=0.001, check_every=100, batch=32, patience=0"
_SETS = "steps=150, learning_rate=0.01, check_every=25, batch=32, chunks=24, hidden=32, width=0.5"
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
    "stal": Trial(
        brief,
        f"stal({_SETS})",
        {"stal, means": f"stal({_SETS}, sets=False)", "mcn": f"mcn({_LONGER}, chunks=24)"},
    ),
    "detr": Trial(
        framed,
        f"detr({_QUERIES})",
        {"detr, no gate": f"detr({_QUERIES}, gate=False)"},
        videos=600,
    ),
}
SEEDS = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """What one seed found: overlaps (T,) by way, and the processor time of the recipe itself."""

    found: Mapping[str, Float64]
    cpu_s: float


def tried(name: str, seed: int) -> Tried:
    """Return how well stretches are found in a recipe's world of one seed."""
    from q2e.heads.blocks.spans import overlaps, right_of

    trial = TRIALS[name]
    features = trial.world(trial.videos, seed)
    test = features.subset("test")
    answers, spent_s = {}, 0.0
    for way, text in {name: trial.recipe, **trial.others}.items():
        began = time.process_time()
        chosen = registry().one("training", text)
        recipe: Any = chosen.method.choice({**chosen.arguments, "seed": seed}).bound
        made: Any = recipe.loaded(recipe.train(features).weights, test)
        answers[way] = made.best(test, "cpu")
        if way == name:
            spent_s = time.process_time() - began
    answers["the whole video"] = np.tile([0.0, 1.0], (len(test.tokens), 1))
    if test.dimension == test.text_dimension:
        answers["most like the text, untrained"] = untrained(test)
    right = right_of(test)
    return Tried({way: overlaps(spans, right) for way, spans in answers.items()}, spent_s)


def measured(name: str) -> dict[str, Any]:
    """Return how well stretches are found in a recipe's world, by it and by what lacks it."""
    return together(name, [tried(name, seed) for seed in SEEDS])


def together(name: str, seeds: Sequence[Tried]) -> dict[str, Any]:
    """Return the figures of a recipe over its seeds."""
    found = {way: [one.found[way] for one in seeds] for way in seeds[0].found}
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
    cpu_s = round(float(np.mean([one.cpu_s for one in seeds])), 1)
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
