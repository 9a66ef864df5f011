"""Does the channel `chapter` help a search? `python -m benchmarks chapter_channel --data SETS`.

Collections are those of `benchmarks.public`, of which each has an index and questions with the
videos that answer. Each is asked as it is, and again after  q2e chapters --keep  with titles found
by `texttiling`; differences of the reciprocal rank are paired over questions, 95 % by bootstrap.

And what two hours cost: talks of the collection `talks`, one after another, cut as one file.
"""

from __future__ import annotations

import json
import resource
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.errors import ConfigError
from q2e.evaluate.compare import bootstrap
from q2e.methods.chapters.base import Collected, Line, Track
from q2e.methods.chapters.collected import collected

#: Collections whose videos are long enough to have chapters, and videos of a question looked at.
SETS, DEPTH = ("lessons", "talks"), 100
#: Seconds of talks that are cut as one file.
LONG_S = 7_200.0


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
    return {"rows": rows, "long": long(sets)}


def long(sets: Path) -> dict[str, Any]:
    """Return what it costs to cut two hours of talks as one file, after they were read."""
    from q2e.methods.chapters.texttiling import TextTiling

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "talks.q2e"
        shutil.copytree(sets / "talks.q2e", copy)
        with q2e.open(copy) as index:
            index.search("earthquake", top=1)  # which loads the encoder of texts
            joined = _joined(index)
            before_mb = _peak_mb()
            began_s, spent_s = time.perf_counter(), time.process_time()
            found = TextTiling().chapters(joined)
            return {
                "seconds": joined.duration_s,
                "lines": len(joined.lines),
                "chapters": len(found),
                "wall_s": round(time.perf_counter() - began_s, 2),
                "cpu_s": round(time.process_time() - spent_s, 2),
                "more_mb": round(_peak_mb() - before_mb, 1),
            }


def _joined(index: q2e.Index) -> Collected:
    """Return talks one after another until there are two hours, as one video."""
    lines: list[Line] = []
    at_s, starts, ends, vectors = 0.0, [], [], []
    for video in index.each_video():
        if at_s >= LONG_S:
            break
        one = collected(index.store, index.models, video, (), _no_model)
        lines += [replace(x, start_s=x.start_s + at_s, end_s=x.end_s + at_s) for x in one.lines]
        for track in one.tracks:
            if track.channel == "speech":
                starts.append(track.start_s + at_s)
                ends.append(track.end_s + at_s)
                vectors.append(track.vectors)
        at_s += video.duration_s
    track = Track("speech", *map(np.concatenate, (starts, ends, vectors)))
    encode = index.models.text.encode_passages
    return Collected(at_s, "talks", tuple(lines), (track,), np.zeros(0), (), encode, _no_model)


def _no_model() -> Any:
    raise ConfigError("no language model is asked")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ranks(index: q2e.Index, questions: list[dict[str, Any]]) -> Any:
    found = []
    for one in questions:
        hits = index.search(one["q"], top=DEPTH, confidence=0.0, moments_per_video=1)
        ranks = [hit.rank for hit in hits if hit.video.id in one["right"]]
        found.append(1.0 / min(ranks) if ranks else 0.0)
    return np.array(found)
