"""Measures the SQLite store against LanceDB: what docs/decisions/0001-embedded-store.md rests on.

    python -m benchmarks.store_spike [--items 100000] [--lance] [--json out.json]

`--lance` needs LanceDB beside us:  pip install lancedb==0.40.0
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from q2e.store.base import Item, StageKey
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video

DIMENSION = 384
PART = 100
WORDS = 40
COMMITS = 1000


def vectors(items: int, seed: int = 0) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    """Yield (PART, DIMENSION) unit vectors around 200 centres, as text vectors crowd."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((200, DIMENSION))
    for _ in range(items // PART):
        block = centres[random.integers(0, 200, PART)] + random.standard_normal((PART, DIMENSION))
        yield (block / np.linalg.norm(block, axis=1, keepdims=True)).astype(np.float32)


def words(random: np.random.Generator) -> tuple[str, ...]:
    return tuple(f"w{n}" for n in random.zipf(1.3, WORDS).clip(max=50_000).tolist())


def fill_sqlite(folder: Path, items: int, with_words: bool) -> None:
    random = np.random.default_rng(1)
    with SqliteStore(folder / "s.sqlite") as store:
        for number, block in enumerate(vectors(items)):
            video = Video(f"{number:032d}", f"{number}.mp4")
            store.put_video(video)
            found = [
                Item(
                    Evidence(video.id, "speech", row, row + 1, vectors={"s": vector}),
                    words(random) if with_words else (),
                )
                for row, vector in enumerate(block)
            ]
            store.put_part(StageKey(video.id, "speech", 0), "v1", found)
        store.optimise()


def fill_lance(folder: Path, items: int, with_words: bool) -> None:
    import lancedb

    data = np.concatenate(list(vectors(items)))
    table = lancedb.connect(folder).create_table("t", lance_rows(data))
    if items > 100_000:
        table.create_index("cosine", vector_column_name="vector", index_type="IVF_FLAT")


def lance_rows(data: np.ndarray[Any, Any]) -> Any:
    import pyarrow as pa

    flat = pa.array(data.ravel(), pa.float32())
    columns = [pa.array(range(len(data))), pa.FixedSizeListArray.from_arrays(flat, DIMENSION)]
    return pa.table(columns, names=["id", "vector"])


def percentiles(call: Callable[[int], object], times: int = 60) -> dict[str, float]:
    spent = []
    for number in range(times):
        began = time.perf_counter()
        call(number)
        spent.append((time.perf_counter() - began) * 1e3)
    return {
        "p50_ms": round(np.percentile(spent, 50), 2),
        "p95_ms": round(np.percentile(spent, 95), 2),
    }


def size(folder: Path) -> dict[str, float]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    total = sum(file.stat().st_size for file in files)
    return {"files": len(files), "megabytes": round(total / 1e6, 1)}


def ask_sqlite(folder: Path, with_words: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    began = time.perf_counter()
    store = SqliteStore(folder / "s.sqlite", read_only=True)
    asked = np.concatenate(list(vectors(PART, seed=5)))
    store.dense("s", asked[:1], k=20)
    found["cold_first_query_s"] = round(time.perf_counter() - began, 3)
    found["dense_1"] = percentiles(lambda n: store.dense("s", asked[n : n + 1], k=20))
    found["dense_16"] = percentiles(lambda n: store.dense("s", asked[n : n + 16], k=20), 20)
    if with_words:
        random = np.random.default_rng(2)
        questions = [words(random)[:10] for _ in range(60)]
        found["lexical_cold"] = percentiles(lambda n: store.lexical(questions[n]))
        found["lexical_warm"] = percentiles(lambda n: store.lexical(questions[n]))
        found["lexical_warm_top_100"] = percentiles(lambda n: store.lexical(questions[n], k=100))
    store.close()
    return found


def ask_lance(folder: Path, with_words: bool) -> dict[str, Any]:
    began = time.perf_counter()
    import lancedb

    found: dict[str, Any] = {"import_s": round(time.perf_counter() - began, 3)}
    table = lancedb.connect(folder).open_table("t")
    asked = np.concatenate(list(vectors(PART, seed=5)))

    def exact(number: int) -> object:
        query = table.search(asked[number]).distance_type("cosine").bypass_vector_index()
        return query.select(["id"]).limit(20).to_arrow()

    def indexed(number: int) -> object:
        return table.search(asked[number]).distance_type("cosine").limit(20).to_arrow()

    exact(0)
    found["cold_first_query_s"] = round(time.perf_counter() - began, 3)
    found["exact_1"] = percentiles(exact, 20)
    if table.list_indices():
        found["ivf_flat_1"] = percentiles(indexed, 40)
        same = [
            len(set(exact(n)["id"].to_pylist()) & set(indexed(n)["id"].to_pylist()))  # type: ignore[index]
            for n in range(20)
        ]
        found["ivf_flat_recall_at_20"] = round(sum(same) / 400, 3)
    return found


def commits_sqlite(folder: Path) -> None:
    with SqliteStore(folder / "s.sqlite") as store:
        block = next(vectors(PART))[:5]
        for number in range(COMMITS):
            video = Video(f"{number:032d}", f"{number}.mp4")
            store.put_video(video)
            found = [Item(Evidence(video.id, "speech", 0, 1, vectors={"s": v})) for v in block]
            store.put_part(StageKey(video.id, "speech", 0), "v1", found)


def commits_lance(folder: Path) -> None:
    import lancedb

    block = next(vectors(PART))[:5]
    table = lancedb.connect(folder).create_table("t", lance_rows(block))
    for _ in range(COMMITS - 1):
        table.add(lance_rows(block))


def kept_after_kills(kind: str) -> str:
    """Kill a writing process six times; say whether each time the table opened whole."""
    with tempfile.TemporaryDirectory() as name:
        opened = 0
        for turn in range(6):
            folder = Path(name) / str(turn)
            folder.mkdir()
            command = [sys.executable, "-m", "benchmarks.store_spike", "--write", kind, str(folder)]
            with subprocess.Popen(command) as process:
                time.sleep(4 + 0.37 * turn)
                process.kill()
            opened += _whole(kind, folder)
    return f"{opened} of 6 opened whole"


def _whole(kind: str, folder: Path) -> bool:
    if kind == "sqlite":
        with SqliteStore(folder / "s.sqlite", read_only=True) as store:
            return len(store.vectors("s")[0]) == len(store.table()) > 0
    import lancedb

    return int(lancedb.connect(folder).open_table("t").count_rows()) > 0


ASK = {"sqlite": ask_sqlite, "lance": ask_lance}
FILL = {"sqlite": fill_sqlite, "lance": fill_lance}
WRITE = {"sqlite": commits_sqlite, "lance": commits_lance}


def measure(kind: str, items: int) -> dict[str, Any]:
    """Fill and write here, ask in a process of its own so that opening is cold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with_words = items <= 100_000
        began = time.perf_counter()
        FILL[kind](folder, items, with_words)
        found: dict[str, Any] = {"fill_s": round(time.perf_counter() - began, 1), **size(folder)}
        command = [sys.executable, "-m", "benchmarks.store_spike", "--ask", kind, name]
        command += ["--items", str(items)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return found | json.loads(answer.splitlines()[-1])


def commits(kind: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        WRITE[kind](Path(name))
        return {"seconds": round(time.perf_counter() - began, 1), **size(Path(name))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--lance", action="store_true")
    parser.add_argument("--no-kill", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        WRITE[options.write[0]](Path(options.write[1]))
        return
    if options.ask:
        found = ASK[options.ask[0]](Path(options.ask[1]), options.items <= 100_000)
        found["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(found))
        return
    result: dict[str, Any] = {"machine": f"{os.cpu_count()} cores {platform.machine()}"}
    for kind in ["sqlite", *(["lance"] if options.lance else [])]:
        result[kind] = measure(kind, options.items)
        if not options.no_kill:
            result[kind] |= {"commits": commits(kind), "kill": kept_after_kills(kind)}
    text = json.dumps(result, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
