"""Turns among clients: fair, bounded in number and time, given up when the client leaves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import q2e
from media_files import write_video
from q2e import stopping
from q2e.query.language import Parsed
from q2e.server.connections import PatientHttp
from q2e.server.faults import Fault
from q2e.server.limits import Limits
from q2e.server.pictures import drawn, rounded
from q2e.server.turns import FairQueue
from serving import serving


class Asker:
    """Stands for a request: who asks, and whether still there."""

    def __init__(self, name: str) -> None:
        self.scope: dict[str, Any] = {"client": None}
        self.headers = {"q2e-client": name}
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, str]:
        await self.left.wait()
        return {"type": "http.disconnect"}


def _run(queue: FairQueue, asker: Any, work: Callable[[], Any]) -> asyncio.Task[Any]:
    return asyncio.ensure_future(queue.run(asker, work))


def test_clients_take_turns_whoever_asks_most() -> None:
    done: list[str] = []
    gate = threading.Event()

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=1))
        tasks = [_run(queue, Asker("greedy"), gate.wait)]
        tasks += [_run(queue, Asker("greedy"), lambda: done.append("greedy")) for _ in range(20)]
        tasks += [_run(queue, Asker("modest"), lambda: done.append("modest")) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert (queue.working, queue.waiting) == (1, 22)
        gate.set()
        await asyncio.gather(*tasks)
        assert (queue.working, queue.waiting) == (0, 0)
        queue.close()

    asyncio.run(main())
    assert done[:4] == ["greedy", "modest", "greedy", "modest"]
    assert len(done) == 22


def test_too_many_waiting_are_refused_and_one_client_cannot_take_all() -> None:
    gate = threading.Event()

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=1, waiting_per_client=2, waiting=3))
        tasks = [_run(queue, Asker("a"), gate.wait) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Fault) as refused:
            await queue.run(Asker("a"), gate.wait)  # type: ignore[arg-type]
        assert (refused.value.status_code, refused.value.code) == (429, "busy")
        assert refused.value.headers == {"Retry-After": "1"}
        tasks.append(_run(queue, Asker("b"), gate.wait))
        await asyncio.sleep(0.05)
        with pytest.raises(Fault):
            await queue.run(Asker("c"), gate.wait)  # type: ignore[arg-type]
        gate.set()
        await asyncio.gather(*tasks)
        queue.close()

    asyncio.run(main())


def test_who_leaves_gives_up_the_turn() -> None:
    done: list[str] = []
    gate = threading.Event()

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=1))
        first = _run(queue, Asker("a"), gate.wait)
        gone = Asker("b")
        left = _run(queue, gone, lambda: done.append("left"))
        last = _run(queue, Asker("c"), lambda: done.append("stayed"))
        await asyncio.sleep(0.05)
        gone.left.set()
        with pytest.raises(Fault) as fault:
            await left
        assert fault.value.code == "gone"
        cancelled = _run(queue, Asker("d"), lambda: done.append("cancelled"))
        await asyncio.sleep(0)
        cancelled.cancel()
        gate.set()
        await asyncio.gather(first, last)
        await asyncio.sleep(0.05)
        assert (queue.working, queue.waiting) == (0, 0)
        queue.close()

    asyncio.run(main())
    assert done == ["stayed"]


def test_work_has_an_end_and_its_thread_comes_back() -> None:
    gate = threading.Event()

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=1, work_s=0.3))
        with pytest.raises(Fault) as fault:
            await queue.run(Asker("a"), gate.wait)  # type: ignore[arg-type]
        assert (fault.value.status_code, fault.value.code) == (504, "too_slow")
        assert queue.working == 1  # a thread cannot be stopped, only waited for
        gate.set()
        await asyncio.sleep(0.1)
        assert queue.working == 0
        assert await queue.run(Asker("a"), lambda: 7) == 7  # type: ignore[arg-type]
        queue.close()

    asyncio.run(main())


def test_work_that_nobody_waits_for_is_told_to_stop() -> None:
    stopped = threading.Event()

    def work() -> None:
        while stopping.wanted():
            time.sleep(0.01)
        stopped.set()

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=1, work_s=60))
        gone = Asker("a")
        task = _run(queue, gone, work)
        await asyncio.sleep(0.05)
        gone.left.set()
        with pytest.raises(Fault):
            await task
        assert await asyncio.to_thread(stopped.wait, 5)
        assert await queue.run(Asker("b"), lambda: 7) == 7  # type: ignore[arg-type]
        queue.close()

    asyncio.run(main())
    assert stopping.wanted()


def test_one_client_cannot_keep_all_threads_busy() -> None:
    gate = threading.Event()

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=2, share_s=0.2))
        greedy = [_run(queue, Asker("greedy"), gate.wait) for _ in range(5)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        for _ in range(3):
            answer = queue.run(Asker("modest"), lambda: 7)  # type: ignore[arg-type]
            assert await asyncio.wait_for(answer, 5) == 7
        assert time.monotonic() - began < 2
        assert (queue.working, queue.waiting) == (2, 3), "the spare thread is not for the greedy"
        gate.set()
        await asyncio.gather(*greedy)
        queue.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
        b"Content-Type: application/json\r\n\r\n{",
    ],
    ids=["head", "body"],
)
def test_half_sent_requests_keep_nobody_out(
    served_index: q2e.Index, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(PatientHttp, "HEADERS_S", 60.0)
    with serving(served_index) as address:
        where = ("127.0.0.1", int(address.rsplit(":", 1)[1]))
        half = []
        try:
            for _ in range(540):
                one = socket.create_connection(where, source_address=("127.0.0.2", 0))
                half.append(one)
                with contextlib.suppress(OSError):
                    one.sendall(sent)
            for _ in range(5):
                began = time.monotonic()
                assert httpx.get(f"{address}/v1/health").status_code == 200
                assert time.monotonic() - began < 2
        finally:
            for one in half:
                one.close()


def test_files_that_are_handed_in_slowly_do_not_fill_the_disk(served_index: q2e.Index) -> None:
    head = (
        "POST /v1/examples HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n"
        'Content-Type: multipart/form-data; boundary="x"\r\n\r\n--x\r\n'
    )
    with serving(served_index, limits=Limits(uploads=4)) as address:
        where = ("127.0.0.1", int(address.rsplit(":", 1)[1]))
        slow = []
        for _ in range(2):
            slow.append(socket.create_connection(where))
            slow[-1].sendall(head.encode())
        time.sleep(0.5)
        got = httpx.post(f"{address}/v1/examples", files={"file": ("a.png", b"x" * 100)})
        assert (got.status_code, got.json()["error"]["code"]) == (429, "busy")
        for one in slow:
            one.close()
        until = time.monotonic() + 20
        while got.status_code == 429:
            assert time.monotonic() < until
            time.sleep(0.2)
            got = httpx.post(f"{address}/v1/examples", files={"file": ("a.png", b"x" * 100)})
        assert got.status_code == 415


def test_clips_with_too_many_pixels_are_no_examples(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("q2e.server.uploads._MOST_PIXELS", 1e3)
    clip = write_video(tmp_path / "a.mp4", (2.0,)).read_bytes()
    assert len(clip) < 100_000
    got = httpx.post(f"{server}/v1/examples", files={"file": ("a.mp4", clip)}, timeout=60)
    assert got.status_code == 415
    assert "pixels are too many for an example" in got.json()["error"]["message"]


def test_a_search_ends_before_its_next_step_when_the_client_has_left(
    served_index: q2e.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()
    search = served_index.search

    def watched(text: str | Parsed, **options: Any) -> Any:
        if isinstance(text, str) or text.text != "panda":
            return search(text, **options)
        begun.set()
        while stopping.wanted():
            time.sleep(0.01)
        try:
            return search(text, **options)
        except stopping.Stopped:
            ended.set()
            raise

    monkeypatch.setattr(served_index, "search", watched)
    with serving(served_index) as address:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{address}/v1/search", params={"q": "panda"}, timeout=0.5)
        assert begun.is_set() and ended.wait(30)
        assert httpx.get(f"{address}/v1/search", params={"q": "dog"}, timeout=60).is_success


def test_two_dear_questions_hold_up_nobody_else(server: str) -> None:
    dear = "".join(chr(0x4E00 + 7 * number % 20_000) for number in range(4000))
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(
                httpx.get,
                f"{server}/v1/search",
                params={"q": dear[number:]},
                headers={"q2e-client": "dear"},
                timeout=60,
            )
            for number in range(2)
        ]
        time.sleep(0.5)
        began = time.monotonic()
        got = httpx.get(f"{server}/v1/search", params={"q": "panda"}, timeout=60)
        assert got.status_code == 200
        assert time.monotonic() - began < 20
        assert all(one.result().status_code in (200, 504) for one in asked)


def test_errors_of_the_work_reach_the_caller() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def main() -> None:
        queue = FairQueue("test", Limits(workers=1))
        with pytest.raises(ValueError, match="no"):
            await queue.run(Asker("a"), fail)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert queue.working == 0
        queue.close()

    asyncio.run(main())


def test_a_search_nobody_waits_for_is_not_begun(
    served_index: q2e.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    gate = threading.Event()
    search = served_index.search

    def slow(text: str | Parsed, **options: Any) -> Any:
        begun.append(text if isinstance(text, str) else text.text)
        if text != "warm":
            gate.wait(10)
        return search(text, **options)

    monkeypatch.setattr(served_index, "search", slow)
    with serving(served_index, limits=Limits(workers=1)) as address:
        for question in ("first", "second", "third"):
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"{address}/v1/search", params={"q": question}, timeout=0.3)
        time.sleep(0.3)
        gate.set()
        last = httpx.get(f"{address}/v1/search", params={"q": "last"}, timeout=60)
        assert last.status_code == 200
    assert begun == ["warm", "first", "last"]


def test_each_picture_has_a_name_of_its_own() -> None:
    asked = [("v", "frame", [1.0], 96), ("v", "frame", [2.0], 96), ("v", "frame", [1.0], 160)]
    asked += [("w", "frame", [1.0], 96), ("v", "filmstrip", [1.0], 96)]
    assert len({drawn(*one).key for one in asked}) == len(asked)


def test_widths_are_few() -> None:
    assert [rounded(width) for width in (1, 160, 161, 5000)] == [96, 160, 240, 1920]
