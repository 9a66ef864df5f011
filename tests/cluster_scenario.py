"""A cluster of two nodes on this machine that loses its driver, a worker and a node.

Run in a network of its own, since Ray binds every address: see `test_scale_ray.py`.

    python cluster_scenario.py FOLDER SAMPLES
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import object_storage
import q2e
import sound_model
from q2e.decoding.doors import join
from q2e.files.base import place
from q2e.media.clip import Piece

CHANNELS = ("frame", "speech", "screen_text", "metadata", "caption")
CLIPS = ("launch-18.mp4", "news-17.mp4", "call-06.mp4")
READ = [word for one in CHANNELS for word in ("--channel", one)]
READ += ["--threads", "1", "--set", "part_s=30"]
CLIENT_PORT = 10001
#: As patient as a busy machine needs, and told to nobody.
QUIET = {
    "RAY_agent_register_timeout_ms": "600000",
    # A client server starts a process for each client, which takes more than Ray's 30 s there.
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "600",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OMP_NUM_THREADS": "1",
}


def main() -> None:
    folder, samples = map(Path, sys.argv[1:])
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert len(links.splitlines()) == 1 and ": lo:" in links, links
    media = folder / "media"
    media.mkdir()
    for name in CLIPS:
        (media / name).write_bytes((samples / "clips" / name).read_bytes())
    one = samples / "clips" / "llamada-07.mp4"
    join([Piece(str(one), 0.0, 60.0)] * 3, media / "лонг 长.mp4")
    with object_storage.serving(folder / "s3") as variables:
        os.environ.update(variables | QUIET)
        for bucket in ("videos", "staging"):
            object_storage.wait_until_writable(bucket, variables)
        for file in media.iterdir():
            files, key = place(f"s3://videos/m/{file.name}")
            assert files.put_if_absent(key, file.read_bytes())
        _losses(folder, media)


def _losses(folder: Path, media: Path) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    _, node = _node(cluster), _node(cluster)
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    print(
        "listening on",
        sorted({line.split()[3].rpartition(":")[0] for line in listening.splitlines()}),
    )
    executor = f'ray(address="{cluster.address}", staging="s3://staging/a")'
    command = ["index", "s3://videos/m", "--index", str(folder / "there"), *READ]
    command += ["--executor", executor]
    try:
        print("1. the driver is killed")
        driver = _start(command)
        _until(lambda: len(_staged()) >= 3 or driver.poll() is not None)
        assert driver.poll() is None, _said(driver)
        driver.kill()
        driver.wait()
        before = _staged()
        print("2. a worker is killed, then a node")
        driver = _start(command)
        _until(lambda: bool(_workers("q2e.ingest.worker")) or driver.poll() is not None)
        _until(lambda: len(_staged()) > len(before) or driver.poll() is not None)
        os.kill(_workers("ray::Worker")[0], signal.SIGKILL)
        count = len(_staged())
        _until(lambda: len(_staged()) > count or driver.poll() is not None)
        alive = driver.poll() is None
        cluster.remove_node(node, allow_graceful=False)
        print("   under way when the node ended:", alive)
        said = _said(driver)
        print(said)
        assert driver.returncode == 0, said
        # What each machine read, and how fast.
        assert re.search(r"127\.0\.0\.1 \(.*\): \d+ tasks?, .* of video, .* times as fast", said)
        assert before.items() <= _staged().items()
        print("3. the index is the local one")
        _run(["index", str(media), "--index", str(folder / "local"), *READ])
        local, there = _content(folder / "local"), _content(folder / "there")
        assert local.keys() == there.keys()
        for what in local:
            assert local[what] == there[what], what
        again = _run(command)
        assert "0 indexed, 4 unchanged" in again, again
        print("4. another version, model or setting is refused")
        _refusals(folder, command)
        print("5. a file that kills its reader is a row")
        files, key = place("s3://videos/k/killer.mp4")
        # Content of its own: of the others everything is staged, and nothing would be read.
        files.put_if_absent(key, (media / CLIPS[2]).read_bytes() + bytes(9))
        with _killing():
            done = subprocess.run(
                _words(["index", "s3://videos/k", *command[2:]]), capture_output=True, text=True
            )
        print(done.stderr)
        assert done.returncode == 1 and "(3 times)" in done.stderr, done.stderr
        with q2e.open(folder / "there") as index:
            (failure,) = index.status().failures
            assert failure.path == "s3://videos/k/killer.mp4"
            assert len(index.videos()) == 4
        print("6. Ray's own client reaches the cluster from outside")
        with _client_server(cluster.address):
            outside = f'ray(address="ray://127.0.0.1:{CLIENT_PORT}", staging="s3://staging/a")'
            words = ["index", f"s3://videos/m/{CLIPS[0]}", "--index", str(folder / "outside")]
            said = _run([*words, *READ, "--executor", outside])
        assert "1 indexed" in said, said
        outside_too = _content(folder / "outside")
        for what in (one for one in there if one.startswith(CLIPS[0])):
            assert outside_too[what] == there[what], what
        print("all is well")
    finally:
        cluster.shutdown()


def _node(cluster: Any) -> Any:
    """Add a node of one processor; Ray gives up after 30 s, which a busy machine exceeds."""
    for _ in range(4):
        with contextlib.suppress(Exception):  # Ray raises no other
            return cluster.add_node(num_cpus=1)
    return cluster.add_node(num_cpus=1)


def _refusals(folder: Path, command: list[str]) -> None:
    """Have workers of another kind refused: by version, by a model's file, by a setting."""
    model = sound_model.write_model(folder / "sound.onnx")
    other = sound_model.write_model(folder / "other.onnx", rank=2)
    heard = ["--channel", "sound", "--set", f"sound_model=file:{model}"]
    cluster = "import q2e.ingest.cluster as here; "
    cases = {
        "version of q2e (": "import q2e.about; q2e.about.__version__ = '9.9'",
        # The file of that name is another one where workers are.
        "sound model (": f"{cluster}kept = here.OnRay._connect; import shutil; here.OnRay._connect "
        f"= lambda self: (shutil.copy({str(other)!r}, {str(model)!r}), kept(self))",
        "setting, or model of a channel (": f"{cluster}kept = here._reading; here._reading "
        "= lambda settings: kept(settings) | {'frames_per_video': 7}",
    }
    for told, change in cases.items():
        words = [*command[:3], str(folder / "refused"), *command[4:], *heard]
        code = f"import sys; {change}; from q2e.cli import main; sys.argv[1:] = {words!r}; main()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        print(told, done.stderr)
        assert done.returncode and "all workers were refused" in done.stderr, done.stderr
        assert f"has another {told}" in done.stderr, done.stderr


@contextlib.contextmanager
def _client_server(address: str) -> Any:
    """Serve Ray's client on the loopback alone."""
    words = [sys.executable, "-m", "ray.util.client.server", "--address", address]
    words += ["--host", "127.0.0.1", "--port", str(CLIENT_PORT), "--mode", "proxy"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: server.poll() is not None or _answers(CLIENT_PORT))
        assert server.poll() is None
        yield
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _words(command: list[str]) -> list[str]:
    return [sys.executable, "-m", "q2e", *command]


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _words(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _said(driver: subprocess.Popen[str]) -> str:
    return driver.communicate(timeout=1_200)[0]


def _run(command: list[str]) -> str:
    done = subprocess.run(_words(command), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def _until(reached: Callable[[], bool]) -> None:
    while not reached():
        time.sleep(0.3)


def _staged() -> dict[str, str]:
    files, key = place("s3://staging/a")
    return {name: facts.version for name, facts in files.listed(key)}


def _workers(named: str) -> list[int]:
    """Return the processes whose command line holds a name, but for those of the driver."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            above = (Path("/proc") / str(parent) / "cmdline").read_bytes()
            if named in words and (named.startswith("ray::") or above.startswith(b"ray::")):
                found.append(pid)
    return found


@contextlib.contextmanager
def _killing() -> Any:
    """Kill each reading process that has begun with the file, as a decoder's fault would."""
    ended = threading.Event()

    def kill() -> None:
        while not ended.wait(0.2):
            for pid in _workers("q2e.ingest.worker"):
                with contextlib.suppress(ProcessLookupError):
                    if _reads(pid):
                        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _reads(pid: int) -> bool:
    """Return whether the decoder of a reading process has been asked for anything yet."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            words = (entry / "cmdline").read_bytes()
            if int(fields[1]) == pid and b"q2e.decoding" in words:
                children = (entry / "task" / entry.name / "children").read_text()
                return bool(children.strip())
    return False


def _content(directory: Path) -> dict[str, object]:
    """Return all that an index holds, vectors to the bit, but for where the videos lie."""
    found: dict[str, object] = {}
    with q2e.open(directory) as index:
        store = index.store
        for video in index.videos():
            name = video.path.rpartition("/")[2]
            found[f"{name}: work"] = dict(store.done(video.id))
            found[f"{name}: segments"] = store.segments(video.id)
            found[f"{name}: evidence"] = [
                (*(getattr(one, field) for field in ("channel", "start_s", "end_s", "text")),
                 *(getattr(one, field) for field in ("language", "origin", "frame_s", "tags")))
                for one in store.evidence_of(video.id)
            ]  # fmt: skip
        for space in store.spaces():
            found[space] = sorted(row.tobytes() for row in store.vectors(space)[1])
    return found


if __name__ == "__main__":
    main()
