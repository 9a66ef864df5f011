"""`q2e serve` as people start it: from an empty folder to the first answer, and stopped again."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from q2e.errors import ConfigError
from q2e.server.run import Place, run

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def started(
    *arguments: str, cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command and yield the process and the lines it says until its address is out."""
    process = subprocess.Popen(
        [sys.executable, "-m", "q2e", "serve", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
    )
    assert process.stderr is not None
    said = ""
    while "://" not in said and (line := process.stderr.readline()):
        said += line
    try:
        yield process, said
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()


LINK = re.compile(r"(https?)://([^:/\s]+):(\d+)(/[\w/]*)/?\?token=(\S+)")


def test_from_an_empty_folder_to_an_answer(tmp_path: Path) -> None:
    from media_files import write_video

    write_video(tmp_path / "a.mp4", (1.0,), metadata={"title": "Uhrmacherei im Schwarzwald"})
    arguments = ("--index", str(tmp_path / "secret folder"), "--port", "0")
    with started(*arguments) as (process, said):
        assert "holds no index yet" in said
        found = LINK.search(said)
        assert found and found[2] == "localhost" and len(found[5]) >= 32
        address = f"http://localhost:{found[3]}"
        # Who has not read it is let in nowhere, and told of no folder.
        for path in ("/", "/v1/status", "/v1/jobs", "/v1/openapi.json"):
            assert httpx.get(address + path).status_code == 401
        early = httpx.get(f"{address}/v1/ready")
        assert early.json()["error"]["code"] == "not_ready" and "secret" not in early.text
        right = {"authorization": f"Bearer {found[5]}"}
        with httpx.Client(base_url=address, timeout=60, headers=right) as client:
            refused = client.get("/v1/search", params={"q": "Uhr"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "no_index")
            assert "secret" not in client.get("/v1/ready").text
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


def test_without_a_token_for_those_who_want_it(tmp_path: Path) -> None:
    with started("--index", str(tmp_path), "--no-token", "--port", "0") as (_, said):
        found = re.search(r"http://localhost:\d+/ ", said)
        assert found and "?token" not in said
        assert httpx.get(f"{found[0].strip()}v1/jobs").json() == {"jobs": []}


def test_other_addresses_index_nothing_unless_a_folder_is_named(tmp_path: Path) -> None:
    arguments = ("--index", str(tmp_path), "--host", "0.0.0.0", "--port", "0")
    with started(*arguments) as (_, said):
        found = LINK.search(said)
        assert found
        right = {"authorization": f"Bearer {found[5]}"}
        address = f"http://127.0.0.1:{found[3]}"
        got = httpx.post(f"{address}/v1/jobs", json={"paths": [str(tmp_path)]}, headers=right)
        assert got.json()["error"]["code"] == "unsafe_path"


def test_over_https_as_documented(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    page = (ROOT / "docs" / "how-to" / "server.md").read_text()
    made, told = re.findall(r"^(openssl req .*?)^(q2e serve .*?--cert.*?)$", page, re.M | re.S)[0]
    subprocess.run(["sh", "-c", made], cwd=tmp_path, check=True, capture_output=True)
    options = shlex.split(told.replace("\\\n", " "))[2:]
    options = [*options, "--index", str(tmp_path / "index"), "--port", "0"]
    with started(*options, cwd=tmp_path) as (_, said):
        found = LINK.search(said)
        assert found and found[1] == "https"
        trusted = ssl.create_default_context(cafile=str(tmp_path / "q2e.crt"))
        with httpx.Client(verify=trusted, base_url=f"https://localhost:{found[3]}") as client:
            welcome = client.get("/", params={"token": found[5]})
            assert "secure" in welcome.headers["set-cookie"].lower()
            assert client.get("/v1/session").json()["name"] == "start"


def test_the_browser_is_led_by_a_file_that_only_its_user_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "browser"
    script.write_text(
        f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/asked.part\n'
        f"mv {tmp_path}/asked.part {tmp_path}/asked\nsleep 5\n"
    )
    script.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    with started("--index", str(tmp_path / "i"), "--open", "--port", "0") as (process, said):
        found = LINK.search(said)
        until = time.monotonic() + 30
        while not (tmp_path / "asked").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        asked = (tmp_path / "asked").read_text()
        assert found and asked.startswith("file:///") and found[5] not in asked
        file = Path(asked.removeprefix("file://"))
        assert found[0] in file.read_text()
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert not file.exists()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Place(token=""), "easily guessed; give at least 16"),
        (Place(token="short"), "easily guessed"),
        (Place(token="x" * 30, open_to_all=True), "--no-token does not go with --token"),
        (Place("0.0.0.0", open_to_all=True), "--no-token does not go with --host 0.0.0.0"),
        (Place(cert=Path("nonesuch.pem")), "needs both, --cert FILE and --key FILE"),
        (Place(cert=Path("nonesuch.pem"), key=Path("nonesuch.pem")), "No such file"),
        (Place(root_path="videos/"), "is no path"),
    ],
    ids=str,
)
def test_what_would_be_unsafe_is_refused(tmp_path: Path, place: Place, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        run(tmp_path, place, folders=[], workers=2, open_page=False, say=print)


def test_an_empty_token_is_refused_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "q2e", "serve", "--index", str(tmp_path), "--token", ""]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "easily guessed" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    def q2e_token(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "q2e", "token", *arguments, "--index", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    made = q2e_token("add", "laptop", "--scope", "label")
    assert made.returncode == 0 and len(made.stdout.strip()) >= 32
    listed = q2e_token("list").stdout
    assert listed.startswith("laptop\tlabel\t20") and made.stdout.strip() not in listed
    assert json.loads(q2e_token("list", "--json").stdout)[0]["name"] == "laptop"
    with started("--index", str(tmp_path), "--port", "0") as (_, said):
        found = LINK.search(said)
        assert found
        right = {"authorization": f"Bearer {made.stdout.strip()}"}
        address = f"http://127.0.0.1:{found[3]}/v1/session"
        assert httpx.get(address, headers=right).json()["scope"] == "label"
        assert q2e_token("revoke", "laptop").returncode == 0
        assert httpx.get(address, headers=right).status_code == 401
    assert q2e_token("revoke", "laptop").returncode == 2


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


@pytest.mark.parametrize(
    "asks",
    [
        "from q2e.server.run import Place, run\n"
        "run(Path(sys.argv[1]), Place('no address', 0), folders=[], workers=2, open_page=False, "
        "say=print)",
        "from q2e.cli import app\n"
        "app(['search', 'a dog', '--index', sys.argv[1]], standalone_mode=False)",
        "from q2e.cli import app\n"
        "app(['moments', 'a dog', '--index', sys.argv[1]], standalone_mode=False)",
    ],
    ids=["serve", "search", "moments"],
)
def test_each_search_computes_in_its_own_thread(tmp_path: Path, asks: str) -> None:
    code = """
import os, sys
from pathlib import Path
seen = []
class Watch:
    def find_spec(self, name, *rest):
        if name == "numpy":
            seen.append(os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Watch())
from q2e.errors import Q2EError
try:
    exec(sys.argv[2])
except Q2EError:
    import numpy
    print(seen)
"""
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", code, str(tmp_path), asks]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['1']"
