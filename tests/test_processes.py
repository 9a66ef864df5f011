"""No process that the product starts runs what lies in the current folder, however it is called."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from media_files import write_video
from q2e.ingest.executors.local import Local
from q2e.ingest.messages import Failed, Job
from q2e.processes import (
    clean_environment,
    forget_current_folder,
    memory_bytes,
    program,
    python_module,
)
from q2e.settings import Settings

#: The command as it is installed; `python -m q2e` is the other way to start it.
COMMAND = Path(sys.executable).with_name("q2e")
PLANTED = ("av", "numpy", "sitecustomize", "usercustomize", "cv2", "onnxruntime", "typer", "httpx")


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A downloaded folder: a film, and files that leave a trace when anything runs them."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    write_video(folder / "film.mp4", (1.0,), metadata={"title": "Uhrmacherei"})
    for name in (*PLANTED, "q2e"):
        touch = f"import pathlib\npathlib.Path({str(tmp_path / name)!r}).touch()\n"
        (folder / f"{name}.py").write_text(f"{touch}raise SystemExit(9)")
    (folder / "tesseract").write_text(f"#!/bin/sh\ntouch '{tmp_path / 'tesseract'}'\n")
    (folder / "tesseract").chmod(0o755)
    return folder


def sprung(trap: Path) -> list[str]:
    return [name for name in (*PLANTED, "q2e", "tesseract") if (trap.parent / name).exists()]


def surroundings(**more: str) -> dict[str, str]:
    """Return an environment in which the current folder is wherever it may be."""
    paths = {"PATH": f".:{os.environ['PATH']}:"}
    return {**os.environ, **paths, **more}


@pytest.mark.parametrize("way", ["command", pytest.param("python -m", marks=pytest.mark.slow)])
def test_indexing_and_doctor(trap: Path, way: str) -> None:
    start = [str(COMMAND)] if way == "command" else [sys.executable, "-m", "q2e"]
    if way == "python -m":
        (trap / "q2e.py").unlink()  # which would itself be what is started
    index = str(trap.parent / "index")
    for arguments in (
        ["index", ".", "--index", index, "-c", "metadata", "-c", "screen_text", "--quiet"],
        ["clip", "film.mp4", "0", "0.5", "-o", str(trap.parent / "c.mp4")],
        ["doctor"],
    ):
        done = subprocess.run(
            [*start, *arguments],
            cwd=trap,
            env=surroundings(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert sprung(trap) == []


def test_children_of_a_library_in_a_strange_place(trap: Path) -> None:
    """Where the parent itself sees the folder, and its PYTHONPATH names it, its child does not."""
    (trap / "q2e.py").unlink()
    for name in PLANTED:
        (trap / f"{name}.py").rename(trap / f"{name}.later")
    code = (
        "import pathlib, q2e\n"
        "import q2e.index, av, numpy, httpx\n"
        "[p.rename(p.with_suffix('.py')) for p in pathlib.Path('.').glob('*.later')]\n"
        f"index = q2e.open({str(trap.parent / 'index')!r}, channels=('metadata',))\n"
        "report = index.add('film.mp4')\n"
        "assert report.ok and report.indexed, report"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=trap,
        env=surroundings(PYTHONPATH=":"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sprung(trap) == []


def test_the_server_its_uploads_and_its_jobs(trap: Path) -> None:
    pytest.importorskip("fastapi", reason="needs the extra `server`")
    index = str(trap.parent / "index")
    process = subprocess.Popen(
        [str(COMMAND), "serve", "--index", index, "--port", "0"],
        cwd=trap,
        env=surroundings(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        while "http://" not in said and (line := process.stderr.readline()):
            said += line
        found = re.search(r"(http://[^/\s]+)/(?:\S*token=([^\s&]+))?", said)
        assert found, said
        headers = {"authorization": f"Bearer {found[2]}"} if found[2] else {}
        with httpx.Client(base_url=found[1], headers=headers, timeout=60) as client:
            film = {"file": ("film.mp4", (trap / "film.mp4").read_bytes())}
            assert client.post("/v1/examples", files=film).json()["kind"] == "video"
            job = client.post("/v1/jobs", json={"paths": [str(trap)]}).json()
            state = "queued"
            while state in ("queued", "running"):
                answer = client.get(f"/v1/jobs/{job['id']}").json()
                state = answer["state"]
            assert state == "done", answer
            (video,) = client.get("/v1/videos").json()["videos"]
            for what in ("frame?t=0.5", "clip?start=0&end=0.5"):
                assert client.get(f"/v1/videos/{video['id']}/{what}").status_code == 200
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()
    assert sprung(trap) == []


def test_the_tools_for_assistants(trap: Path) -> None:
    mcp = pytest.importorskip("mcp", reason="needs the extra `mcp`")
    index = str(trap.parent / "index")
    command = [str(COMMAND), "index", ".", "--index", index, "-c", "metadata", "--quiet"]
    subprocess.run(command, cwd=trap, check=True, timeout=120)
    server = mcp.StdioServerParameters(
        command=str(COMMAND), args=["mcp", "--index", index], cwd=str(trap), env=surroundings()
    )

    async def main() -> None:
        async with mcp.Client(server, read_timeout_seconds=120) as client:
            given = {"video": "film.mp4", "start": 0, "end": 0.5}
            for name in ("show", "clip"):
                answer = await client.call_tool(name, given)
                assert not answer.is_error, answer.content

    asyncio.run(main())
    assert sprung(trap) == []


def test_reading_takes_no_more_memory_than_the_machine_has(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", (1.0,))
    local = Local(Settings(channels=("metadata",)), tmp_path / "index")
    try:
        local.start()
        assert local._process is not None
        about = Path(f"/proc/{local._process.pid}")
        (limit,) = re.findall(r"Max data size +(\d+)", (about / "limits").read_text())
        assert (
            int(limit) == memory_bytes() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        )
        (used_kb,) = re.findall(r"VmData:\s+(\d+)", (about / "status").read_text())
        most = int(used_kb) * 1024 + (1 << 20)
        resource.prlimit(local._process.pid, resource.RLIMIT_DATA, (most, most))
        *_, last = local.run(Job(film, "0" * 32))
        assert isinstance(last, Failed) and "needs more memory than the" in last.reason
    finally:
        local.close()
    failed = Failed.by(RuntimeError("std::bad_alloc"), "frame")
    assert (failed.stage, failed.reason) == ("frame", last.reason)


def test_the_environment_of_a_child(monkeypatch: pytest.MonkeyPatch, trap: Path) -> None:
    monkeypatch.chdir(trap)
    monkeypatch.setenv("PATH", ":.:bin:/usr/bin:")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib:")
    monkeypatch.setenv("PYTHONSTARTUP", "x.py")
    monkeypatch.setenv("Q2E_API_KEY", "k")
    found = clean_environment(OMP_THREAD_LIMIT="1")
    assert (found["PATH"], found["LD_LIBRARY_PATH"]) == ("/usr/bin", "/opt/lib")
    assert not {"PYTHONPATH", "PYTHONSTARTUP"} & found.keys()
    assert (found["Q2E_API_KEY"], found["OMP_THREAD_LIMIT"]) == ("k", "1")
    assert python_module("a.b", "c")[1:] == ["-P", "-m", "a.b", "c"]
    monkeypatch.setattr(sys, "path", [str(trap), *sys.path])
    forget_current_folder()
    assert os.environ["PATH"] == "/usr/bin" and str(trap) not in sys.path
    monkeypatch.setenv("PATH", f".:{Path('/bin/sh').parent}")
    assert program("tesseract") != str(trap / "tesseract")
    assert program("sh") == "/bin/sh"
