"""Do masks place captions better than windows? `python -m benchmarks dense`.

Timelines of dissolving pictures (`benchmarks.planted`) are read for pictures; each picture is told
by a caption in one of eleven languages, whose time is off by up to 8 s either way. It is moved to
the 8 s that fit it best, as HowToCaption does, and then refined by a mask, as ZeroTA does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.moments import ASKED, planted
from q2e.afterwards import _Frames
from q2e.evaluate.compare import bootstrap
from q2e.ingest.told import LONG_S, WITHIN_S, aligned
from q2e.methods.masked import refined
from q2e.models.registry import Models

SEED = 0


def run() -> dict[str, Any]:
    """Return how well windows and masks lie on the moments of the pictures."""
    random = np.random.default_rng(SEED)
    shares: dict[str, list[float]] = {"windows": [], "masks": []}
    with tempfile.TemporaryDirectory() as name:
        media, truth = planted(Path(name) / "planted")
        with q2e.open(Path(name) / "planted.q2e", channels=("frame",)) as index:
            report = index.add(media)
            assert not report.failures, report.failures
            frames = _Frames(Models(index.settings))
            store = index._searching().store
            for video in index.videos():
                times_s, vectors = frames.of(store, video)
                parts = truth[Path(video.path).name]
                told = frames.encoder.encode_texts([ASKED[name] for name, *_ in parts])
                bounds = np.array([part[1:] for part in parts])
                off_s = random.uniform(-WITHIN_S, WITHIN_S, len(parts))
                start_s = np.clip(bounds[:, 0] + off_s, 0.0, video.duration_s - 1)
                begin, _ = aligned(start_s, told, times_s[:, 2], vectors)
                windows = np.stack([begin, np.minimum(begin + LONG_S, video.duration_s)], axis=1)
                masks = refined(windows, told, times_s[:, 2], vectors, video.duration_s)
                shares["windows"] += _shared(windows, bounds)
                shares["masks"] += _shared(masks, bounds)
    more = bootstrap(np.array(shares["masks"]) - np.array(shares["windows"]))
    return {
        "captions": len(shares["windows"]),
        "rows": [
            {"way": way, "miou": float(np.mean(own)), "half": float(np.mean(np.array(own) > 0.5))}
            for way, own in shares.items()
        ],
        "more": [more.value, more.low, more.high],
    }


def _shared(found: Any, true: Any) -> list[float]:
    """Return the intersection over union of each stretch with the true one."""
    inside = np.minimum(found[:, 1], true[:, 1]) - np.maximum(found[:, 0], true[:, 0])
    whole = np.maximum(found[:, 1], true[:, 1]) - np.minimum(found[:, 0], true[:, 0])
    shares: list[float] = (np.maximum(inside, 0.0) / whole).tolist()
    return shares
