"""What it costs to decode in a process of its own: each door beside the function behind it.

Processor time is that of all processes together; it is steadier than waiting time on a machine
that does other things meanwhile, and what a busy machine pays.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from q2e.decoding import doors
from q2e.decoding.pool import pool
from q2e.media import frames, probe, scan, sound, storyboard

CLIP = Path(__file__).resolve().parent.parent / "samples" / "clips" / "news-11.mp4"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def run(rounds: int = 15) -> dict[str, Any]:
    """Return milliseconds with and without the door, and what shuts the processes in."""
    began = time.perf_counter()
    shut_in_by = str(pool().shut_in_by())
    start_s = time.perf_counter() - began
    length_s = probe.probe(CLIP).duration_s
    times_s = scan.uniform_times(length_s)
    wide = scan.uniform_times(length_s, 48)
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "a file's facts": (lambda: probe.probe(CLIP), lambda: doors.probe(CLIP)),
        "one frame": (
            lambda: frames.frames_at(CLIP, [2.0]),
            lambda: doors.frames_at(CLIP, [2.0]),
        ),
        "48 frames": (lambda: frames.frames_at(CLIP, wide), lambda: doors.frames_at(CLIP, wide)),
        "a sheet of 12 pictures": (
            lambda: storyboard.storyboard(CLIP, wide[::4]),
            lambda: doors.storyboard(CLIP, wide[::4]),
        ),
        "the sound": (
            lambda: sound.read_audio(CLIP, 0.0, length_s),
            lambda: doors.read_audio(CLIP, 0.0, length_s),
        ),
        "its shots with frames": (
            lambda: list(scan.scan(CLIP, 0.0, length_s, times_s=times_s)),
            lambda: list(doors.scan(CLIP, 0.0, length_s, times_s=times_s)),
        ),
    }
    rows = []
    for name, (without, with_door) in pairs.items():
        row: dict[str, Any] = {"what": name}
        for kind, work in (("here", without), ("door", with_door)):
            work()
            wall, cpu = zip(*(_timed(work) for _ in range(rounds)), strict=True)
            row |= {f"{kind}_wall_ms": _ms(median(wall)), f"{kind}_cpu_ms": _ms(sum(cpu) / rounds)}
        rows.append(row)
    return {
        "clip_s": round(length_s, 1),
        "rounds": rounds,
        "shut_in_by": shut_in_by,
        "start_s": round(start_s, 2),
        "doors": rows,
    }


def _timed(work: Callable[[], Any]) -> tuple[float, float]:
    before_s, began = _cpu_s(), time.perf_counter()
    work()
    wall_s = time.perf_counter() - began
    time.sleep(0.02)  # until the origin has counted the process that ended
    return wall_s, _cpu_s() - before_s


def _cpu_s() -> float:
    """Return the processor time of this process, the origin and the processes made of it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    origin = pool()._origin
    assert origin is not None
    fields = Path(f"/proc/{origin.pid}/stat").read_text().rpartition(")")[2].split()
    return used.ru_utime + used.ru_stime + sum(map(int, fields[11:15])) * _TICK_S


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
