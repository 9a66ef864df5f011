"""Are chapters where subjects change? `python -m benchmarks chapters --data FOLDER`.

Talks of eight subjects each, told in subtitles over one unbroken picture (`benchmarks.joined`), are
read into an index; what is judged is where `q2e chapters` cuts them, against as many chapters of
equal length, which is told how many there are, and against the shots of the index.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.joined import CHOSEN_ON, Talk, talks
from q2e.evaluate.chapter_measures import border_f1, chapter_iou
from q2e.evaluate.compare import bootstrap
from q2e.media.frames import frames_at

SAMPLES = Path(__file__).parent.parent / "samples"
#: Of each source, the talk that is measured; those of `CHOSEN_ON` chose the parameters.
MEASURED = (
    *("wikivideo-3", "arabic-2", "chinese-2", "english-2", "korean-2", "russian-2"),
    *("chinese-1", "russian-1"),
)
WIDTH, HEIGHT, RATE_HZ = 160, 90, 2
WAYS = ("texttiling", "even", "shots")


def run(data: Path) -> dict[str, Any]:
    """Return, for each way, how well it cuts the talks that no parameter was chosen on."""
    assert not set(MEASURED) & set(CHOSEN_ON)
    measured = [one for one in talks(data) if one.name in MEASURED]
    told: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    spent_s = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for talk in measured:
            write(folder / "videos" / f"{talk.name}.mp4", talk)
        with q2e.open(folder / "talks.q2e", channels=("frame", "speech")) as index:
            report = index.add(folder / "videos")
            assert not report.failures, report.failures
            index.search("earthquake", top=1)  # which loads the encoder of texts
            read_mb = _peak_mb()
            for talk in measured:
                began = time.process_time()
                found = index.chapters(f"{talk.name}.mp4", how="texttiling")
                spent_s.append(time.process_time() - began)
                shots = [one.start_s for one in index.show(f"{talk.name}.mp4").segments]
                count = len(talk.bounds_s)
                told["texttiling"].append(judged([one.start_s for one in found], talk.bounds_s))
                told["even"].append(
                    judged(np.linspace(0, talk.bounds_s[-1], count)[:-1], talk.bounds_s)
                )
                told["shots"].append(judged(shots, talk.bounds_s))
        peak_mb = _peak_mb()
    rows = [row(way, told[way], told["texttiling"]) for way in WAYS]
    return {
        "rows": rows,
        "talks": [
            {"name": talk.name, "seconds": talk.bounds_s[-1]}
            | {way: round(told[way][number]["f1"], 3) for way in WAYS}
            for number, talk in enumerate(measured)
        ],
        "seconds": float(np.sum([talk.bounds_s[-1] for talk in measured])),
        "cpu_s": float(np.sum(spent_s)),
        "more_mb": peak_mb - read_mb,
    }


def judged(
    starts_s: Sequence[float] | np.ndarray[Any, Any], bounds_s: Sequence[float]
) -> dict[str, float]:
    """Return how well chapters that begin at some times lie on those with these bounds."""
    end_s = bounds_s[-1]
    inside = sorted(float(one) for one in starts_s if 0 < one < end_s)
    f1, precision, recall = border_f1(inside, bounds_s[1:-1])
    found = list(pairwise([0.0, *inside, end_s]))
    share = chapter_iou(found, list(pairwise(bounds_s)))
    return {"f1": f1, "precision": precision, "recall": recall, "tiou": share}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(
    way: str, told: Sequence[Mapping[str, float]], best: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    figures: dict[str, Any] = {"way": way, "talks": len(told)}
    for measure in told[0]:
        figures[measure] = float(np.mean([one[measure] for one in told]))
    less = bootstrap([one["f1"] - other["f1"] for one, other in zip(best, told, strict=True)])
    figures["behind"] = [less.value, less.low, less.high]
    return figures


def write(path: Path, talk: Talk) -> None:
    """Write a talk as one unbroken picture, with what is told as subtitles beside it."""
    import av

    path.parent.mkdir(exist_ok=True)
    [frame] = frames_at(SAMPLES / "clips" / "launch-18.mp4", [1.0])
    picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE_HZ, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        small = picture.reformat(WIDTH, HEIGHT, "yuv420p")
        for number in range(round(talk.bounds_s[-1] * RATE_HZ)):
            small.pts = number
            container.mux(stream.encode(small))
        container.mux(stream.encode(None))
    cues = (
        f"{number}\n{_clock(one.start_s)} --> {_clock(one.end_s)}\n{one.text}\n"
        for number, one in enumerate(talk.lines, 1)
    )
    path.with_suffix(".srt").write_text("\n".join(cues), encoding="utf-8")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"
