"""A served model keeps its connections: one client a model, shared by threads, closed with it."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from q2e.models.served.openai_compatible import OpenAICompatible

_SAID = {"choices": [{"message": {"content": "好"}, "finish_reason": "stop"}]}


class _Keeping(BaseHTTPRequestHandler):
    """Keeps connections open, as real servers do, and counts who connects and who leaves."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.came.append(self.client_address)  # type: ignore[attr-defined]

    def finish(self) -> None:
        super().finish()
        self.server.left.release()  # type: ignore[attr-defined]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(_SAID).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Keeping)
    made.daemon_threads = True
    made.came, made.left = [], threading.Semaphore(0)  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_calls_share_a_connection_that_is_closed_with_the_model(
    server: ThreadingHTTPServer,
) -> None:
    model = OpenAICompatible(f"http://127.0.0.1:{server.server_port}/v1", "any")
    assert [model.complete("hello") for _ in range(5)] == ["好"] * 5
    assert len(server.came) == 1  # type: ignore[attr-defined]
    model.close()
    assert server.left.acquire(timeout=60)  # type: ignore[attr-defined]
    assert model.complete("again") == "好" and len(server.came) == 2  # type: ignore[attr-defined]
    del model
    gc.collect()
    assert server.left.acquire(timeout=60)  # type: ignore[attr-defined]


def test_threads_share_one_client(server: ThreadingHTTPServer) -> None:
    model = OpenAICompatible(f"http://127.0.0.1:{server.server_port}/v1", "any")
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda number: model.complete(f"hello {number}"), range(40)))
    assert said == ["好"] * 40
    # Each thread may have needed a connection of its own at the same time, and no more.
    assert len(server.came) <= 8  # type: ignore[attr-defined]
    model.close()
