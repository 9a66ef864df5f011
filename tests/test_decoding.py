"""Decoding happens in processes of its own that can do nothing else; each attack is tried there."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_files import write_video
from q2e import stopping
from q2e.decoding import doors
from q2e.decoding import pool as pools
from q2e.decoding.confine import PACKAGES, kernel_has, programs
from q2e.decoding.pool import Allowance, Pool
from q2e.errors import MediaError
from q2e.media import frames, scan, sound

#: What code does that has taken a decoder over.
HOSTILE = """
import ctypes, os, resource, signal, socket, subprocess, threading, time
from pathlib import Path

def listing(path): return tuple(os.listdir(path))
def reading(path): return len(Path(path).read_bytes())
def writing(path): return Path(path).write_bytes(b"x")
def deleting(path): os.unlink(path)
def connecting(port): socket.create_connection(("127.0.0.1", port), 1)
def speaking(path): socket.socket(socket.AF_UNIX).connect(path)
def running(program): subprocess.run([program])
def executing(program): os.execv(program, [program])
def forking(): os.fork()
def killing(process): os.kill(process, signal.SIGTERM)
def raising(): resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))
def tracing(process):
    if ctypes.CDLL(None, use_errno=True).ptrace(16, process, 0, 0) < 0:
        raise PermissionError(ctypes.get_errno(), "ptrace")
def hanging(): time.sleep(600)
def spinning():
    while True: pass
def crashing(): ctypes.string_at(0)
def filling(): return len(bytearray(64 << 30))
def drawing(path, times_s, max_side): return "no picture"
def ending(): os._exit(0)
def babbling():
    for descriptor in range(3, 64):
        try: os.write(descriptor, bytes((0, 0, 0, 2)) + bytes(8) + b"[]" * 20)
        except OSError: pass
def counting(n): yield from range(n)
"""
#: How Python tells that the kernel refuses something.
_REFUSED = r"PermissionError|not allowed to raise"
SHORT = Allowance(wall_s=20.0)
needs_filters = pytest.mark.skipif(
    not (kernel_has().landlock and kernel_has().seccomp),
    reason=f"needs landlock and seccomp; this kernel has {kernel_has()}",
)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Processes that know a module `hostile` besides those of `q2e.media`."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.py").write_text(HOSTILE)
    (folder / "sitecustomize.py").write_text(
        f"import q2e.media\nq2e.media.__path__.append({str(folder)!r})\n"
    )
    made = Pool()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        made.shut_in_by()
    yield made
    made.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("media") / "añ.mp4", (2.0, 2.0), tone_s=4.0)


# -- the same as without ---------------------------------------------------------------------------
def test_what_comes_out_is_the_same(video: Path, tmp_path: Path) -> None:
    ours, theirs = doors.frames_at(video, [0.5, 3.0]), frames.frames_at(video, [0.5, 3.0])
    assert [one.time_s for one in ours] == [0.5, 3.0]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(ours, theirs, strict=True))
    heard, really = doors.read_audio(video, 1.0, 2.0), sound.read_audio(video, 1.0, 2.0)
    assert heard is not None and really is not None
    assert np.array_equal(heard.samples, really.samples) and heard.start_s == 1.0
    times_s = scan.uniform_times(4.0, 4)
    ours_shots = list(doors.scan(video, 0, 4, times_s=times_s))
    shots = list(zip(ours_shots, scan.scan(video, 0, 4, times_s=times_s), strict=True))
    assert len(shots) == 2
    for one, other in shots:
        assert one.segment == other.segment and one.segment.movement == other.segment.movement
        pairs = zip(one.frames, other.frames, strict=True)
        assert all(np.array_equal(a.image, b.image) for a, b in pairs)
    assert doors.probe(video).path == str(video)
    out = tmp_path / "made" / "clip.mp4"
    assert doors.cut(video, 1, 3, out, exact=True).end_s == pytest.approx(3.0, abs=0.1)
    assert doors.probe(out).duration_s == pytest.approx(2.0, abs=0.1)
    assert list(out.parent.iterdir()) == [out]
    assert doors.filmstrip(video, [1.0, 2.0])[:3] == b"\xff\xd8\xff"


def test_errors_are_told_as_without(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    for name, told in (("notes.mp4", "not a video"), ("nonesuch.mp4", "does not exist")):
        with pytest.raises(MediaError, match=f"{name}: {told}"):
            doors.probe(tmp_path / name)
    with pytest.raises(MediaError, match="not a video"):
        doors.frames_at(tmp_path / "notes.mp4", [1.0])


# -- what a decoder that was taken over can do -----------------------------------------------------
@needs_filters
def test_nothing_can_be_reached(pool: Pool, tmp_path: Path) -> None:
    secret, given = tmp_path / "secret", tmp_path / "given"
    secret.write_text("password")
    given.write_text("media")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho run > {tmp_path}/run\n")
    program.chmod(0o700)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with socket.socket() as listener, socket.socket(socket.AF_UNIX) as local:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        local.bind(str(tmp_path / "local"))
        local.listen()
        attacks: dict[str, tuple[Any, ...]] = {
            "listing": (str(tmp_path),),
            "reading": (str(secret),),
            "writing": (str(given),),
            "deleting": (str(given),),
            "connecting": (listener.getsockname()[1],),
            "speaking": (str(tmp_path / "local"),),
            "running": (str(program),),
            "executing": (str(program),),
            "forking": (),
            "killing": (other.pid,),
            "raising": (),
            "tracing": (other.pid,),
        }
        try:
            assert pool.call("hostile.reading", str(given), reads=[str(given)]) == 5
            for attack, arguments in attacks.items():
                with pytest.raises(MediaError, match=_REFUSED):
                    pool.call(f"hostile.{attack}", *arguments, reads=[str(given)])
            assert other.poll() is None
            for one in (listener, local):
                one.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    one.accept()
        finally:
            other.kill()
            other.wait()
    assert given.read_text() == "media"
    assert not (tmp_path / "run").exists()


def test_secrets_of_the_environment_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q2E_TOKEN", "zwiebelfisch")
    monkeypatch.setenv("OPENAI_API_KEY", "zwiebelfisch")
    made = Pool()
    try:
        made.shut_in_by()
        assert made._origin is not None
        seen = Path(f"/proc/{made._origin.pid}/environ").read_text()
        assert "PATH=" in seen and "zwiebelfisch" not in seen
    finally:
        made.close()


@needs_filters
def test_a_folder_that_is_given_is_the_only_one_written_to(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    folder = str(tmp_path / "given")
    pool.call("hostile.writing", f"{folder}/new", reads=[], folder=folder)
    for place in (f"{tmp_path}/new", f"{folder}/../new"):
        with pytest.raises(MediaError, match="PermissionError"):
            pool.call("hostile.writing", place, reads=[], folder=folder)
    (tmp_path / "secret").write_text("password")
    with pytest.raises(MediaError, match="PermissionError"):
        pool.call("hostile.reading", f"{tmp_path}/secret", reads=[], folder=folder)


@pytest.mark.parametrize(
    ("attack", "allowance", "told"),
    [
        ("hanging", Allowance(wall_s=0.5), "not decoded within 0.5 s"),
        ("spinning", Allowance(wall_s=20.0, cpu_s=1), "more than 1 s of computing|want of"),
        ("crashing", SHORT, "decoder crashed"),
        ("filling", SHORT, "too much memory"),
        ("babbling", SHORT, "ended without an answer"),
        ("ending", SHORT, "ended without an answer"),
    ],
)
def test_what_takes_too_much_ends_alone(
    pool: Pool, attack: str, allowance: Allowance, told: str
) -> None:
    beside = pool.each("hostile.counting", 3, reads=[])
    assert next(beside) == 0
    with pytest.raises(MediaError, match=f"bad.mp4: .*({told})"):
        pool.call(f"hostile.{attack}", reads=["/nonesuch/bad.mp4"], allowance=allowance)
    assert list(beside) == [1, 2]


def test_answers_are_believed_only_in_form(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Taken(Pool):
        def call(self, function: str, *arguments: object, **named: Any) -> Any:
            return pool.call("hostile.drawing", *arguments, reads=[])

    monkeypatch.setattr(pools, "_pool", Taken())
    with pytest.raises(MediaError, match="gave a str and no list"):
        doors.frames_at(tmp_path / "a.mp4", [1.0])


def test_what_nobody_waits_for_is_killed(pool: Pool) -> None:
    gone = threading.Event()
    threading.Timer(0.3, gone.set).start()
    began = time.monotonic()
    with stopping.stoppable(gone.is_set), pytest.raises(stopping.Stopped):
        pool.call("hostile.hanging", reads=[])
    assert time.monotonic() - began < 5
    unfinished = pool.each("hostile.counting", 10**9, reads=[])
    assert next(unfinished) == 0
    unfinished.close()
    until = time.monotonic() + 10
    while _children(pool):
        assert time.monotonic() < until, "a process goes on though nobody waits"
        time.sleep(0.05)


def test_all_end_with_the_one_that_asked(tmp_path: Path) -> None:
    code = (
        "from q2e.decoding.pool import pool\n"
        "pool().shut_in_by(); print(pool()._origin.pid, flush=True)\n"
        "import time; time.sleep(60)"
    )
    asker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert asker.stdout is not None
    origin = int(asker.stdout.readline())
    os.kill(asker.pid, signal.SIGKILL)
    asker.wait()
    asker.stdout.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{origin}/cmdline").exists() and "origin" in _command(origin):
        assert time.monotonic() < until, "the process stays"
        time.sleep(0.05)


def test_a_dead_origin_is_replaced(video: Path) -> None:
    made = Pool()
    try:
        made.shut_in_by()
        assert made._origin is not None
        made._origin.kill()
        made._origin.wait()
        found = made.call("probe.probe", str(video), reads=[str(video)])
        assert found.duration_s == pytest.approx(4.0, abs=0.1)
    finally:
        made.close()


def test_no_module_of_the_folder_one_stands_in_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("av", "numpy", "cv2", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    made = Pool()
    made.shut_in_by()
    made.close()
    assert not (tmp_path / "ran").exists()


def _children(pool: Pool) -> list[str]:
    assert pool._origin is not None
    origin = pool._origin.pid
    return Path(f"/proc/{origin}/task/{origin}/children").read_text().split()


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def test_packages_can_be_read_wherever_they_were_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with `pip install --user`, or a folder of PYTHONPATH.
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))
    readable = [Path(one) for one in programs.__wrapped__()]
    for name in PACKAGES:
        file = importlib.import_module(name).__file__
        assert any(Path(file or "").is_relative_to(one) for one in readable), name


def test_no_part_of_the_decoder_is_left_to_be_loaded_late() -> None:
    script = (
        "import importlib, pkgutil, sys\n"
        "from q2e.decoding.origin import _LOADED\n"
        "for name in _LOADED: importlib.import_module(name)\n"
        "import av\n"
        "every = {one.name for one in pkgutil.walk_packages(av.__path__, 'av.')}\n"
        "print(*sorted(every - set(sys.modules) - {'av.__main__', 'av.datasets'}))"
    )
    late = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert late.stdout.split() == []
