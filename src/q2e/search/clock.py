"""Says how long each phase of a search took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from q2e import stopping


class Clock:
    """Seconds spent in each named phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        stopping.check()
        began = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - began
