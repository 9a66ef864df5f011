"""What one request may take: bytes in, seconds in and out, and its turn among other clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from q2e.server.faults import Fault, unforeseen
from q2e.server.security import is_local
from q2e.server.signin import route_path

T = TypeVar("T")

#: Longest address and head of a request: the longest lists that a question may have fit in.
HEAD_BYTES = 512 << 10
#: Longest time in which the rest of a refused body is thrown away.
_LINGER_S = 3.0
#: Seconds between looks at whether a waiting client is still there.
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request, and of all requests together."""

    body_bytes: int = 1 << 20
    upload_bytes: int = 64 << 20
    receive_s: float = 20.0
    """Longest wait for the next bytes of a request."""
    send_s: float = 120.0
    """Longest wait for a client to take the next bytes of an answer."""
    work_s: float = 60.0
    """Longest wait for one piece of work, its time in the queue included."""
    workers: int = 2
    """Searches, and apart from them pictures and clips, that are worked on at once."""
    waiting_per_client: int = 64
    waiting: int = 512
    top: int = 1000
    clip_s: float = 3600.0
    exact_clip_s: float = 300.0
    picture_bytes: int = 512 << 20
    """Room on disk for pictures that can be made again."""


class Bounds:
    """Refuses bodies that are too large or too slow, and drops clients that take nothing."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        upload = route_path(scope) == "/v1/examples"
        most = self.limits.upload_bytes if upload else self.limits.body_bytes
        state = _Traffic()

        async def bounded_receive() -> Message:
            if state.body_done:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self.limits.receive_s)
            except TimeoutError:
                raise _too_slow(self.limits.receive_s) from None
            state.taken += len(message.get("body", b""))
            state.body_done = not message.get("more_body", False)
            if state.taken > most:
                raise _too_large(most)
            return message

        async def bounded_send(message: Message) -> None:
            state.answered = True
            await asyncio.wait_for(send(message), self.limits.send_s)

        try:
            if int(Headers(scope=scope).get("content-length", "0") or 0) > most:
                raise _too_large(most)
            await self.app(scope, bounded_receive, bounded_send)
        except Fault as fault:
            if not state.answered:
                # Closed at once, a client that is still sending would never read the answer.
                await _linger(receive, state)
                await fault.response()(scope, receive, send)
        except (TimeoutError, ClientDisconnect):
            # The client reads nothing or has left: returning ends its connection.
            return
        except Exception:
            if not state.answered:
                await unforeseen().response()(scope, receive, send)
            raise  # for the log


@dataclass(slots=True)
class _Traffic:
    taken: int = 0
    body_done: bool = False
    answered: bool = False


async def _linger(receive: Receive, state: _Traffic) -> None:
    """Throw away what still comes, for a little while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while not state.body_done:
                message = await receive()
                state.body_done = not message.get("more_body", False)


def _too_large(most: int) -> Fault:
    return Fault(
        413,
        "too_large",
        f"the request has more than {most} bytes",
        "send a shorter or smaller file",
        {"Connection": "close"},
    )


def _too_slow(limit_s: float) -> Fault:
    return Fault(
        408,
        "too_slow",
        f"nothing of the request arrived in {limit_s:g} s",
        "send it again",
        {"Connection": "close"},
    )


class PatientHttp(H11Protocol):
    """uvicorn's protocol, with an end to the time a client may take to say what it wants."""

    HEADERS_S = 15.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._patience is None:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._patience = self.loop.call_later(self.HEADERS_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()


class FairQueue:
    """Runs work in `workers` threads, taking waiting clients in turn, whoever asks most.

    All methods belong to one event loop.
    """

    def __init__(self, name: str, limits: Limits) -> None:
        self.limits = limits
        self._threads = ThreadPoolExecutor(limits.workers, thread_name_prefix=f"q2e-{name}")
        self._free = limits.workers
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines.values()))

    @property
    def working(self) -> int:
        return self.limits.workers - self._free

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """Return what `work` returns, done in a thread when it is this client's turn.

        Raises Fault `busy` where too much waits already, `too_slow` after `work_s` seconds and
        `gone` as soon as the client has left. Work that has begun is finished in its thread,
        which takes nothing else meanwhile.
        """
        client = client_of(request)
        turn = self._line_up(client)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limits.work_s
        try:
            await self._until(turn, request, deadline)
        except BaseException:
            self._leave(client, turn)
            raise
        done = loop.run_in_executor(self._threads, work)
        done.add_done_callback(self._finished)
        return await self._until(done, request, deadline)

    async def _until(self, what: asyncio.Future[T], request: Request, deadline: float) -> T:
        loop = asyncio.get_running_loop()
        while True:
            left = deadline - loop.time()
            finished, _ = await asyncio.wait([what], timeout=max(0.0, min(_LOOK_S, left)))
            if finished:
                return what.result()
            if left <= 0:
                raise Fault(
                    504,
                    "too_slow",
                    f"the work was not done in {self.limits.work_s:g} s",
                    "ask for less, or again when the server is less busy",
                )
            if await request.is_disconnected():
                raise Fault(499, "gone", "the client has left", "ask again")

    def _line_up(self, client: str) -> asyncio.Future[None]:
        turn = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            turn.set_result(None)
            return turn
        line = self._lines.setdefault(client, deque())
        if len(line) >= self.limits.waiting_per_client or self.waiting >= self.limits.waiting:
            if not line:
                del self._lines[client]
            raise Fault(
                429,
                "busy",
                f"{len(line)} requests of yours and {self.waiting} in all are waiting",
                "ask again in a second",
                {"Retry-After": "1"},
            )
        line.append(turn)
        return turn

    def _leave(self, client: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self._pass_on()
            return
        turn.cancel()
        line = self._lines.get(client, deque())
        with contextlib.suppress(ValueError):
            line.remove(turn)
        if not line:
            self._lines.pop(client, None)

    def _finished(self, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # seen, also where the client has left
        self._pass_on()

    def _pass_on(self) -> None:
        """Give the free thread to the client whose turn it is, and put that client last."""
        if not self._lines:
            self._free += 1
            return
        client, line = next(iter(self._lines.items()))
        line.popleft().set_result(None)
        if line:
            self._lines.move_to_end(client)
        else:
            del self._lines[client]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def client_of(request: Request) -> str:
    """Return who asks: an address, or on this machine what a program calls itself."""
    host = request.client.host if request.client else ""
    if not host or is_local(host):
        return f"{host} {request.headers.get('q2e-client', '')[:64]}"
    return host
