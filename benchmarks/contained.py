"""Are chapters found where a file's own chapters begin? `python -m benchmarks contained`.

The sample clips are joined to films, each with chapters in its container: calls, news, animals,
walks and flowers, and space, in an order drawn anew for each film, as are the clips of a chapter.
Cuts lie within chapters as between them, and speech, text on screen and pictures are real. The
file's chapters are the truth and are not looked at by what is judged against them.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.chapters import SAMPLES, judged, row
from q2e.media.probe import probe
from q2e.media.sound import RATE_HZ as SOUND_HZ
from q2e.media.sound import read_audio

CHAPTERS = {
    "calls": ("call-06.mp4", "llamada-07.mp4", "appel-08.mp4", "звонок-10.mp4"),
    "news": tuple(f"news-{number}.mp4" for number in range(11, 18)),
    "animals": ("reel-01.mp4", "reel-02.mp4", "reel-03.mp4"),
    "outdoors": ("footage-04.mp4", "wanderung-20.mp4", "花-21.mp4"),
    "space": ("launch-18.mp4", "portrait-19.mp4"),
}
FILMS = 6
WIDTH, HEIGHT, RATE_HZ = 640, 360, 10
WAYS = ("contained", "texttiling", "stitched", "even", "shots")


def run(keep: Path | None = None) -> dict[str, Any]:
    """Return, for each way, how well it cuts the films at their own chapters.

    Films and their index stay in `keep`, and are used again.
    """
    told: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        bounds = [write(folder / f"film-{n}.mp4", random.Random(n)) for n in range(1, FILMS + 1)]
        with q2e.open(folder / "films.q2e") as index:
            report = index.add(*sorted(folder.glob("*.mp4")))
            assert not report.failures, report.failures
            for number, bounds_s in enumerate(bounds, 1):
                film, count = f"film-{number}.mp4", len(bounds_s) - 1
                starts: dict[str, Sequence[float]] = {
                    "even": np.linspace(0, bounds_s[-1], count + 1)[:-1].tolist(),
                    "shots": [one.start_s for one in index.show(film).segments],
                }
                for way in WAYS:
                    if way not in starts:
                        starts[way] = [one.start_s for one in index.chapters(film, how=way)]
                    told[way].append(judged(starts[way], bounds_s))
    return {
        "rows": [row(way, told[way], told["texttiling"]) for way in WAYS],
        "chapters": sum(len(one) - 1 for one in bounds),
        "seconds": sum(one[-1] for one in bounds),
    }


def write(path: Path, drawn: random.Random) -> list[float]:
    """Write a film with its chapters inside, and return where they begin, and its end."""
    import av

    groups = list(CHAPTERS)
    drawn.shuffle(groups)
    clips = [drawn.sample(CHAPTERS[group], len(CHAPTERS[group])) for group in groups]
    lengths = [sum(_pictures(clip) for clip in several) / RATE_HZ for several in clips]
    bounds_s = [0.0, *np.cumsum(lengths).tolist()]
    titled = zip(pairwise(bounds_s), groups, strict=True)
    with av.open(str(path), "w") as container:
        seen = container.add_stream("libx264", rate=RATE_HZ, options={"preset": "veryfast"})
        seen.width, seen.height, seen.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        heard = container.add_stream("aac", rate=SOUND_HZ, layout="mono")
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(1000 * start_s),
                    "end": round(1000 * end_s),
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": group},
                }
                for number, ((start_s, end_s), group) in enumerate(titled, 1)
            ]
        )
        told = 0
        for clip in (one for several in clips for one in several):
            for frame in _at_rate(clip):
                frame.pts, frame.time_base = told, Fraction(1, RATE_HZ)
                told += 1
                container.mux(seen.encode(frame))
        sound = np.concatenate([_sound(clip) for several in clips for clip in several])
        samples = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        samples.sample_rate, samples.pts = SOUND_HZ, 0
        container.mux([*seen.encode(None), *heard.encode(samples), *heard.encode(None)])
    return bounds_s


def _pictures(clip: str) -> int:
    """Return how many pictures of a film a clip makes."""
    return int(probe(SAMPLES / "clips" / clip).duration_s * RATE_HZ)


def _at_rate(clip: str) -> Iterator[Any]:
    """Yield the pictures of a clip at the rate and in the size of a film."""
    import av

    with av.open(str(SAMPLES / "clips" / clip)) as source:
        frames = [one.reformat(WIDTH, HEIGHT, "yuv420p") for one in source.decode(video=0)]
    for number in range(_pictures(clip)):
        place = number * len(frames) // _pictures(clip)
        yield av.VideoFrame.from_ndarray(frames[place].to_ndarray(), format="yuv420p")


def _sound(clip: str) -> Any:
    """Return the sound of a clip, silence where it has none, as long as its pictures."""
    count = _pictures(clip) * SOUND_HZ // RATE_HZ
    own = read_audio(SAMPLES / "clips" / clip, 0.0, count / SOUND_HZ)
    samples = np.zeros(0, np.float32) if own is None else own.samples[:count]
    return np.pad(samples, (0, count - len(samples)))
