"""Are chapters found where those who made a talk marked them? `python -m benchmarks marked`.

`--data FOLDER` holds `captions`, a checkout of github.com/3b1b/captions: transcripts of talks with
the time of each sentence, and descriptions in many languages, whose English originals list the
talk's chapters as they stand under the video. They are read from there and kept nowhere. The truth
is not seen by what is judged; chapters of equal length are told how many there are. The
lengths of blocks were chosen with an eye on these talks too (docs/research/moments.md).
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answers import told
from benchmarks.chapters import judged, row

#: A line of a description that begins with a time, and says something behind it.
_MARK = re.compile(r"\s*(?:(\d{1,2}):)?(\d{1,2}):(\d{2})\b\s*[-–—:]?\s*\S")
WAYS = ("texttiling", "even", "random")
FEWEST, DRAWN = 3, 200


def run(data: Path, keep: Path | None = None) -> dict[str, Any]:
    """Return, for each way, how well it cuts talks at the chapters that their makers marked."""
    talks = marked(data / "captions")
    judgements: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        told((keep or Path(folder)) / "marked", data, list(talks)) as index,
    ):
        for number, (talk, starts_s) in enumerate(talks.items()):
            name = talk.partition("/")[2]
            end_s = index.show(name).video.duration_s
            bounds_s = [*starts_s, end_s]
            found = [one.start_s for one in index.chapters(name, how="texttiling")]
            even = np.linspace(0, end_s, len(starts_s) + 1)[:-1].tolist()
            judgements["texttiling"].append(judged(found, bounds_s))
            judgements["even"].append(judged(even, bounds_s))
            judgements["random"].append(_drawn(len(found), bounds_s, number))
            rows.append({"talk": talk, "seconds": end_s, "chapters": len(starts_s),
                         "found": len(found)})  # fmt: skip
    return {
        "rows": [row(way, judgements[way], judgements["texttiling"]) for way in WAYS],
        "talks": rows,
    }


def marked(folder: Path) -> dict[str, list[float]]:
    """Return where the chapters of each talk begin, by its folder, of talks that list any."""
    found = {}
    for timed in sorted(folder.glob("*/*/english/sentence_timings.json")):
        talk = timed.parent.parent
        every = (_starts(one) for one in sorted(talk.glob("*/description.json")))
        starts_s = next((one for one in every if len(one) >= FEWEST), None)
        if starts_s is not None:
            found[f"{talk.parent.name}/{talk.name}"] = starts_s
    return found


def _starts(description: Path) -> list[float]:
    """Return the times that lines of a description begin with, from the first, which is 0."""
    lines = [str(one.get("input", "")) for one in json.loads(description.read_text("utf-8"))]
    times = [_MARK.match(line) for text in lines for line in text.splitlines()]
    starts = [
        3600.0 * int(one[1] or 0) + 60 * int(one[2]) + int(one[3])
        for one in times
        if one is not None
    ]
    rising = all(a < b for a, b in pairwise(starts))
    return starts if starts and starts[0] == 0 and rising else []


def _drawn(count: int, bounds_s: Sequence[float], seed: int) -> dict[str, float]:
    """Return the mean of what as many borders as are found get where they lie by chance."""
    drawn = np.random.default_rng(seed)
    every = [judged(drawn.uniform(0, bounds_s[-1], count - 1), bounds_s) for _ in range(DRAWN)]
    return {name: float(np.mean([one[name] for one in every])) for name in every[0]}
