"""Does each channel help or keep quiet? Rules of fusion compared on questions about real clips.

`python -m benchmarks truth --data SETS [--keep FOLDER]`; SETS as in `benchmarks.asked`. Reciprocal
ranks by kind, of first rankings, paired with the rule before; and as the product ranks, with
feedback. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.asked import Asked, asked
from q2e.evaluate.compare import bootstrap

RULES = ("entropy_sum", "witnesses")
#: Kinds of question that pictures answer, and the others.
SAID = ("said", "written", "sound", "speech", "screen_text", "metadata", "known",
        "title")  # fmt: skip


def run(sets: Path, keep: Path | None = None) -> dict[str, Any]:
    """Return reciprocal ranks of every collection by rule."""
    whole = [one for one in asked(sets, keep) if one.size == 0 and one.right.any()]
    names = dict.fromkeys(one.collection for one in whole)
    return {
        "rows": [
            row
            for name in names
            for row in _compared(name, [one for one in whole if one.collection == name])
        ]
    }


def _compared(name: str, questions: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    kinds = np.array(["said" if one.kind in SAID else "seen" for one in questions])
    before, after = (
        np.array([one.first_right(one.contribution(rule).sum(axis=0)) for one in questions])
        for rule in RULES
    )
    shown = np.array([one.first_right() for one in questions])
    for kind in ("all", "seen", "said"):
        own = (kinds == kind) | (kind == "all")
        if own.any():
            change = bootstrap(after[own] - before[own])
            yield {
                "collection": name,
                "kind": kind,
                "questions": int(own.sum()),
                "before": float(before[own].mean()),
                "after": float(after[own].mean()),
                "shown": float(shown[own].mean()),
                "change": [change.value, change.low, change.high],
            }
