"""Makes what comes next while what came before is worked on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


def ahead(made: Generator[T], most: int, size: Callable[[T], int]) -> Generator[T]:
    """Yield what `made` yields; a thread makes it as long as no more than `most`, by `size`, waits.

    One that is larger than `most` waits alone. What `made` raises is raised when it is its turn.
    Where nobody asks any more, `made` is closed.
    """
    line = _Line(made, most, size)
    maker = threading.Thread(target=line.make, name="q2e-ahead", daemon=True)
    maker.start()
    try:
        while line.waits():
            yield line.take()
    finally:
        line.leave()
        maker.join()
    if line.wrong is not None:
        raise line.wrong


def clocked(made: Iterator[T], seconds: dict[str, float], name: str) -> Generator[T]:
    """Yield what `made` yields; the time that it takes to make is added to `seconds`."""
    began = time.perf_counter()
    for one in made:
        seconds[name] += time.perf_counter() - began
        yield one
        began = time.perf_counter()
    seconds[name] += time.perf_counter() - began


@dataclass(slots=True, eq=False)
class _Line(Generic[T]):
    """What is made and not yet taken, oldest first."""

    made: Generator[T]
    most: int
    size: Callable[[T], int]
    wrong: Exception | None = None
    _waiting: deque[T] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _left: bool = False

    def make(self) -> None:
        try:
            for one in self.made:
                if not self._put(one):
                    break
        except Exception as error:  # noqa: BLE001 - raised where it is asked for
            self.wrong = error
        finally:
            self.made.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, one: T) -> bool:
        """Add what was made once there is room; false where nobody asks any more."""

        def may() -> bool:
            held = sum(map(self.size, self._waiting))
            return self._left or not held or held + self.size(one) <= self.most

        with self._changed:
            self._changed.wait_for(may)
            self._waiting.append(one)
            self._changed.notify_all()
            return not self._left

    def waits(self) -> bool:
        """Return whether there is one more, once that is known."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._ended)
            return bool(self._waiting)

    def take(self) -> T:
        with self._changed:
            self._changed.notify_all()
            return self._waiting.popleft()

    def leave(self) -> None:
        with self._changed:
            self._left = True
            self._changed.notify_all()
