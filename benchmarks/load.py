"""How many questions a second the server answers, and how fast, with 1, 8 and 32 clients.

Each client asks its next question as soon as it has the answer to the one before, no question
twice. All of it is done again while the server indexes videos. Clients run on the same machine.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.search import QUESTIONS, fill

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "clips"
CLIENTS = (1, 8, 32)
_numbers = count()


def run(items: int, seconds: float = 20.0) -> dict[str, Any]:
    """Return throughput, latencies and failures over `items` pieces of evidence."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "index"
        fill(directory, items)
        with _server(directory) as (address, process):
            asyncio.run(_ask(address, 2, 5.0))
            quiet = [_measured(address, process, clients, seconds) for clients in CLIENTS]
            job = _index(address, Path(folder))
            busy = [_measured(address, process, clients, seconds) for clients in CLIENTS]
            job = httpx.get(f"{address}/v1/jobs/{job['id']}").json()
            httpx.delete(f"{address}/v1/jobs/{job['id']}")
    return {
        "evidence": items,
        "seconds_each": seconds,
        "searching_alone": quiet,
        "while_indexing": busy,
        "indexing": {"state_at_end": job["state"], "files": job["files"]},
    }


@contextmanager
def _server(directory: Path) -> Iterator[tuple[str, int]]:
    command = [
        sys.executable,
        "-m",
        "q2e",
        "serve",
        "--no-token",
        "--index",
        str(directory),
        "--port",
        "0",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = re.search(r"http://\S+(?=/)", process.stderr.readline())
        assert found, "the server does not say its address"
        while httpx.get(f"{found[0]}/v1/ready").status_code != 200:
            time.sleep(0.5)
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(30)


def _measured(address: str, process: int, clients: int, seconds: float) -> dict[str, Any]:
    before_s = _cpu_s(process)
    figures = asyncio.run(_ask(address, clients, seconds))
    spent_s = _cpu_s(process) - before_s
    return figures | {"server_cpu_ms_each": round(spent_s / figures["answered"] * 1000, 1)}


def _cpu_s(process: int) -> float:
    """Return the processor time a process has used, as Linux counts it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _ask(address: str, clients: int, seconds: float) -> dict[str, Any]:
    """Let clients ask for some time; every question begun is waited for."""
    spent: list[float] = []
    failed: list[str] = []

    async def client(name: int) -> None:
        own = {"q2e-client": f"client {name}"}
        async with httpx.AsyncClient(base_url=address, headers=own, timeout=120) as http:
            while time.perf_counter() < until:
                number = next(_numbers)
                question = f"{QUESTIONS[number % len(QUESTIONS)]} {number}"
                began = time.perf_counter()
                try:
                    got = await http.get("/v1/search", params={"q": question})
                except httpx.TransportError as error:
                    failed.append(repr(error))
                    continue
                if got.status_code == 200:
                    spent.append(time.perf_counter() - began)
                else:
                    failed.append(got.text)

    began = time.perf_counter()
    until = began + seconds
    await asyncio.gather(*(client(number) for number in range(clients)))
    took = time.perf_counter() - began
    return {
        "clients": clients,
        "answered": len(spent),
        "failed": len(failed),
        "per_second": round(len(spent) / took, 2),
        "median_ms": round(float(np.median(spent)) * 1000, 1),
        "p95_ms": round(float(np.percentile(spent, 95)) * 1000, 1),
    }


def _index(address: str, folder: Path) -> dict[str, Any]:
    """Let the server index more clips than it can read meanwhile, each of other content."""
    media = folder / "media"
    media.mkdir()
    for turn in range(30):
        for clip in sorted(SAMPLES.glob("*.mp4")):
            # A box that players pass over.
            spare = b"\0\0\0\x0cfree" + turn.to_bytes(4, "big")
            (media / f"{turn}-{clip.name}").write_bytes(clip.read_bytes() + spare)
    job: dict[str, Any] = httpx.post(f"{address}/v1/jobs", json={"paths": [str(media)]}).json()
    return job
