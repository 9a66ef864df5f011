"""Connections: an end to the time they may say nothing, and to how many one address may hold."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Longest address and head of a request: the longest lists that a question may have fit in.
HEAD_BYTES = 512 << 10
#: Connections held at once; requests on more are answered 503.
MOST = 512
#: Of those, the ones of one address, so that nobody holds all by saying things slowly.
PER_ADDRESS = 256
#: Connections that have not yet said what they want: of one address and of all.
_WAITING_PER_ADDRESS, _WAITING = 96, 320


class PatientHttp(H11Protocol):
    """uvicorn's protocol, with an end to the time a client may take to say what it wants.

    Where many connections wait to be spoken to, the oldest of the address that has most of them
    is closed for each new one, so that nobody keeps others out by saying nothing.
    """

    HEADERS_S = 5.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if _waiting_of(self.server_state).opened(self._address) > PER_ADDRESS:
            transport.close()
        self._await_request()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._patience is None:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        _waiting_of(self.server_state).closed(self._address)
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._patience = self.loop.call_later(self.HEADERS_S, self._give_up)
        _waiting_of(self.server_state).add(self, self._address)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            _waiting_of(self.server_state).remove(self)

    def _give_up(self) -> None:
        self._stop_waiting()
        self.close_silent()

    def close_silent(self) -> None:
        """Close a connection on which no request is answered."""
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()


class _Waiting:
    """The connections of one server that have not said what they want, oldest first."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._address: OrderedDict[PatientHttp, str] = OrderedDict()
        self._of: dict[str, OrderedDict[PatientHttp, None]] = {}

    def opened(self, address: str) -> int:
        """Note a connection, and return how many there are of its address."""
        self._open[address] += 1
        return self._open[address]

    def closed(self, address: str) -> None:
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    def add(self, one: PatientHttp, address: str) -> None:
        self._address[one] = address
        own = self._of.setdefault(address, OrderedDict())
        own[one] = None
        if len(own) > _WAITING_PER_ADDRESS:
            self._close(next(iter(own)))
        elif len(self._address) > _WAITING:
            most = max(self._of.values(), key=len)
            self._close(next(iter(most)))

    def remove(self, one: PatientHttp) -> None:
        address = self._address.pop(one, None)
        if address is not None:
            del self._of[address][one]
            if not self._of[address]:
                del self._of[address]

    def _close(self, one: PatientHttp) -> None:
        one._give_up()


_waiting: WeakKeyDictionary[Any, _Waiting] = WeakKeyDictionary()


def _waiting_of(server: Any) -> _Waiting:
    return _waiting.setdefault(server, _Waiting())
