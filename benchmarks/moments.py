"""Are moments where a person would put them? `python -m benchmarks moments`.

Two sets with exact bounds: the sample clips, whose recipe says when each picture is shown, and
timelines planted from them (`benchmarks.planted`). Each question is asked of the collection; what
is judged is the first moment of each video that holds the answer. In one run: whole shots as before
(`runs`), the score's curve (`contrast`) and soft masks (`mask`), each without and with frames
between. Then, without them, what trained heads find (`benchmarks.moment_heads`), and moments of all
videos in one ranking, as `q2e moments` lists them.
"""

from __future__ import annotations

import resource
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks import moment_heads
from benchmarks.planted import Piece, bounds, write
from q2e.evaluate.compare import bootstrap
from q2e.evaluate.moment_measures import iou
from q2e.media.frames import frames_at

SAMPLES = Path(__file__).parent.parent / "samples"
#: What is asked of each picture of the samples.
ASKED = {
    "panda": "a giant panda",
    "koala": "コアラ",
    "polar_bear": "دب قطبي",
    "crocodile": "крокодил лежит на берегу",
    "cat": "猫的特写",
    "dogs": "zwei Hunde schauen aus dem Fenster",
    "raccoon": "un raton laveur",
    "coffee": "una taza de café",
    "fig": "a fig",
    "brushes": "кисти для рисования",
    "city": "skyscrapers with lit windows at night",
    "moose": "ein Elch mit großem Geweih",
    "dandelion": "des pissenlits",
    "stream": "숲속의 개울",
    "sunset": "พระอาทิตย์ตก",
    "trail": "पहाड़ी रास्ता",
    "drum": "un tambour",
    "clock": "настенные часы",
    "greatwall": "长城",
    "temple": "仏塔",
    "greatpyramid": "هرم",
    "igloo": "हिमघर",
    "autumn": "가을 산",
    "tajmahal": "ताजमहल",
    "parthenon": "วิหารพาร์เธนอน",
    "rocket": "a rocket before launch",
    "astronaut": "una astronauta con traje naranja",
    "galaxies": "ferne Galaxien im All",
    "nuthatch": "ein Vogel am Baumstamm",
    "dahlia": "ダリアの花",
    "lemur": "lémuriens",
}
ROUNDS, SEED = 2, 4
WAYS = ("runs", "contrast", "mask")
#: Moments of all videos that are looked at.
MOST = 5
#: Channels that each set is read by: nothing is said or written in what is planted.
CHANNELS = {
    "samples": ("frame", "speech", "screen_text", "metadata", "caption"),
    "planted": ("frame", "metadata"),
}
#: Frames an hour of the two readings; the second adds to what the first left.
READ = {"without": 0, "with": 1500}
Truth = Mapping[str, Sequence[tuple[str, float, float]]]


def run() -> dict[str, Any]:
    """Return, for each set, way and reading, how well first moments lie on the true ones."""
    rows: list[dict[str, Any]] = []
    ranked: list[dict[str, Any]] = []
    heads: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = {"samples": (SAMPLES / "clips", shown()), "planted": planted(folder / "planted")}
        for what, (media, truth) in sets.items():
            told: dict[tuple[str, str], list[tuple[float, bool, float]]] = {}
            for reading, per_hour in READ.items():
                with q2e.open(
                    folder / f"{what}.q2e", frames_per_hour=per_hour, channels=CHANNELS[what]
                ) as index:
                    cost = _read(index, media)
                    if reading == "without":
                        heads = heads or moment_heads.trained(index, folder / "heads")
                        ranked += corpus(index, what, truth)
                        for head, where in heads.items():
                            told[head, reading] = _asked(index, truth, "head", where)
                            print(what, head, len(told[head, reading]), flush=True)
                    for way in WAYS:
                        told[way, reading] = _asked(index, truth, way)
                    rows += [
                        _row(what, way, reading, told[way, reading], told["runs", "without"], cost)
                        for way in (*WAYS, *(heads if reading == "without" else ()))
                    ]
    return {"rows": rows, "corpus": ranked}


def shown() -> Truth:
    """Return when each picture of the sample clips is shown, by the name of the clip."""
    recipe = tomllib.loads((SAMPLES / "recipe.toml").read_text("utf-8"))
    found = {}
    for clip in recipe["clip"]:
        ends = np.cumsum([shot["seconds"] for shot in clip.get("shot", ())]).tolist()
        found[clip["file"]] = [
            (shot["source"], end - shot["seconds"], end)
            for shot, end in zip(clip.get("shot", ()), ends, strict=True)
        ]
    return found


def planted(folder: Path) -> tuple[Path, Truth]:
    """Write timelines of all pictures of the samples, each in `ROUNDS` of them."""
    folder.mkdir()
    random = np.random.default_rng(SEED)
    pictures = {}
    for clip, parts in shown().items():
        for name, start_s, end_s in parts:
            [frame] = frames_at(SAMPLES / "clips" / clip, [(start_s + end_s) / 2])
            pictures.setdefault(name, frame.image)
    names = [name for _ in range(ROUNDS) for name in random.permutation(sorted(pictures)).tolist()]
    truth = {}
    while names:
        count = int(random.integers(6, 9))
        chosen, names = list(dict.fromkeys(names[:count])), names[count:]
        lengths = random.uniform(4.0, 15.0, len(chosen)).round(1).tolist()
        pieces = [
            Piece(name, pictures[name], length)
            for name, length in zip(chosen, lengths, strict=True)
        ]
        file = folder / f"timeline-{len(truth):02}.mp4"
        write(file, pieces)
        truth[file.name] = bounds(pieces)
    return folder, truth


def _read(index: q2e.Index, media: Path) -> dict[str, float]:
    """Read what is not yet read; return what it cost in processor time, and what there is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = index.add(media)
    assert not report.failures, report.failures
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    length_s = sum(video.duration_s for video in index.videos())
    return {"cpu_s": spent, "video_s": length_s, "frames": index.status().evidence["frame"]}


def corpus(index: q2e.Index, what: str, truth: Truth) -> list[dict[str, Any]]:
    """Return how well the first moments of all videos lie on the true ones, by way."""
    names = {video.id: Path(video.path).name for video in index.videos()}
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for source, question in ASKED.items():
        own = {
            name: [(start_s, end_s) for one, start_s, end_s in parts if one == source]
            for name, parts in truth.items()
        }
        for way in WAYS:
            hits = index.moments(question, top=MOST, confidence=0.0, localise=way)
            found[way].append(
                [
                    float(iou([(one.start_s, one.end_s)], own[names[hit.video.id]]).max(initial=0))
                    for hit in hits
                    for one in hit.moments
                ]
            )
    rows = []
    for way, every in found.items():
        row: dict[str, Any] = {"set": what, "way": way, "asked": len(every)}
        for n in (1, MOST):
            best = np.array([max(one[:n], default=0.0) for one in every])
            base = np.array([max(one[:n], default=0.0) for one in found["runs"]])
            share = bootstrap((best >= 0.5).astype(float))
            change = bootstrap((best >= 0.5).astype(float) - (base >= 0.5).astype(float))
            row[f"R@{n}"] = [share.value, share.low, share.high]
            row[f"R@{n} change"] = [change.value, change.low, change.high]
        row["mIoU"] = float(np.mean([max(one[:1], default=0.0) for one in every]))
        rows.append(row)
    return rows


def _asked(
    index: q2e.Index, truth: Truth, way: str, head: Path | None = None
) -> list[tuple[float, bool, float]]:
    """Return of each question and video with the answer: IoU, within 2 s, rank of the video."""
    more = {} if head is None else {"moment_head": str(head)}
    names = {video.id: Path(video.path).name for video in index.videos()}
    found = []
    for source, question in ASKED.items():
        hits = index.search(
            question, top=len(names), confidence=0.0, localise=way, moments_per_video=1, **more
        )
        at = {names[hit.video.id]: hit for hit in hits}
        for name, parts in truth.items():
            own = [(start_s, end_s) for one, start_s, end_s in parts if one == source]
            if not own:
                continue
            moments = at[name].moments if name in at else ()
            if not moments:
                found.append((0.0, False, float("inf")))
                continue
            told = moments[0].start_s, moments[0].end_s
            shared = iou([told], own)[0]
            near = min(max(abs(a - b) for a, b in zip(told, one, strict=True)) for one in own)
            found.append((float(shared.max()), near <= 2.0, at[name].rank))
    return found


def _row(
    what: str,
    way: str,
    reading: str,
    told: Sequence[tuple[float, bool, float]],
    before: Sequence[tuple[float, bool, float]],
    cost: Mapping[str, float],
) -> dict[str, Any]:
    overlap, near, rank = (np.array(column, float) for column in zip(*told, strict=True))
    hit = (overlap >= 0.5).astype(float)
    old = (np.array([one[0] for one in before]) >= 0.5).astype(float)
    change, share = bootstrap(hit - old), bootstrap(hit)
    return {
        "set": what,
        "way": way,
        "reading": reading,
        "asked": len(told),
        "R@1 IoU .5": [share.value, share.low, share.high],
        "R@1 IoU .7": float((overlap >= 0.7).mean()),
        "mIoU": float(overlap.mean()),
        "within 2 s": float(near.mean()),
        "found first": float((rank == 1).mean()),
        "reciprocal rank": float((1 / rank).mean()),
        "change": [change.value, change.low, change.high],
        **cost,
    }
