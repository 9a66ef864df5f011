"""Does the channel `chapter` help a search? `python -m benchmarks chapter_channel --data SETS`.

Collections are those of `benchmarks.public`, of which each has an index and questions with the
videos that answer. Each is asked as it is, and again after  q2e chapters --keep  with titles found
by `texttiling`; differences of the reciprocal rank are paired over questions, 95 % by bootstrap.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.evaluate.compare import bootstrap

#: Collections whose videos are long enough to have chapters, and videos of a question looked at.
SETS, DEPTH = ("lessons", "talks"), 100


def run(sets: Path) -> dict[str, Any]:
    """Return the mean reciprocal rank of each collection without the channel and with it."""
    rows = []
    for name in SETS:
        questions = json.loads((sets / f"{name}.json").read_text("utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / f"{name}.q2e"
            shutil.copytree(sets / f"{name}.q2e", copy)
            with q2e.open(copy) as index:
                before = _ranks(index, questions)
                kept = index.keep_chapters("texttiling")
                after = _ranks(index, questions)
                videos = index.status().videos
        change = bootstrap(after - before)
        row = {
            "set": name,
            "videos": videos,
            "chapters": kept,
            "questions": len(questions),
            "without": float(before.mean()),
            "with": float(after.mean()),
            "change": [change.value, change.low, change.high],
            "first before and after": [int((before == 1).sum()), int((after == 1).sum())],
        }
        print(row, flush=True)
        rows.append(row)
    return {"rows": rows}


def _ranks(index: q2e.Index, questions: list[dict[str, Any]]) -> Any:
    found = []
    for one in questions:
        hits = index.search(one["q"], top=DEPTH, confidence=0.0, moments_per_video=1)
        ranks = [hit.rank for hit in hits if hit.video.id in one["right"]]
        found.append(1.0 / min(ranks) if ranks else 0.0)
    return np.array(found)
