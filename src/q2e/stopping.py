"""Lets work be told that nobody waits for it any more, wherever in it that is noticed.

Work in threads cannot be ended from outside. It looks now and then whether it is still wanted:
`check` between steps, `wanted` where it waits for something itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from q2e.errors import Q2EError

_asked: ContextVar[Callable[[], bool] | None] = ContextVar("q2e_stopped", default=None)


class Stopped(Q2EError):
    """Nobody waits for this work any more."""


@contextmanager
def stoppable(stopped: Callable[[], bool]) -> Iterator[None]:
    """Let the work inside end with Stopped soon after `stopped()` has become true."""
    before = _asked.set(stopped)
    try:
        yield
    finally:
        _asked.reset(before)


def wanted() -> bool:
    """Say whether somebody still waits for the work that is being done here."""
    stopped = _asked.get()
    return stopped is None or not stopped()


def check() -> None:
    """Raise Stopped where nobody waits any more."""
    if not wanted():
        raise Stopped("nobody waits for this work any more; ask again")
