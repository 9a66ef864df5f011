"""What a question takes: first from the shell, and later, by kinds of search.

`python -m benchmarks search [--items PIECES]`. First searches are told in processor time.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
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
#: Of events, which are unfolded and fed back.
EVENTS = (
    "flood in Pakistan",
    "terremoto en Chile",
    "протесты в Москве",
    "wildfire in Greece",
    "地震救援现场",
)
IN_VIDEO = 50
#: Turns in which every question of a kind is asked once, each time with another year.
TURNS = 3
#: Kinds of search: the questions, and how each is asked of an index.
KINDS: Mapping[str, tuple[Sequence[str], Callable[[q2e.Index, str], object]]] = {
    "plain": (QUESTIONS, lambda index, text: index.search(text)),
    "of an event": (EVENTS, lambda index, text: index.search(text)),
    "filtered by language": (QUESTIONS, lambda index, text: index.search(f"{text} lang:en")),
    "filtered by channel": (QUESTIONS, lambda index, text: index.search(f"{text} channel:speech")),
    "100 hits": (QUESTIONS, lambda index, text: index.search(text, top=100)),
    "A NOT B": (QUESTIONS, lambda index, text: index.search(f"{text} NOT rain")),
    "A THEN B": (QUESTIONS, lambda index, text: index.search(f'"{text}" then "rain"')),
    "a picture": (QUESTIONS, lambda index, text: index.search(text, examples=["v000007@12.5"])),
    "without moments and reasons": (
        QUESTIONS,
        lambda index, text: index.search(text, moments=False),
    ),
    "what the page asks": (QUESTIONS, lambda index, text: index.search_page(text)),
}


def run(items: int) -> dict[str, Any]:
    """Return processor time of first searches in seconds, and of others by kind in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "index"
        fill(directory, items)
        return {
            "evidence": items,
            "videos": items // IN_VIDEO,
            "index_mb": round(sum(f.stat().st_size for f in directory.iterdir()) / 1e6, 1),
            "first_s": _first(directory),
            "kinds": {name: _warm(directory, name) for name in KINDS},
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


def _warm(directory: Path, kind: str) -> dict[str, float]:
    """Return median and 95th percentile of milliseconds of one kind of search.

    `p50` and `p95` are processor time, that of threads that wait for one another included; the
    others are by the clock.
    """
    questions, ask = KINDS[kind]
    spent, passed = [], []
    with q2e.open(directory) as index:
        for question in questions:
            ask(index, question)
        for turn in range(TURNS):
            for question in questions:
                # Another year each turn: no question is answered from memory.
                began, seen = time.process_time(), time.perf_counter()
                ask(index, f"{question} {2001 + turn}")
                spent.append((time.process_time() - began) * 1000)
                passed.append((time.perf_counter() - seen) * 1000)
    return {
        "p50": round(float(np.median(spent)), 1),
        "p95": round(float(np.percentile(spent, 95)), 1),
        "clock_p50": round(float(np.median(passed)), 1),
        "clock_p95": round(float(np.percentile(passed, 95)), 1),
        "searches": len(spent),
    }


def _first(directory: Path) -> dict[str, float]:
    """Return seconds of processes that search first, whatever is kept, and of handles."""
    command = ("-m", "q2e", "search", QUESTIONS[0], "--index", str(directory), "--json")
    found = {"python alone": _spent("-c", "pass"), "import q2e": _spent("-c", "import q2e")}
    with tempfile.TemporaryDirectory() as cache:
        # The laws of chance and the model of languages are made once for all that follow.
        _spent(*command, cache=cache)
        nothing, kept, added = [], [], []
        for turn in range(TURNS):
            shutil.rmtree(Path(cache) / "columns", ignore_errors=True)
            nothing.append(_spent(*command, cache=cache))
            kept.append(_spent(*command, cache=cache))
            _add(directory, turn)
            added.append(_spent(*command, cache=cache))
        found |= {"nothing laid out": _median(nothing), "laid out before": _median(kept)}
        found["laid out before one video more"] = _median(added)
    with q2e.open(directory) as index:
        index.search(QUESTIONS[0])
        later = []
        for turn in range(TURNS):
            _add(directory, TURNS + turn)
            began = time.process_time()
            index.search(QUESTIONS[1 + turn])
            later.append(time.process_time() - began)
    return found | {"in an open process, after one video more": _median(later)}


def _add(directory: Path, number: int) -> None:
    """Add a video of a few pieces, as a commit of another process does."""
    video = f"w{number:06d}"
    with SqliteStore(directory / STORE_NAME) as store:
        text_space = store.setting("space.text") or ""
        dimension = store.vectors(text_space)[1].shape[1]
        vector = np.random.default_rng(number).normal(size=dimension).astype(np.float32)
        store.put_video(Video(id=video, path=f"/v/{video}.mp4", duration_s=9.0))
        one = Evidence(video, "speech", 0.0, 9.0, "a dog barks", "en")
        item = Item(_with(one, text_space, vector / np.linalg.norm(vector)), ("dog", "barks"))
        store.put_part(StageKey(video, "speech", 0), "made", [item])


def _spent(*arguments: str, cache: str = "") -> float:
    """Return the seconds of processor time that a process and what it starts take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env=env | ({"Q2E_CACHE": cache} if cache else {}),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3)


def _median(seconds: Sequence[float]) -> float:
    return round(float(np.median(seconds)), 3)
