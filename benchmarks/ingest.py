"""How fast and in how much memory a 720p video with speech is indexed, stage by stage.

The video is made of the sample clips: their pictures enlarged to 1280 x 720 and cut every few
seconds, their voices one after the other with short pauses. Reported is the speed of the reading
process once its models are loaded, as users with more than a few minutes of video see it.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.ingest.messages import Failed, Finished, Job, PartRead
from q2e.ingest.reader import Reader
from q2e.media.identity import content_id
from q2e.media.probe import probe
from q2e.media.sound import read_audio
from q2e.settings import Settings
from q2e.store.base import Store
from q2e.store.sqlite import SqliteStore

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "clips"
RATE_HZ, SHOT_S, PAUSE_S = 25, 5.0, 0.7


def run(minutes: float) -> dict[str, Any]:
    """Return speed, the share of each stage, and peak memory for a video of `minutes`."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "made.mp4"
        make_video(video, minutes * 60)
        return measure(video, Path(folder))


def measure(path: Path, folder: Path) -> dict[str, Any]:
    """Read one file into a fresh index and say what it took."""
    SqliteStore(folder / "index.sqlite").close()
    store: Store = SqliteStore(folder / "index.sqlite", read_only=True)
    reader = Reader(Settings(), store)
    for _ in reader.read(Job(SAMPLES / "news-17.mp4", "warm")):
        pass
    seconds: dict[str, float] = {}
    evidence: dict[str, int] = {}
    failures = []
    began, cpu = time.perf_counter(), time.process_time()
    for message in reader.read(Job(path, content_id(path))):
        match message:
            case Finished(spent):
                seconds = spent
            case PartRead(key, _, items):
                evidence[key.stage] = evidence.get(key.stage, 0) + len(items)
            case Failed(reason, stage):
                failures.append(f"{stage}: {reason}")
    wall_s = time.perf_counter() - began
    duration_s = probe(path).duration_s
    total = sum(seconds.values())
    return {
        "video_s": round(duration_s, 1),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "times_real_time": round(duration_s / wall_s, 2),
        "share": {name: round(spent / total, 3) for name, spent in sorted(seconds.items())},
        "stage_s": {name: round(spent, 1) for name, spent in sorted(seconds.items())},
        "evidence": evidence,
        "failures": failures,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def make_video(path: Path, duration_s: float) -> None:
    """Write an H.264 file of 1280 x 720 with AAC sound, out of the sample clips."""
    pictures, voice = _pictures(), _voice(duration_s)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE_HZ)
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "28"}
        audio = out.add_stream("aac", rate=16_000, layout="mono")
        for number in range(int(duration_s * RATE_HZ)):
            image = pictures[int(number / RATE_HZ / SHOT_S) % len(pictures)]
            # A slow pan, so that pictures change as footage does.
            shift = int(number % int(SHOT_S * RATE_HZ))
            frame = av.VideoFrame.from_ndarray(image[:, shift : shift + 1280], format="rgb24")
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for start in range(0, len(voice), 1024):
            piece = np.ascontiguousarray(voice[None, start : start + 1024])
            sound = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 16_000, start
            sound.time_base = Fraction(1, 16_000)
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))


def _pictures() -> list[UInt8]:
    """Return one picture of each clip, 720 high and wider than the pan needs."""
    found = []
    width = 1280 + int(SHOT_S * RATE_HZ)
    for clip in sorted(SAMPLES.glob("*.mp4")):
        with av.open(str(clip)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number == 40:
                    found.append(frame.reformat(width, 720, "rgb24").to_ndarray())
                    break
    return found


def _voice(duration_s: float) -> Float32:
    """Return speech of the clips, one after the other, as 16 kHz samples."""

    def pieces() -> Iterator[Float32]:
        pause = np.zeros(int(PAUSE_S * 16_000), dtype=np.float32)
        for clip in sorted(SAMPLES.iterdir()):
            if clip.name.startswith(("appel", "call", "chiamata", "llamada", "звонок")):
                audio = read_audio(clip, 0.0, 60.0)
                if audio is not None:
                    yield audio.samples
                    yield pause

    once = np.concatenate(list(pieces()))
    wanted = int(duration_s * 16_000)
    return np.tile(once, wanted // len(once) + 1)[:wanted]
