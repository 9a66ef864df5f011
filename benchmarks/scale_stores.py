"""A collection in a file and in a database: adding, size, beginning, and asking by kind of filter.

Both get the same pieces in one run, one video after the other, so that a busy machine slows both.
What the exact scan of the file finds is what the engine of the database is measured by.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.scale import FIRST_HITS, filled
from q2e.methods.questions import Form, Questions
from q2e.models.registry import Models
from q2e.settings import Settings
from q2e.store.base import Item, StageKey, Store
from q2e.store.engine import Finding, Request
from q2e.store.exact import ExactEngine
from q2e.store.generations import FIRST
from q2e.store.postgres.postgresql import PostgresStore
from q2e.store.sqlite import SqliteStore
from q2e.types import Filters, Video

#: Kinds of filters, by what share of the videos they leave.
CLASSES = {
    "none": Filters(),
    "channel": Filters(channels=("speech",)),
    "language": Filters(languages=("zh",)),
    "10 %": Filters(tags=("tenth",)),
    "1 %": Filters(tags=("hundredth",)),
}
#: Questions of each class, names of events; generic ones for the rows; videos wanted of each row.
QUESTIONS, GENERIC, BEST = 24, 12, 100


def run(data: Path, videos: int, directory: Path, address: str) -> dict[str, Any]:
    """Return figures of both stores; `directory` is made, with an index of each in it."""
    with (data / "multivent1_dev" / "multivent1_dev.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    file, far = directory / "file.q2e", directory / "database.q2e"
    figures: dict[str, Any] = {"file": {}, "database": {}}
    if not (file / FIRST).exists():
        figures = _filled_both(rows, videos, file, far, address)
    said = sorted({row["event_name"] for row in rows})[::2][:QUESTIONS]
    figures["restart"] = {
        name: _restarted(folder, said[0]) for name, folder in (("file", file), ("database", far))
    }
    with q2e.open(file) as exact, q2e.open(far) as engine:
        figures |= {"videos": len(exact.store.table().video_ids)}
        figures |= {"pieces": len(exact.store.table()), "questions": len(said)}
        figures["classes"] = _by_class(exact, engine, said)
    return figures


def _filled_both(
    rows: list[dict[str, str]], videos: int, file: Path, far: Path, address: str
) -> dict[str, Any]:
    models = Models(Settings())
    for folder in (file, far):
        folder.mkdir(parents=True)
    (far / "q2e.toml").write_text(f'store = "{address}"\n', "utf-8")
    spent = {"file": 0.0, "database": 0.0}
    pieces = 0
    with SqliteStore(file / FIRST) as here, PostgresStore(address, far / FIRST) as there:
        stores: dict[str, Store] = {"file": here, "database": there}
        for store in stores.values():
            store.set_setting("space.text", models.text.space)
        for video, parts in filled(models, rows, videos):
            pieces += sum(len(items) for _, items in parts)
            for name, store in stores.items():
                began = time.perf_counter()
                _put(store, video, parts)
                spent[name] += time.perf_counter() - began
        began = time.perf_counter()
        there.build_engine()
        built_s = time.perf_counter() - began
        sizes = {"file": (file / FIRST).stat().st_size, "database": there.size_bytes()}
    figures: dict[str, Any] = {
        name: {
            "pieces_a_second": round(pieces / spent[name]),
            "bytes_a_piece": round(sizes[name] / pieces),
        }
        for name in spent
    }
    figures["database"]["engine_built_s"] = round(built_s)
    return figures


def _put(store: Store, video: Video, parts: list[tuple[StageKey, list[Item]]]) -> None:
    store.put_video(video)
    for key, items in parts:
        store.put_part(key, "made", items)


def _restarted(index: Path, question: str) -> float:
    """Return how many seconds a new process takes to its first answer."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "q2e", "search", question, "--index", str(index), "--json"]
    subprocess.run(command, check=True, capture_output=True)
    return round(time.perf_counter() - began, 1)


def _by_class(exact: q2e.Index, engine: q2e.Index, said: list[str]) -> dict[str, Any]:
    vectors = Questions(exact.models.text).vectors(Form("en", event=False))[:GENERIC]
    for index in (exact, engine):
        index.search(said[0], top=FIRST_HITS)  # whose laws are kept
    return {
        name: {
            "share": round(float(_share(exact, filters)), 3),
            "rows_recall": round(_rows(exact, engine, filters, vectors), 4),
            **_asked(exact, engine, filters, said),
        }
        for name, filters in CLASSES.items()
    }


def _share(index: q2e.Index, filters: Filters) -> float:
    mask = index.store.rows(filters)
    return 1.0 if mask is None else mask.mean()


def _rows(exact: q2e.Index, engine: q2e.Index, filters: Filters, vectors: Any) -> float:
    """Return what share of the best videos of each row an engine finds."""
    store = engine.store
    assert isinstance(store, Finding)
    finding = store.engine()
    assert finding is not None
    requests = [Request("meaning", "query", exact.models.text.space, one[None]) for one in vectors]
    found = wanted = 0
    with store.snapshot(), exact.store.snapshot():
        theirs_of = ExactEngine(exact.store).best(requests, filters, BEST)
        for ours, theirs in zip(finding.best(requests, filters, BEST), theirs_of, strict=True):
            own = {best.channel: set(best.videos) for best in ours}
            for best in theirs:
                wanted += len(best.videos)
                found += len(own.get(best.channel, set()) & set(best.videos))
    return found / wanted if wanted else 1.0


def _asked(
    exact: q2e.Index, engine: q2e.Index, filters: Filters, said: list[str]
) -> dict[str, Any]:
    recall: list[float] = []
    times_s: dict[str, list[float]] = {"exact": [], "engine": []}
    for question in said:
        wanted, found = (
            list(_timed(index, question, filters, times_s[name]))
            for name, index in (("exact", exact), ("engine", engine))
        )
        recall.append(len(set(wanted) & set(found)) / max(1, len(wanted)))
    return {
        "recall_at_20": round(float(np.mean(recall)), 4),
        **{
            f"{name}_{place}_s": round(float(np.percentile(times, percent)), 2)
            for name, times in times_s.items()
            for place, percent in (("p50", 50), ("p95", 95))
        },
    }


def _timed(
    index: q2e.Index, question: str, filters: Filters, times_s: list[float]
) -> Iterator[str]:
    began = time.perf_counter()
    found = index.search(question, filters=filters, top=FIRST_HITS, duplicates="keep")
    times_s.append(time.perf_counter() - began)
    return (hit.video.id for hit in found)
