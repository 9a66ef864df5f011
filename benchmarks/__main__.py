"""`python -m benchmarks ingest|load|search|quality`: JSON results with the machine named."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return what a figure depends on besides the code."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_at_start": [round(value, 2) for value in os.getloadavg()],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=["ingest", "load", "search", "quality"])
    parser.add_argument("--data", type=Path, help="folder of evaluation data, for quality")
    parser.add_argument("--minutes", type=float, default=10.0, help="length made for ingest")
    parser.add_argument("--items", type=int, default=100_000, help="evidence made for search")
    parser.add_argument("--out", type=Path, help="where to write the JSON")
    given = parser.parse_args()
    about = machine()
    if given.what == "ingest":
        from benchmarks import ingest

        figures = ingest.run(given.minutes)
    elif given.what == "load":
        from benchmarks import load

        figures = load.run(given.items)
    elif given.what == "search":
        from benchmarks import search

        figures = search.run(given.items)
    else:
        from benchmarks import quality

        if given.data is None:
            parser.error("quality needs --data FOLDER")
        figures = quality.run(given.data)
    text = json.dumps({"machine": about, given.what: figures}, indent=2, ensure_ascii=False)
    out = given.out or RESULTS / f"{given.what}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
