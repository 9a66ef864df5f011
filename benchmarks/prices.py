"""What each default step of reading costs: core-milliseconds for a second of 720p video.

The made video of `ingest` is read again and again, each time with one channel more: what a step
costs is what it adds to the processor time of the reading process and of those that decode for it.
Steps that go on side by side are so told apart. Of several turns the least counts: what else a
machine does only adds.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ingest import SAMPLES, make_video
from q2e.decoding.doors import scan
from q2e.ingest.messages import Job
from q2e.ingest.reader import Reader
from q2e.media.identity import content_id
from q2e.media.probe import probe
from q2e.settings import Settings
from q2e.store.sqlite import SqliteStore

#: Core-milliseconds a second that all default steps may take: 16 times real time on two cores.
BUDGET_MS = 125
#: What is read with one channel more each time; shots are found in whatever is read.
STEPS = {
    "decoding, shots, metadata": ("metadata",),
    "speech": ("metadata", "speech"),
    "frame": ("metadata", "speech", "frame"),
    "screen_text": ("metadata", "speech", "frame", "screen_text"),
    "caption": ("metadata", "speech", "frame", "screen_text", "caption"),
}
#: Clips read before, in which somebody speaks and something is written: models are loaded then.
WARM = ("call-06.mp4", "launch-18.mp4")
TURNS = 3


def run(minutes: float) -> dict[str, Any]:
    """Return the price of each step for a video of `minutes`."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "made.mp4"
        make_video(video, minutes * 60)
        duration_s = probe(video).duration_s
        spent: dict[str, list[float]] = {}
        scanned: list[float] = []
        for turn in range(TURNS):
            own = Path(folder) / str(turn)
            for name, channels in STEPS.items():
                taken = _read(video, own / str(len(channels)), channels)
                spent.setdefault(name, []).append(taken)
            scanned.append(_scanned(video, duration_s))
    wholes = 1000 * np.array([min(took) for took in spent.values()]) / duration_s
    prices = dict(zip(STEPS, np.diff(wholes, prepend=0.0).tolist(), strict=True))
    return {
        "video_s": round(duration_s, 1),
        "turns": TURNS,
        "price_ms": {name: round(price, 1) for name, price in prices.items()},
        "decoding_ms": round(1000 * min(scanned) / duration_s, 1),
        "sum_ms": round(float(wholes[-1]), 1),
        "budget_ms": BUDGET_MS,
    }


def _read(video: Path, folder: Path, channels: tuple[str, ...]) -> float:
    """Return the processor time of reading some channels of a file once models are loaded."""
    folder.mkdir(parents=True)
    SqliteStore(folder / "index.sqlite").close()
    store = SqliteStore(folder / "index.sqlite", read_only=True)
    reader = Reader(Settings(channels=channels), store)
    for clip in WARM:
        for _ in reader.read(Job(SAMPLES / clip, clip)):
            pass
    began = processor_s()
    for _ in reader.read(Job(video, content_id(video))):
        pass
    return processor_s() - began


def _scanned(video: Path, duration_s: float) -> float:
    """Return the processor time of decoding a file and finding its shots, and nothing more."""
    began = processor_s()
    for _ in scan(video, 0.0, duration_s):
        pass
    return processor_s() - began


def processor_s() -> float:
    """Return the seconds of processor time of this process and of all that it has started."""
    children: dict[int, list[int]] = {}
    own: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended since, and is counted with its parent's
        pid = int(file.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        # User and system time, then those of children that were waited for.
        own[pid] = sum(map(int, fields[11:15]))
    spent, asked = 0, [os.getpid()]
    while asked:
        pid = asked.pop()
        spent += own.get(pid, 0)
        asked += children.get(pid, [])
    return spent / os.sysconf("SC_CLK_TCK")
