"""Fills the docs' tables from benchmarks/results, so that no figure is copied by hand.

python scripts/gentables.py            # write
python scripts/gentables.py --check    # exit 1 and name the pages whose tables are stale
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
FILES = (
    *(
        "load",
        "moments",
        "chapters",
        "chapter_channel",
        "contained",
        "marked",
        "dense",
        "reading",
        "truth",
        "certainty",
        "fellows",
        "leftout",
        "decoding",
        "fuzz",
        "heads",
        "growth",
        "search",
        "prices",
        "fast",
        "peers",
        "senses",
        "encoders",
        "speech",
        "answers",
        "answer_costs",
        "articles",
        "contrast",
        "page",
        "tasks",
    ),
    "scale_stores",
    "scale_engines",
    "scale_events",
    "scale_engines_million",
    "scale_events_million",
)
MARKED = re.compile(r"(<!-- table: (?P<name>.+?) -->\n)(?P<table>.*?)(<!-- /table -->)", re.DOTALL)

sys.path.insert(0, str(ROOT))

from benchmarks.certainty import picture  # noqa: E402
from benchmarks.tables import NEEDS, TABLES  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    check = parser.parse_args().check
    figures = measured()
    stale = []
    for page in pages():
        text = page.read_text("utf-8")
        made = filled(text, figures)
        if made != text:
            stale.append(page)
            if not check:
                page.write_text(made, "utf-8")
    drawn = ROOT / "docs" / "img" / "reliability.svg"
    if (made := picture(figures["certainty"])) != (
        drawn.read_text("utf-8") if drawn.exists() else ""
    ):
        stale.append(drawn)
        if not check:
            drawn.write_text(made, "utf-8")
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'stale' if check else 'written'}", file=sys.stderr)
    if check and stale:
        print("run  python scripts/gentables.py  and commit the result", file=sys.stderr)
    return 1 if check and stale else 0


def measured() -> dict[str, Any]:
    """Return the figures of all parts: those of quality, and those with a file of their own."""
    written = {name: json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
               for name in ("quality", *FILES)
               if name == "quality" or (RESULTS / f"{name}.json").exists()}  # fmt: skip
    found = {name: one[name] for name, one in written.items()}
    machines = {name: one["machine"] for name, one in written.items() if "machine" in one}
    return found.pop("quality") | found | {"machines": machines}


def pages() -> list[Path]:
    """Return the pages that hold tables of ours."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    return [page for page in found if MARKED.search(page.read_text("utf-8"))]


def filled(text: str, figures: Mapping[str, Any]) -> str:
    """Return a page with its tables made anew; those whose part was not measured stay.

    Raises KeyError for a table that is not known.
    """

    def made(match: re.Match[str]) -> str:
        if not NEEDS[match["name"].split()[0]] <= set(figures):
            return match[0]
        return f"{match[1]}\n{TABLES[match['name']](figures)}\n{match[4]}"

    return MARKED.sub(made, text)


if __name__ == "__main__":
    raise SystemExit(main())
