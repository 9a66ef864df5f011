"""What is made ahead comes in order, is bounded, and ends with whoever asked for it."""

from __future__ import annotations

from collections.abc import Generator
from threading import Event

import pytest

from q2e.ingest.ahead import ahead


def numbers(made: list[int], closed: Event, most: int = 10) -> Generator[int]:
    try:
        for number in range(most):
            made.append(number)
            yield number
    finally:
        closed.set()


def test_everything_comes_in_order_and_what_is_made_is_closed() -> None:
    made: list[int] = []
    closed = Event()
    assert list(ahead(numbers(made, closed), 3, lambda _: 1)) == list(range(10))
    assert closed.is_set()
    assert list(ahead(numbers(made, closed, 0), 3, lambda _: 1)) == []


@pytest.mark.parametrize(("size", "waiting"), [(1, 3), (2, 1), (5, 1)])
def test_no_more_is_made_than_may_wait(size: int, waiting: int) -> None:
    enough, over = Event(), Event()

    def bounded() -> Generator[int]:
        # One is taken, `waiting` wait, and the next one is made but finds no room.
        for number in range(10):
            if number == waiting + 2:
                over.set()
            yield number
            if number == waiting:
                enough.set()

    line = ahead(bounded(), 3, lambda _: size)
    assert next(line) == 0
    assert enough.wait(60)
    assert not over.wait(0.05)
    assert list(line) == list(range(1, 10))


def test_what_goes_wrong_is_raised_after_what_was_made_before() -> None:
    def wrong() -> Generator[int]:
        yield 1
        raise KeyError("broken")

    line = ahead(wrong(), 3, lambda _: 1)
    assert next(line) == 1
    with pytest.raises(KeyError, match="broken"):
        next(line)


def test_who_stops_asking_stops_the_making() -> None:
    made: list[int] = []
    closed = Event()
    line = ahead(numbers(made, closed, 1_000_000), 3, lambda _: 1)
    assert next(line) == 0
    line.close()
    assert closed.is_set()
    assert len(made) < 10
