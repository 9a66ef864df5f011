"""`q2e serve` as people start it: from an empty folder to the first answer, and stopped again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command and yield the process and the lines it says until its address is out."""
    process = subprocess.Popen(
        [sys.executable, "-m", "q2e", "serve", *arguments], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = ""
    while "http://" not in said and (line := process.stderr.readline()):
        said += line
    try:
        yield process, said
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()


def test_from_an_empty_folder_to_an_answer(tmp_path: Path) -> None:
    from media_files import write_video

    write_video(tmp_path / "a.mp4", (1.0,), metadata={"title": "Uhrmacherei im Schwarzwald"})
    arguments = ("--index", str(tmp_path / "new"), "--port", "0")
    with started(*arguments) as (process, said):
        assert "holds no index yet" in said
        found = re.search(r"http://localhost:\d+", said)
        assert found and "token" not in said
        with httpx.Client(base_url=found[0], timeout=60) as client:
            early = client.get("/v1/search", params={"q": "Uhr"})
            assert (early.status_code, early.json()["error"]["code"]) == (503, "no_index")
            assert client.get("/v1/ready").json()["error"]["code"] == "not_ready"
            job = client.post("/v1/jobs", json={"paths": [str(tmp_path / "a.mp4")]}).json()
            until = time.monotonic() + 90
            while (
                client.get(f"/v1/jobs/{job['id']}").json()["state"] != "done"
                or client.get("/v1/ready").status_code != 200
            ):
                assert time.monotonic() < until
                time.sleep(0.3)
            hits = client.get("/v1/search", params={"q": "Uhr", "confidence": 0}).json()["hits"]
            assert hits[0]["path"].endswith("a.mp4")
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0


def test_other_addresses_get_a_token(tmp_path: Path) -> None:
    arguments = ("--index", str(tmp_path), "--host", "0.0.0.0", "--port", "0")
    with started(*arguments) as (_, said):
        found = re.search(r"http://[^:]+:(\d+)/\?token=(\S+)", said)
        assert found and len(found[2]) >= 32
        address = f"http://127.0.0.1:{found[1]}"
        assert httpx.get(f"{address}/v1/status").status_code == 401
        right = {"authorization": f"Bearer {found[2]}"}
        # Nothing may be indexed where no folder was named.
        got = httpx.post(f"{address}/v1/jobs", json={"paths": [str(tmp_path)]}, headers=right)
        assert got.json()["error"]["code"] == "unsafe_path"


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "q2e", "serve", "--index", str(tmp_path), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_help_teaches(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "q2e", command, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "--index" in done.stdout


def test_each_search_computes_in_its_own_thread(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
seen = []
class Watch:
    def find_spec(self, name, *rest):
        if name == "numpy":
            seen.append(os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Watch())
from q2e.errors import ConfigError
from q2e.server.run import run
try:
    run(Path(sys.argv[1]), host="no address", port=0, token="t", folders=[], workers=2,
        open_page=False, say=lambda line: None)
except ConfigError:
    print(seen)
"""
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['1']"
