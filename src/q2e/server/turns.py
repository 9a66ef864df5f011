"""Turns among clients: work in threads, shared fairly, and given up when nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from starlette.requests import Request

from q2e.server.faults import Fault
from q2e.server.limits import Limits
from q2e.server.security import address_of, is_local
from q2e.stopping import stoppable

T = TypeVar("T")

#: Seconds between looks at whether a client who has kept all threads busy must share them.
_LOOK_S = 0.1


class FairQueue:
    """Runs work in `workers` threads, taking waiting clients in turn, whoever asks most.

    One thread more is there for the others where one client has kept all busy for `share_s`.
    All methods belong to one event loop.
    """

    def __init__(self, name: str, limits: Limits) -> None:
        self.limits = limits
        self._threads = ThreadPoolExecutor(limits.workers + 1, thread_name_prefix=f"q2e-{name}")
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._holders: Counter[str] = Counter()
        """How many threads work for each client."""
        self._newest = 0.0
        """When a thread last began to work."""

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines.values()))

    @property
    def working(self) -> int:
        return self._holders.total()

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """Return what `work` returns, done in a thread when it is this client's turn.

        Raises Fault `busy` where too much waits already, `too_slow` after `work_s` seconds and
        `gone` as soon as the client has left. Work that has begun is then told to stop, which
        decoders do at once and searches before their next step (`q2e.stopping`); until it has,
        its thread takes nothing else.
        """
        client = client_of(request)
        turn = self._line_up(client)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limits.work_s
        gone = asyncio.ensure_future(_departure(request))
        try:
            return await self._worked(client, turn, work, gone, deadline)
        finally:
            gone.cancel()

    async def _worked(
        self,
        client: str,
        turn: asyncio.Future[None],
        work: Callable[[], T],
        gone: asyncio.Future[None],
        deadline: float,
    ) -> T:
        try:
            await self._until(turn, gone, deadline)
        except BaseException:
            self._leave(client, turn)
            raise
        unwanted = threading.Event()

        def bounded() -> T:
            with stoppable(unwanted.is_set):
                return work()

        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._threads, copy_context().run, bounded)
        done.add_done_callback(lambda done: self._finished(client, done))
        try:
            return await self._until(done, gone, deadline)
        except BaseException:
            unwanted.set()
            raise

    async def _until(
        self, what: asyncio.Future[T], gone: asyncio.Future[None], deadline: float
    ) -> T:
        loop = asyncio.get_running_loop()
        either: tuple[asyncio.Future[Any], ...] = (what, gone)
        while True:
            left = deadline - loop.time()
            await asyncio.wait(
                either,
                timeout=max(0.0, min(_LOOK_S, left)),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if what.done():
                return what.result()
            if left <= 0:
                raise Fault(
                    504,
                    "too_slow",
                    f"the work was not done in {self.limits.work_s:g} s",
                    "ask for less, or again when the server is less busy",
                )
            if gone.done():
                raise Fault(499, "gone", "the client has left", "ask again")
            self._pass_on()

    def _line_up(self, client: str) -> asyncio.Future[None]:
        turn = asyncio.get_running_loop().create_future()
        if not self._lines and self._may_begin(client):
            self._begin(client, turn)
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
        self._pass_on()
        return turn

    def _may_begin(self, client: str) -> bool:
        if self.working < self.limits.workers:
            return True
        kept_by_one = len(self._holders) == 1 and client not in self._holders
        now = asyncio.get_running_loop().time()
        return (
            kept_by_one
            and self.working == self.limits.workers
            and (now - self._newest >= self.limits.share_s)
        )

    def _begin(self, client: str, turn: asyncio.Future[None]) -> None:
        self._holders[client] += 1
        self._newest = asyncio.get_running_loop().time()
        turn.set_result(None)

    def _leave(self, client: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self._release(client)
            return
        turn.cancel()
        line = self._lines.get(client, deque())
        with contextlib.suppress(ValueError):
            line.remove(turn)
        if not line:
            self._lines.pop(client, None)

    def _finished(self, client: str, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # seen, also where the client has left
        self._release(client)

    def _release(self, client: str) -> None:
        self._holders[client] -= 1
        self._holders += Counter()  # without those who hold none
        self._pass_on()

    def _pass_on(self) -> None:
        """Give free threads to the clients whose turn it is, and put those last."""
        while client := next(filter(self._may_begin, self._lines), None):
            line = self._lines[client]
            self._begin(client, line.popleft())
            if line:
                self._lines.move_to_end(client)
            else:
                del self._lines[client]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _departure(request: Request) -> None:
    """Return when the client has left; its request has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def client_of(request: Request) -> str:
    """Return who asks: an address, or on this machine what a program calls itself."""
    address = address_of(request.scope)
    if address == "nowhere" or is_local(address):
        return f"{address} {request.headers.get('q2e-client', '')[:64]}"
    return address
