"""What reading by key frames alone saves, and what it loses of shots and of hits.

`python -m benchmarks fast [--data FOLDER]`: the samples, and a FOLDER of `clips` and
`questions.json`, a list of {"q", "right": [names], "kind"}. Each collection is read whole and by
key frames into indexes of their own; shots that a whole reading finds are taken for the truth.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.prices import processor_s
from q2e.evaluate.compare import bootstrap

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
#: Seconds within which a cut is the same.
NEAR_S = 0.5
#: Kinds of question that pictures answer are all others.
SAID = ("said", "written", "sound", "speech", "screen_text", "metadata")

Question = Mapping[str, Any]


def run(data: Path | None) -> dict[str, Any]:
    """Return a row for each collection and kind of question, and one of shots for each."""
    given = [("samples", SAMPLES / "manifest.csv", _samples())]
    if data is not None:
        asked = json.loads((data / "questions.json").read_text("utf-8"))
        given.append((data.name, data / "clips", [one for one in asked if one["right"]]))
    shots, hits = [], []
    for name, source, questions in given:
        with tempfile.TemporaryDirectory() as folder:
            both = [
                _read(source, Path(folder) / str(fast), questions, fast) for fast in (False, True)
            ]
        shots.append({"collection": name, **_shots(*(one["cuts"] for one in both)),
                      "spent_s": [round(one["spent_s"], 1) for one in both]})  # fmt: skip
        hits += [{"collection": name, **row} for row in _hits(questions, *both)]
    return {"near_s": NEAR_S, "shots": shots, "hits": hits}


def _samples() -> list[Question]:
    with (SAMPLES / "queries.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        {"q": row["query"], "right": [Path(row["expected"]).name], "kind": row["channel"]}
        for row in rows
    ]


def _read(source: Path, folder: Path, questions: Sequence[Question], fast: bool) -> dict[str, Any]:
    """Return what reading took, the cuts of each file, and the rank of the right hit of each."""
    began = processor_s()
    with q2e.open(folder, key_frames=fast) as index:
        index.add(source)
        spent_s = processor_s() - began
        names = {video.id: Path(video.path).name for video in index.videos()}
        cuts = {
            name: [one.start_s for one in index.store.segments(video)][1:]
            for video, name in names.items()
        }
        ranks = []
        for question in questions:
            found = index.search(question["q"], top=100, confidence=0.0, moments=False)
            right = [hit.rank for hit in found if names[hit.video.id] in question["right"]]
            ranks.append(1 / min(right) if right else 0.0)
    return {"spent_s": spent_s, "cuts": cuts, "rank": np.array(ranks)}


def _shots(whole: Mapping[str, list[float]], fast: Mapping[str, list[float]]) -> dict[str, int]:
    """Return how many cuts a whole reading finds, and how many of them, and others, the fast."""
    found = others = 0
    for name, cuts in whole.items():
        left = list(fast[name])
        for cut_s in cuts:
            near = [one for one in left if abs(one - cut_s) < NEAR_S]
            if near:
                found += 1
                left.remove(min(near, key=lambda one: abs(one - cut_s)))
        others += len(left)
    return {"cuts": sum(map(len, whole.values())), "found": found, "others": others}


def _hits(
    questions: Sequence[Question], whole: Mapping[str, Any], fast: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    said = np.array([one["kind"] in SAID for one in questions])
    kinds = {"all": np.ones(len(said), bool), "seen": ~said, "said": said}
    for kind, own in kinds.items():
        if own.any():
            change = bootstrap(fast["rank"][own] - whole["rank"][own])
            yield {
                "kind": kind,
                "questions": int(own.sum()),
                "whole": float(whole["rank"][own].mean()),
                "fast": float(fast["rank"][own].mean()),
                "change": [change.value, change.low, change.high],
            }
