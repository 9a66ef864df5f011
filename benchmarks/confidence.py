"""Where a result list may end: right answers kept, and questions without an answer refused.

Over the sample clips: the questions of `samples/queries.tsv`, and thirty that no clip answers.
Reported by stated rate of false alarms is how many right answers stay among the confident hits,
and how many unanswerable questions get a confident hit all the same.
`python -m benchmarks.confidence`.
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
RATES = (0.01, 0.05, 0.1, 0.2, 0.5)
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
    """Return the two shares, in percent, by stated rate of false alarms."""
    with tempfile.TemporaryDirectory() as folder:
        index = q2e.open(Path(folder) / "index")
        index.add(SAMPLES / "manifest.csv")
        with (SAMPLES / "queries.tsv").open(encoding="utf-8", newline="") as file:
            asked = [
                (row["query"], Path(row["expected"]).name)
                for row in csv.DictReader(file, delimiter="\t")
            ]
        right = [_alarm(index, query, name) for query, name in asked]
        chance = [_alarm(index, query) for query in UNANSWERABLE]
    return {
        str(rate): {
            "right answers kept": _percent(right, rate),
            "unanswerable questions with a confident hit": _percent(chance, rate),
        }
        for rate in RATES
    }


def _alarm(index: q2e.Index, query: str, name: str | None = None) -> float:
    """Return the chance of a false alarm of the hit on a video, or of the best hit."""
    hits = index.search(query, top=30, confidence=0.0).hits
    kept = [hit for hit in hits if name is None or Path(hit.video.path).name == name]
    known = [1.0 - hit.confidence for hit in kept if hit.confidence is not None]
    return min(known, default=1.0)


def _percent(alarms: list[float], rate: float) -> float:
    return round(100 * sum(alarm <= rate for alarm in alarms) / len(alarms), 1)


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=2)
