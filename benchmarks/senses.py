"""Does a trained eye find more, through the whole product? `python -m benchmarks senses`.

`--data` names the folder of development data (`flickr8k_features`, `videos2`); nothing made
from it ships. `--keep` holds the index, so that a run that was stopped goes on.

- `eye`: the clips of `videos2` are indexed by `local`, then by `local` with an eye of
  all Flickr8k pairs as a second generation, as `q2e train eye` and `q2e index --eye` do it. Asked
  are the questions of `videos2`, in eleven languages, and the caption of each clip.
- `cues`: words about faces (with `keep`/`centerface.onnx`), light, colours, drawings and movement,
  each beside all else; `crops`: pictures alone, whole and with a grid of 2 x 2.
- `cost`: processor time a frame and megabytes of each part that sees.

A question's figure is 1 over the rank of the first right clip, all hits shown; intervals are 95 %
bootstrap, paired over questions.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks import cues
from benchmarks.heads import read_captions, read_pictures
from q2e.evaluate.compare import bootstrap
from q2e.features import features_space
from q2e.heads.features import FeatureSet
from q2e.heads.train import chosen, trained
from q2e.models import profiles
from q2e.models.registry import Models
from q2e.settings import load_settings

EYE = "flickr-eye"
EVERYTHING: dict[str, Any] = {"top": 1_000, "confidence": 0.0}
RESULT = Path(__file__).parent / "results" / "senses.json"
#: Frames that costs are measured on, and how often.
_FRAMES, _ROUNDS = 16, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what it is about, and the names of the clips that answer."""

    text: str
    kind: str
    language: str
    right: frozenset[str]


def run(data: Path, keep: Path, only: Sequence[str] = ()) -> dict[str, Any]:
    """Return the figures of all parts, or of some; `only` parts are put beside those of before."""
    os.environ["XDG_CONFIG_HOME"] = str(keep / "config")
    train_eye(data / "flickr8k_features", keep / "eye")
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "eye": lambda: product(data, keep / "clips.q2e"),
        "cues": lambda: cued(data, keep),
        "crops": lambda: cropped(data, keep / "clips.q2e"),
        "cost": lambda: costs(data / "videos2" / "clips"),
    }
    known = json.loads(RESULT.read_text("utf-8"))["senses"] if only and RESULT.is_file() else {}
    return known | {name: part() for name, part in parts.items() if not only or name in only}


# -- the eye ------------------------------------------------------------------------------------


def train_eye(folder: Path, out: Path) -> None:
    """Train an eye of all pairs and name it, as `q2e train eye` does of their features."""
    models = Models(load_settings())
    bridge: Any = models.untrained_image
    pictures, captions = read_pictures(folder, bridge), read_captions(folder, bridge)["train"]
    place = {name: number for number, name in enumerate(pictures.ids)}
    used = sorted({place[name] for name in captions.ids})
    at = {number: n for n, number in enumerate(used)}
    features = FeatureSet(
        frames=tuple(pictures.seen[number][None] for number in used),
        tokens=tuple(captions.vectors[:, None]),
        video=np.array([at[place[name]] for name in captions.ids], np.int64),
        video_ids=tuple(pictures.ids[number] for number in used),
        text_ids=tuple(f"{number}" for number in range(len(captions.ids))),
        split=("train",) * (len(used) - 100) + ("val",) * 100,
        labels=pictures.labels[used],
        text_labels=captions.labels,
        space=features_space(bridge.space, models.text.space),
        data="Flickr8k",
        licence="research and education only",
    )
    trained(chosen("eye", None, {}), features, out)
    profiles.write(EYE, "local", "an eye of Flickr8k", {"eye": f"file:{out.resolve()}"})


def product(data: Path, where: Path) -> dict[str, Any]:
    """Return reciprocal ranks of both generations of one index, by kinds of question."""
    clips = data / "videos2" / "clips"
    seconds = {}
    for profile in ("local", EYE):
        with q2e.open(where, profile=profile) as index:
            began = time.perf_counter()
            index.add(clips)
            seconds[profile] = round(time.perf_counter() - began, 1)
    questions = asked(data)
    found: dict[str, list[float]] = {}
    for profile in ("local", EYE):
        with q2e.open(where, profile=profile) as index:
            found[profile] = [_reciprocal(index, one, None) for one in questions]
            found[f"{profile}, frames alone"] = [
                _reciprocal(index, one, "frame") for one in questions
            ]
    groups: dict[str, Callable[[Asked], bool]] = {
        "questions": lambda one: one.kind != "caption",
        "captions": lambda one: one.kind == "caption",
        "all": lambda one: True,
        **{
            f"questions in {language}": lambda one, own=language: (  # type: ignore[misc]
                one.kind != "caption" and one.language == own
            )
            for language in sorted({one.language for one in questions})
        },
        **{
            kind: lambda one, own=kind: one.kind == own  # type: ignore[misc]
            for kind in dict.fromkeys(one.kind for one in questions)
        },
    }
    rows = {}
    for name, belongs in groups.items():
        own = [n for n, one in enumerate(questions) if belongs(one)]
        if own:
            rows[name] = {"questions": len(own)} | {
                way: round(float(np.mean([values[n] for n in own])), 4)
                for way, values in found.items()
            }
            for more in ("", ", frames alone"):
                gain = [found[EYE + more][n] - found["local" + more][n] for n in own]
                between = bootstrap(gain)
                rows[name][f"gain{more}"] = [
                    round(float(np.mean(gain)), 4), round(between.low, 4), round(between.high, 4),
                ]  # fmt: skip
    return {"seconds": seconds, "rows": rows}


def cued(data: Path, keep: Path) -> dict[str, Any]:
    """Return what each cue brings beside all that `local` reads."""
    questions, graph = asked(data), keep / "centerface.onnx"
    found = cues.measured(
        keep / "clips.q2e",
        graph if graph.is_file() else None,
        lambda index: [_reciprocal(index, one, None) for one in questions],
        keep / "cues",
    )
    scores = {"plain": found["plain"]} | {
        name: one["scores"] for name, one in found["cues"].items()
    }
    return {
        "ms a frame": found["ms a frame"],
        "frames": {name: one["frames"] for name, one in found["cues"].items()},
        "rows": cues.gains(scores, "plain", [one.kind for one in questions]),
    }


def cropped(data: Path, where: Path) -> dict[str, Any]:
    """Return what crops bring to pictures alone."""
    questions = asked(data)
    found = cues.crops(where, [one.text for one in questions], [one.right for one in questions])
    return {"rows": cues.gains(found, "whole", [one.kind for one in questions])}


def asked(data: Path) -> list[Asked]:
    """Return the questions that have an answer, and the captions."""
    rows = json.loads((data / "videos2" / "questions.json").read_text("utf-8"))
    found = [
        Asked(one["q"], one["kind"], one["lang"], frozenset(one["right"]))
        for one in rows
        if one["right"]
    ]
    for line in (data / "videos2" / "captions.tsv").read_text("utf-8").splitlines():
        if line.count("\t") == 1:
            clip, text = line.split("\t")
            found.append(Asked(text, "caption", "en", frozenset((clip,))))
    return found


def _reciprocal(index: q2e.Index, one: Asked, channel: str | None) -> float:
    given = dict(EVERYTHING) | ({} if channel is None else {"channels": (channel,)})
    hits = index.search(one.text, **given)
    ranks = [n for n, hit in enumerate(hits, 1) if Path(hit.video.path).name in one.right]
    return 1 / ranks[0] if ranks else 0.0


# -- costs --------------------------------------------------------------------------------------


def costs(clips: Path) -> dict[str, Any]:
    """Return processor milliseconds a frame and megabytes of what sees, by part."""
    from q2e.decoding import doors
    from q2e.media.scan import uniform_times

    clip = sorted(clips.glob("*.mp4"))[0]
    times = uniform_times(doors.probe(clip).duration_s, _FRAMES)
    images = [one.image for one in doors.frames_at(clip, times)]
    ways: dict[str, Any] = {
        name: Models(load_settings(profile=profile)).image
        for name, profile in (("labels", "local"), ("labels and eye", EYE))
    }
    # In turns, so that what else the machine does meets all alike.
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + _ROUNDS):
        for name, image in ways.items():
            began = time.process_time()
            image.encode_images(images)
            spent[name].append(1_000 * (time.process_time() - began) / len(images))
    return {
        name: {
            "ms a frame": round(float(np.median(spent[name][1:])), 1),
            "MB": round(image.info.size_bytes / 1e6, 1),
            "dimensions": int(image.encode_texts(["a dog"]).shape[1]),
        }
        for name, image in ways.items()
    }
