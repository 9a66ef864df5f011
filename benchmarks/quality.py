"""Everything measured on real data, for the docs' tables; see each module for its protocol.

`python -m benchmarks quality --data FOLDER [--only PART ...]` writes `results/quality.json`, of
which `scripts/gentables.py` fills the tables of the docs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import ablations, captions, confidence, events, likes, matrices, released

PARTS: dict[str, Callable[[Path], Any]] = {
    "captions": captions.run,
    "confidence": lambda dev_data: confidence.run(),
    "events": events.run,
    "experiments": ablations.run,
    "likes": likes.run,
    "matrices": matrices.run,
    "released": released.run,
}


def run(dev_data: Path, only: Sequence[str], out: Path) -> dict[str, Any]:
    """Return the figures of the parts named, or of all; other parts stay as `out` has them."""
    known: dict[str, Any] = {}
    if only and out.exists():
        known = json.loads(out.read_text(encoding="utf-8"))["quality"]
    return known | {name: PARTS[name](dev_data) for name in only or PARTS}
