"""A collection larger than one keeps in memory: what asking for the best of each row costs.

Real descriptions of events in five languages, repeated with noise, are pieces of three channels.
Each question is asked of all of it and of what an engine finds near; both in one run.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.arrays import Float32
from q2e.models.registry import Models
from q2e.settings import Settings
from q2e.store.base import Item, StageKey
from q2e.store.generations import FIRST
from q2e.store.sqlite import SqliteStore
from q2e.text.lexical import indexed
from q2e.types import Evidence, Video

CHANNELS = ("speech", "screen_text", "metadata")
LANGUAGES = {"chinese": "zh", "arabic": "ar", "english": "en", "korean": "ko", "russian": "ru"}
#: Letters of a piece, and pieces of a description.
LETTERS, MOST = 160, 4
#: Length of the noise beside vectors of length 1, and share of the words of a copy that are kept.
NOISE, KEPT = 0.25, 0.7
#: Videos that each row brings.
BEST = (50, 100, 300)
FIRST_HITS = 20


def run(data: Path, videos: int, directory: Path) -> dict[str, Any]:
    """Return recall, order and time of asking near, beside the exact scan in the same run."""
    file = data / "multivent1_dev" / "multivent1_dev.csv"
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    began = time.perf_counter()
    if not (directory / FIRST).exists():
        fill(directory, rows, videos)
    index = q2e.open(directory)
    table = index.store.table()
    names = sorted({row["event_name"] for row in rows})[::2]
    return {
        "videos": len(table.video_ids),
        "pieces": len(table),
        "fill_s": round(time.perf_counter() - began, 1),
        "questions": len(names),
        "near": {str(k): _beside_exact(index, names, k) for k in BEST},
    }


def _beside_exact(index: q2e.Index, questions: list[str], k: int) -> dict[str, Any]:
    recall, same, ratio, proved, told = [], [], [], [], 0
    for question in questions:
        exact, exact_s = _timed(index, question, 0)
        near, near_s = _timed(index, question, k)
        ids, found = ([hit.video.id for hit in one] for one in (exact, near))
        recall.append(len(set(ids) & set(found)) / max(1, len(ids)))
        same.append(ids == found)
        ratio.append(near_s / exact_s)
        complete = near.info["candidates"]["complete"]
        told += complete is not None
        if complete:
            # The proof holds among the same panel's weights: more candidates must change nothing.
            wider, _ = _timed(index, question, len(index) // 2)
            proved.append([hit.video.id for hit in wider] == found)
    return {
        "recall_at_20": round(float(np.mean(recall)), 4),
        "same_order": sum(same),
        "proved": len(proved),
        "proved_and_wrong": len(proved) - sum(proved),
        "certificate_told": told,
        "time_ratio": round(float(np.median(ratio)), 2),
    }


def _timed(index: q2e.Index, question: str, k: int) -> tuple[q2e.Results, float]:
    asked: dict[str, Any] = {"top": FIRST_HITS, "moments": True, "duplicates": "keep"}
    index.search(question, candidates=k, **asked)  # whose laws and products are kept
    began = time.perf_counter()
    found = index.search(question, candidates=k, **asked)
    return found, time.perf_counter() - began


def _pieces(text: str) -> list[str]:
    """Return the first pieces of a text, of so many letters each."""
    starts = range(0, min(len(text), MOST * LETTERS), LETTERS)
    return [
        text[start : start + LETTERS] for start in starts if text[start : start + LETTERS].strip()
    ]


def fill(directory: Path, rows: list[dict[str, str]], videos: int) -> None:
    """Write an index of `videos`, each a description with noise in its words and vectors."""
    models = Models(Settings())
    directory.mkdir(parents=True)
    with SqliteStore(directory / FIRST) as store:
        store.set_setting("space.text", models.text.space)
        for video, parts in filled(models, rows, videos):
            store.put_video(video)
            for key, items in parts:
                store.put_part(key, "made", items)


def filled(
    models: Models, rows: list[dict[str, str]], videos: int
) -> Iterator[tuple[Video, list[tuple[StageKey, list[Item]]]]]:
    """Yield made-up videos with what each channel found: descriptions with noise.

    One in ten has the tag `tenth`, one in a hundred `hundredth`.
    """
    random, tagging = np.random.default_rng(0), np.random.default_rng(1)
    told = [_pieces(row["video_description"]) or [row["event_name"]] for row in rows]
    flat = [text for texts in told for text in texts]
    vectors = models.text.encode_passages(flat)
    first = np.cumsum([0, *(len(texts) for texts in told)])
    for number in range(videos):
        which = number % len(rows)
        own = vectors[first[which] : first[which + 1]]
        name, drawn = f"{number:08d}", tagging.random()
        video = Video(
            id=name,
            path=f"/v/{name}.mp4",
            duration_s=float(random.uniform(20, 3600)),
            date=f"{2000 + number % 20}-01-01",
            language=LANGUAGES.get(rows[which]["language"]),
            tags=("hundredth", "tenth")[drawn >= 0.01 :] if drawn < 0.1 else (),
        )
        found = (
            list(_items(name, channel, told[which], own, models.text.space, random))
            for channel in CHANNELS
        )
        keys = (StageKey(name, channel, 0) for channel in CHANNELS)
        yield video, list(zip(keys, found, strict=True))


def _items(
    video: str,
    channel: str,
    texts: list[str],
    vectors: Float32,
    space: str,
    random: np.random.Generator,
) -> Iterator[Item]:
    for place, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        if channel != CHANNELS[0] and place:
            break
        noisy = vector + NOISE * random.standard_normal(len(vector)) / np.sqrt(len(vector))
        words = [word for word in text.split() if random.random() < KEPT] or text.split()[:1]
        said = " ".join(words)
        one = Evidence(video, channel, place * 5.0, place * 5.0 + 5, said)
        unit = (noisy / np.linalg.norm(noisy)).astype(np.float32)
        yield Item(replace(one, vectors={space: unit}), indexed(said))
