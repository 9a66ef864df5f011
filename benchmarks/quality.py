"""Everything measured on real data: fusion, events, captions; see each module for its protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import captions, confidence, events, matrices


def run(dev_data: Path) -> dict[str, Any]:
    """Return the figures of all quality benchmarks on a folder of evaluation data."""
    return {
        "captions": captions.run(dev_data),
        "confidence": confidence.run(),
        "events": events.run(dev_data),
        "matrices": matrices.run(dev_data),
    }
