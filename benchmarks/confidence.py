"""Where a result list may end: right answers kept, and questions without an answer refused.

Over the sample clips: the questions of `samples/queries.tsv`, and thirty that no clip answers.
Reported by threshold is how many right answers stay and how many unanswerable questions still get
a hit. `python -m benchmarks.confidence`.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import q2e

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
THRESHOLDS = (1.0, 2.0, 2.5, 3.0, 3.5)
UNANSWERABLE = (
    "a red double-decker bus",
    "heart surgery in a hospital",
    "quantum physics lecture",
    "fútbol en el estadio",
    "как приготовить борщ",
    "presidential election debate",
    "una boda en la playa",
    "浴室の掃除",
    "选举辩论",
    "مباراة كرة القدم",
    "volcano erupts at night",
    "chess tournament final",
    "a man repairs a bicycle",
    "Börse bricht ein",
    "un concert de jazz",
    "기차 사고",
    "विश्व कप क्रिकेट फाइनल",
    "เปียโนคอนเสิร์ต",
    "submarine under the ice",
    "courtroom trial verdict",
    "самолёт совершил посадку",
    "une recette de crêpes",
    "soldiers march in a parade",
    "a robot assembles cars",
    "bitcoin price falls",
    "a wedding dress",
    "surfing big waves",
    "violin lesson",
    "tax declaration deadline",
    "巴黎铁塔",
)


def run() -> dict[str, Any]:
    """Return the two shares, in percent, by threshold."""
    with tempfile.TemporaryDirectory() as folder:
        index = q2e.open(Path(folder) / "index")
        index.add(SAMPLES / "manifest.csv")
        with (SAMPLES / "queries.tsv").open(encoding="utf-8", newline="") as file:
            asked = [
                (row["query"], row["expected"]) for row in csv.DictReader(file, delimiter="\t")
            ]
        figures = {}
        for threshold in THRESHOLDS:
            kept = sum(
                any(
                    Path(hit.video.path).name == Path(expected).name
                    for hit in index.search(query, top=30, confidence=threshold)
                )
                for query, expected in asked
            )
            shown = sum(
                len(index.search(query, top=1, confidence=threshold)) > 0 for query in UNANSWERABLE
            )
            figures[str(threshold)] = {
                "right answers kept": round(100 * kept / len(asked), 1),
                "unanswerable questions with a hit": round(100 * shown / len(UNANSWERABLE), 1),
            }
    return figures


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=2)
