"""PostgreSQL and Milvus beside the exact scan: adding, size, beginning, recall and time by filter.

One catalogue in PostgreSQL is filled with pieces that lie in clusters, made up or, with data, real
descriptions of events repeated with noise; Milvus copies it, and each question goes to the exact
scan and to both engines in turn, so that a busy machine slows all of them. Filling ends after the
minutes given, and what was not reached is told. What was made stays, with its figures in the folder
of the index: a second run only asks.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scale import KEPT, LETTERS, NOISE
from q2e.arrays import Float32, Int64
from q2e.models.registry import Models
from q2e.settings import Settings
from q2e.store.base import Item, StageKey
from q2e.store.bulk import PIECES as TOGETHER
from q2e.store.bulk import Part
from q2e.store.engine import Engine, Request
from q2e.store.exact import ExactEngine
from q2e.store.generations import FIRST
from q2e.store.milvus.milvus import milvus
from q2e.store.postgres.postgresql import PostgresStore
from q2e.text.lexical import indexed
from q2e.types import Evidence, Filters, Video

#: A video, and what was read of it.
_Made = tuple[Video, list[Part]]

SPACE, DIMENSION = "made/384", 384
CHANNELS = ("speech", "screen_text", "metadata")
LANGUAGES = ("en", "zh", "ja")
#: Pieces of a channel of a video, words of a piece, words there are, and clusters of subjects.
PIECES, WORDS, VOCABULARY, CLUSTERS = 10, 20, 30_000, 2_000
#: Lengths of what a video and a piece add to their cluster's vector of length 1.
OF_VIDEO, OF_PIECE = 0.7, 0.7
#: Pieces that are put part by part before the others.
ALONE = 6_000
#: Questions of each class, and videos wanted of each channel; those that a list shows.
QUESTIONS, BEST, SHOWN = 30, 100, 20
#: Kinds of filters, by what share of the videos they leave.
CLASSES: Mapping[str, Filters] = {
    "none": Filters(),
    "channel": Filters(channels=("speech",)),
    "language, 33 %": Filters(languages=("zh",)),
    "year, 10 %": Filters(since="2003", until="2003"),
    "both, 3.3 %": Filters(languages=("zh",), since="2003", until="2003"),
    "tag, 1 %": Filters(tags=("hundredth",)),
    "20 videos": Filters(videos=tuple(f"{number:08d}" for number in range(0, 400, 20))),
}


def run(
    items: int, minutes: float, directory: Path, address: str, far: str, data: Path | None = None
) -> dict[str, Any]:
    """Return figures of both engines; `address` is PostgreSQL's, `far` that of Milvus.

    `items` pieces are put in, or as many as `minutes` allow; of events where `data` is given.
    """
    known = directory / "made.json"
    if not known.exists():
        directory.mkdir(parents=True, exist_ok=True)
        pieces = made_up(items) if data is None else events(items, data)
        made = {"wanted": items} | _made(pieces, minutes, directory, address, far)
        known.write_text(json.dumps(made), "utf-8")
    figures: dict[str, Any] = json.loads(known.read_text("utf-8"))
    figures["begin_s"] = {
        name: _begun(name, address, directory, far) for name in ("exact", "postgresql", "milvus")
    }
    with PostgresStore(address, directory / FIRST, read_only=True) as store:
        ours, theirs = store.engine(), milvus(store, address=far).engine()
        assert ours is not None and theirs is not None
        engines = {"exact": ExactEngine(store), "postgresql": ours, "milvus": theirs}
        figures["questions"], figures["best"] = QUESTIONS, BEST
        figures["classes"] = {
            name: _asked(store, engines, filters) for name, filters in CLASSES.items()
        }
    return figures


def _made(
    pieces: Iterator[_Made], minutes: float, directory: Path, address: str, far: str
) -> dict[str, Any]:
    """Fill the catalogue, have both engines index it, and return what that took."""
    with PostgresStore(address, directory / FIRST) as store:
        figures = _filled(store, pieces, minutes)
        copy = milvus(store, address=far)
        for name, build in (("postgresql", store.build_engine), ("milvus", copy.build_engine)):
            began = time.perf_counter()
            build()
            figures[f"{name}_built_s"] = round(time.perf_counter() - began, 1)
        figures["bytes_a_piece"] = round(store.size_bytes() / figures["pieces"])
    return figures


def _filled(store: PostgresStore, made: Iterator[_Made], minutes: float) -> dict[str, Any]:
    """Put the first `ALONE` pieces part by part, as a single reader does, and others together."""
    until, pieces, videos = time.perf_counter() + 60 * minutes, 0, 0
    spent = {"alone": 0.0, "together": 0.0}
    put = dict.fromkeys(spent, 0)
    for batch in _batches(made):
        way = "alone" if pieces < ALONE else "together"
        began = time.perf_counter()
        _put(store, batch, together=way == "together")
        spent[way] += time.perf_counter() - began
        held = sum(len(one.items) for _, parts in batch for one in parts)
        put[way] += held
        pieces, videos = pieces + held, videos + len(batch)
        if time.perf_counter() > until:
            break
    rates = {way: round(put[way] / max(1e-9, spent[way])) for way in spent}
    return {"pieces": pieces, "videos": videos, "pieces_a_second": rates}


def _put(store: PostgresStore, batch: list[_Made], together: bool) -> None:
    if together:
        store.put_parts([video for video, _ in batch], [one for _, own in batch for one in own])
        return
    for video, parts in batch:
        store.put_video(video)
        for one in parts:
            store.put_part(one.key, one.config_key, one.items)


def _batches(made: Iterator[_Made]) -> Iterator[list[_Made]]:
    batch: list[_Made] = []
    for one in made:
        batch.append(one)
        if len(batch) * PIECES * len(CHANNELS) >= TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def made_up(items: int) -> Iterator[_Made]:
    """Yield so many pieces of videos, each of which is about one of `CLUSTERS` subjects.

    Frequent words of a piece are those of everybody (Zipf), others those of its subject.
    """
    random = np.random.default_rng(0)
    subjects = _units(random.standard_normal((CLUSTERS, DIMENSION)))
    for number in range(-(-items // (PIECES * len(CHANNELS)))):
        subject = int(random.integers(CLUSTERS))
        about = _units(subjects[subject] + OF_VIDEO * _noise(random, 1)[0])
        video, parts = _video(number, random), []
        for channel in CHANNELS:
            vectors = _units(about + OF_PIECE * _noise(random, PIECES))
            common = random.zipf(1.2, (PIECES, WORDS // 2)) % VOCABULARY
            own = random.integers(40, size=(PIECES, WORDS // 2)) + 40 * subject
            said = [[f"w{one}" for one in line] for line in np.hstack((common, own)).tolist()]
            parts.append(_part(video, channel, said, vectors))
        yield video, parts


def events(items: int, data: Path) -> Iterator[_Made]:
    """Yield so many pieces of videos, each a description of an event with noise in both."""
    with (data / "multivent1_dev" / "multivent1_dev.csv").open(encoding="utf-8") as lines:
        texts = [row["video_description"] or row["event_name"] for row in csv.DictReader(lines)]
    told = [" ".join(text.split())[:LETTERS] for text in texts]
    vectors = Models(Settings()).text.encode_passages(told)
    random = np.random.default_rng(0)
    for number in range(-(-items // (PIECES * len(CHANNELS)))):
        which = number % len(told)
        about = _units(vectors[which] + NOISE * _noise(random, 1)[0])
        video, terms, parts = _video(number, random), indexed(told[which]), []
        for channel in CHANNELS:
            kept = random.random((PIECES, len(terms))) < KEPT
            said = [[one for one, left in zip(terms, row, strict=True) if left] for row in kept]
            own = _units(about + NOISE * _noise(random, PIECES))
            parts.append(_part(video, channel, said, own))
        yield video, parts


def _video(number: int, random: np.random.Generator) -> Video:
    name = f"{number:08d}"
    return Video(
        id=name,
        path=f"/v/{name}.mp4",
        duration_s=float(random.uniform(60, 3600)),
        date=f"{2000 + number % 10}-01-01",
        language=LANGUAGES[number // 10 % len(LANGUAGES)],
        tags=("hundredth",) if number % 100 == 7 else (),
    )


def _part(video: Video, channel: str, said: Sequence[Sequence[str]], vectors: Float32) -> Part:
    found = [
        Item(
            Evidence(
                *(video.id, channel, 6.0 * place, 6.0 * place + 5, " ".join(words)),
                vectors={SPACE: vector},
            ),
            tuple(words),
        )
        for place, (words, vector) in enumerate(zip(said, vectors, strict=True))
    ]
    return Part(StageKey(video.id, channel, 0), "made", found)


def _noise(random: np.random.Generator, count: int) -> Any:
    return random.standard_normal((count, DIMENSION)) / np.sqrt(DIMENSION)


def _units(vectors: Any) -> Float32:
    units: Float32 = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return units


def _begun(name: str, address: str, directory: Path, far: str) -> float:
    """Return how many seconds a handle takes that is opened anew, to its first answer."""
    began = time.perf_counter()
    with PostgresStore(address, directory / FIRST, read_only=True) as store:
        engine: Engine | None = ExactEngine(store)
        if name != "exact":
            engine = store.engine() if name == "postgresql" else milvus(store, address=far).engine()
        assert engine is not None
        with store.snapshot():
            engine.best(_requests(_units(np.ones((1, DIMENSION)))), Filters(), BEST)
    return round(time.perf_counter() - began, 2)


def _requests(vectors: Float32) -> list[Request]:
    return [Request("meaning", "query", SPACE, one[None]) for one in vectors]


def _asked(store: PostgresStore, engines: Mapping[str, Engine], filters: Filters) -> dict[str, Any]:
    """Return recall of the exact best videos of each channel, and seconds of one question."""
    rows, matrix = store.vectors(SPACE)
    mask = store.rows(filters)
    left = np.arange(len(rows)) if mask is None else np.flatnonzero(mask[rows])
    spent: dict[str, list[float]] = {name: [] for name in engines}
    found, shown = dict.fromkeys(engines, 0), dict.fromkeys(engines, 0)
    wanted = first = 0
    with store.snapshot():
        for vector in _near(matrix, left):
            of: dict[str, dict[str, tuple[str, ...]]] = {}
            for name, engine in engines.items():
                began = time.perf_counter()
                (best,) = engine.best(_requests(vector[None]), filters, BEST)
                spent[name].append(time.perf_counter() - began)
                of[name] = {one.channel: one.videos for one in best}
            for channel, videos in of["exact"].items():
                wanted, first = wanted + len(videos), first + len(videos[:SHOWN])
                for name, own in of.items():
                    had = set(own.get(channel, ()))
                    found[name] += len(had.intersection(videos))
                    shown[name] += len(had.intersection(videos[:SHOWN]))
    return {
        "share": round(1.0 if mask is None else float(mask.mean()), 4),
        "recall": {name: round(n / max(1, wanted), 4) for name, n in found.items()},
        "recall_at_20": {name: round(n / max(1, first), 4) for name, n in shown.items()},
        "p50_ms": {name: _at(times, 50) for name, times in spent.items()},
        "p95_ms": {name: _at(times, 95) for name, times in spent.items()},
    }


def _near(matrix: Float32, left: Int64) -> Float32:
    """Return questions (q, d) near to pieces that filters leave, drawn by a fixed seed."""
    random = np.random.default_rng(3)
    chosen = matrix[random.choice(left, QUESTIONS)]
    return _units(chosen + 0.5 * _noise(random, QUESTIONS))


def _at(times_s: Sequence[float], percent: float) -> int:
    return round(1000 * float(np.percentile(times_s, percent)))
