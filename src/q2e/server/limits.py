"""What one request may take: bytes in, seconds in and out."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from q2e.server.faults import Fault, unforeseen
from q2e.server.security import address_of
from q2e.server.signin import route_path

#: Longest time in which the rest of a refused body is thrown away.
_LINGER_S = 3.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request, and of all requests together."""

    body_bytes: int = 1 << 20
    upload_bytes: int = 64 << 20
    uploads: int = 8
    """Files that are handed in at once: of all clients; one may hand in half as many."""
    receive_s: float = 20.0
    """Longest wait for the next bytes of a request."""
    body_s: float = 600.0
    """Longest wait for all of its body."""
    send_s: float = 120.0
    """Longest wait for a client to take the next bytes of an answer."""
    work_s: float = 60.0
    """Longest wait for one piece of work, its time in the queue included."""
    workers: int = 2
    """Searches, and apart from them pictures and clips, that are worked on at once."""
    share_s: float = 2.0
    """Seconds for which one client may take all workers; then one more works for the others."""
    waiting_per_client: int = 64
    waiting: int = 512
    top: int = 1000
    clip_s: float = 3600.0
    exact_clip_s: float = 300.0
    make_s: float = 600.0
    """Longest wait for a reel, an archive of clips or a stretch that is encoded."""
    playable_s: float = 120.0
    """Longest stretch that is made playable for a browser at once."""
    incoming_bytes: int = 4 << 30
    """Largest video that is handed in."""
    incoming_room_bytes: int = 64 << 30
    """Room on disk for all videos that were handed in."""
    picture_bytes: int = 512 << 20
    """Room on disk for pictures that can be made again."""
    playable_bytes: int = 1 << 30
    """Room on disk for stretches that were made playable."""


class Bounds:
    """Refuses bodies that are too large or too slow, and drops clients that take nothing."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self._uploading: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        upload = route_path(scope) == "/v1/examples" and scope["method"] == "POST"
        address = address_of(scope)
        most = self.limits.upload_bytes if upload else self.limits.body_bytes
        state = _Traffic()
        until = asyncio.get_running_loop().time() + self.limits.body_s

        async def bounded_receive() -> Message:
            if state.body_done:
                return await receive()
            left_s = until - asyncio.get_running_loop().time()
            patience_s = max(0.0, min(self.limits.receive_s, left_s))
            try:
                message = await asyncio.wait_for(receive(), patience_s)
            except TimeoutError:
                raise _too_slow(self.limits) from None
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
            if not upload:
                await self.app(scope, bounded_receive, bounded_send)
                return
            with self._one_more(address):
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

    @contextlib.contextmanager
    def _one_more(self, address: str) -> Iterator[None]:
        """Count an upload, which lies on disk before its turn comes. Raises Fault for too many."""
        own, all_ = self._uploading[address], self._uploading.total()
        if all_ >= self.limits.uploads or 2 * own >= self.limits.uploads:
            raise Fault(
                429,
                "busy",
                f"{own} files of yours and {all_} in all are being handed in",
                "hand it in again in a few seconds",
                {"Retry-After": "3", "Connection": "close"},
            )
        self._uploading[address] += 1
        try:
            yield
        finally:
            self._uploading[address] -= 1
            self._uploading += Counter()  # without those who hand in none


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


def _too_slow(limits: Limits) -> Fault:
    return Fault(
        408,
        "too_slow",
        f"nothing of the request arrived in {limits.receive_s:g} s, or not all in "
        f"{limits.body_s:g} s",
        "send it again",
        {"Connection": "close"},
    )
