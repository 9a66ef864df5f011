"""Does each channel help or keep quiet? Rules of fusion compared on questions about real clips.

`python -m benchmarks truth --data SETS`; SETS holds for each collection `NAME.q2e`, an index, and
`NAME.json`: a list of {"q", "right": [names or ids], "kind"}; a question without an answer has no
`right`. Reciprocal ranks by kind, paired with the rule before. Nothing is fitted here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.evaluate.compare import bootstrap
from q2e.types import Hit

RULES = ("entropy_sum", "witnesses")
#: Kinds of question that pictures answer, and the others.
SAID = ("said", "written", "sound", "speech", "screen_text", "metadata", "known",
        "title")  # fmt: skip


def run(sets: Path) -> dict[str, Any]:
    """Return reciprocal ranks of every collection by rule."""
    rows: list[dict[str, Any]] = []
    for file in sorted(sets.glob("*.json")):
        questions = [one for one in json.loads(file.read_text("utf-8")) if one["q"].strip()]
        with q2e.open(file.with_suffix(".q2e")) as index:
            names = {video.id: Path(video.path).name for video in index.videos()}
            ranks = {rule: _ranks(index, questions, names, rule) for rule in RULES}
        rows += list(_compared(file.stem, questions, ranks))
    return {"rows": rows}


def _ranks(
    index: q2e.Index,
    questions: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    rule: str,
) -> list[float]:
    """Return the reciprocal rank of each question; NaN for one that has no answer."""
    found = []
    for one in questions:
        hits = index.search(one["q"], top=100, moments=False, confidence=0.0, fuse=rule)
        right = [_right(hit, one["right"], names) for hit in hits]
        first = right.index(True) + 1 if True in right else 0
        found.append((1 / first if first else 0.0) if one["right"] else float("nan"))
    return found


def _right(hit: Hit, right: Sequence[str], names: Mapping[str, str]) -> bool:
    return hit.video.id in right or names.get(hit.video.id, "") in right


def _compared(
    name: str, questions: Sequence[Mapping[str, Any]], ranks: Mapping[str, Sequence[float]]
) -> Any:
    kinds = np.array(["said" if one["kind"] in SAID else "seen" for one in questions])
    before, after = (np.array(ranks[rule]) for rule in RULES)
    for kind in ("all", "seen", "said"):
        own = np.isfinite(before) & ((kinds == kind) | (kind == "all"))
        if own.any():
            change = bootstrap(after[own] - before[own])
            yield {
                "collection": name,
                "kind": kind,
                "questions": int(own.sum()),
                "before": float(before[own].mean()),
                "after": float(after[own].mean()),
                "change": [change.value, change.low, change.high],
            }
