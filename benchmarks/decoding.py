"""What it costs to decode in a process of its own: each door beside the function behind it.

Processor time is that of all processes together; it is steadier than waiting time on a machine
that does other things meanwhile, and what a busy machine pays.
"""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from q2e.decoding import doors
from q2e.decoding.messages import WIRE, Answer
from q2e.decoding.pool import pool
from q2e.media import frames, probe, scan, sound, storyboard
from q2e.types import Frame

CLIP = Path(__file__).resolve().parent.parent / "samples" / "clips" / "news-11.mp4"
_SIZES = ((448, 336), (640, 360), (1280, 720))
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
        "frame_way_cpu_ms": {f"{w}x{h}": _frame_way_ms(w, h) for w, h in _SIZES},
        "longest_question_cpu_ms": longest_question_ms(),
    }


def _frame_way_ms(width: int, height: int, frames: int = 40) -> float:
    """Return the processor time for the way of a frame through a socket: both ends, both copies."""
    frame = Frame(1.0, np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rb") as stream:

        def send() -> None:
            for _ in range(frames):
                for piece in WIRE.pack(Answer(frame)):
                    ours.sendall(piece)

        spent = []
        for _ in range(7):
            sender = threading.Thread(target=send)
            began = time.process_time()
            sender.start()
            for _ in range(frames):
                WIRE.unpack(stream.read)
            sender.join()
            spent.append((time.process_time() - began) / frames)
    return round(median(spent) * 1000, 2)


def longest_question_ms(rounds: int = 5) -> float:
    """Return the processor time of the longest encoding of a question, which nothing can stop."""
    from q2e.models.registry import Models
    from q2e.settings import Settings

    encoder = Models(Settings()).text
    encoder.encode_queries(["warm"])
    spent = []
    for number in range(rounds):
        began = time.process_time()
        encoder.encode_queries([f"{number} {'猫' * 4000}"])
        spent.append(time.process_time() - began)
    return _ms(max(spent))


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
