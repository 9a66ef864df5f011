"""Runs the real server on a free port of this machine for as long as a test needs it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

import q2e
from q2e.server.app import create_app
from q2e.server.connections import HEAD_BYTES, MOST, PatientHttp


@contextmanager
def serving(index: q2e.Index, **options: Any) -> Iterator[str]:
    """Serve an index and yield the address, without a slash at its end; wait until it is ready."""
    app = create_app(index, **options)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        http=PatientHttp,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws="none",
        log_level="error",
        timeout_graceful_shutdown=1,
        limit_concurrency=MOST,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 300  # a busy machine takes its time
        while not _ready(address):
            assert time.monotonic() < until, "the server does not become ready"
            time.sleep(0.1)
        yield address
    finally:
        server.should_exit = True
        thread.join(timeout=40)
        bound.close()


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/v1/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
