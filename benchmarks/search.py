"""How long a question takes: cold from the shell, and warm over many pieces of evidence."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.models.registry import Models
from q2e.settings import Settings
from q2e.store.base import Item, StageKey
from q2e.store.generations import FIRST as STORE_NAME
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video

QUESTIONS = (
    "earthquake in Mexico",
    "a dog runs on a beach",
    "terremoto en Chile 2010",
    "протесты в Москве",
    "地震救援现场",
    "فيضانات في باكستان",
    "people at desks in a classroom",
    "rocket launch delayed by wind",
    "चुनाव के नतीजे",
    "a woman pours coffee",
)
IN_VIDEO = 50


def run(items: int) -> dict[str, Any]:
    """Return seconds of a cold search and milliseconds of warm ones over `items` of evidence."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "index"
        fill(directory, items)
        return {
            "evidence": items,
            "index_mb": round(sum(f.stat().st_size for f in directory.iterdir()) / 1e6, 1),
            "import_q2e_s": _median(lambda: _seconds("-c", "import q2e"), 7),
            "python_alone_s": _median(lambda: _seconds("-c", "pass"), 7),
            "cold_cli_s": _cold(directory),
            "warm_ms": _warm(directory),
        }


def fill(directory: Path, items: int) -> None:
    """Write an index of random but well-formed evidence: half speech, half frames."""
    random = np.random.default_rng(0)
    models = Models(Settings())
    text_space, image_space = models.text.space, models.image.space
    words = [f"w{n}" for n in range(30_000)]
    odds = 1.0 / np.arange(1, len(words) + 1)
    odds /= odds.sum()
    directory.mkdir(parents=True)
    store = SqliteStore(directory / STORE_NAME)
    store.set_setting("space.text", text_space)
    store.set_setting("space.image", image_space)
    # e5 vectors lie in a narrow cone; so do these.
    centre = models.text.encode_passages(["news"])[0]
    for number in range(items // IN_VIDEO):
        video = f"v{number:06d}"
        store.put_video(Video(id=video, path=f"/v/{video}.mp4", duration_s=IN_VIDEO * 5.0))
        # A subject of its own: videos as alike as their frames would be taken for copies.
        subject = centre + 0.02 * random.standard_normal(len(centre))
        vectors = subject + 0.03 * random.standard_normal((IN_VIDEO, len(centre)))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        drawn = random.choice(words, size=(IN_VIDEO // 2, 40), p=odds)
        spoken, seen = [], []
        for place in range(IN_VIDEO):
            start_s, vector = place * 5.0, vectors[place].astype(np.float32)
            if place % 2:
                tokens = tuple(drawn[place // 2].tolist())
                one = Evidence(video, "speech", start_s, start_s + 5, " ".join(tokens), "en")
                spoken.append(Item(_with(one, text_space, vector), tokens))
            else:
                one = Evidence(video, "frame", start_s, start_s + 5, frame_s=start_s)
                seen.append(Item(_with(one, image_space, vector)))
        store.put_part(StageKey(video, "speech", 0), "made", spoken)
        store.put_part(StageKey(video, "frame", 0), "made", seen)
    store.optimise()
    store.close()


def _with(one: Evidence, space: str, vector: Any) -> Evidence:
    from dataclasses import replace

    return replace(one, vectors={space: vector})


def _warm(directory: Path) -> dict[str, float]:
    index = q2e.open(directory)
    for question in QUESTIONS:
        index.search(question)
    spent = []
    for turn in range(10):
        for question in QUESTIONS:
            # Another year each turn: no question is answered from memory.
            began = time.perf_counter()
            index.search(f"{question} {2001 + turn}")
            spent.append((time.perf_counter() - began) * 1000)
    return {
        "median": round(float(np.median(spent)), 1),
        "p95": round(float(np.percentile(spent, 95)), 1),
        "searches": len(spent),
    }


def _cold(directory: Path) -> float:
    command = ("-m", "q2e", "search", QUESTIONS[0], "--index", str(directory), "--json")
    _seconds(*command)
    return _median(lambda: _seconds(*command), 5)


def _seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    return time.perf_counter() - began


def _median(measure: Any, times: int) -> float:
    return round(float(np.median([measure() for _ in range(times)])), 3)
