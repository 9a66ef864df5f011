"""Damages bytes in the ways that disks, programs and attackers do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

#: Lengths and counts that programs get wrong.
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)
#: Largest input; whole ones are far smaller.
_MOST_BYTES = 1 << 20


def mutated(
    name: str, seed: int, number: int, seeds: Sequence[Path], tokens: Sequence[bytes] = ()
) -> tuple[bytes, str]:
    """Return input `number` of a target and the suffix of the file it was made from.

    `tokens` are byte strings that mean something to the reader. The same arguments give the same
    bytes; about one input in fifty is whole.
    """
    random_of = random.Random(f"{name} {seed} {number}")
    origin = random_of.choice(list(seeds))
    data = bytearray(origin.read_bytes())
    if random_of.random() < 0.02:
        return bytes(data), origin.suffix
    for _ in range(random_of.choice((1, 1, 2, 3, 5, 8, 20))):
        random_of.choice(_WAYS)(random_of, data, tokens)
    if random_of.random() < 0.05:
        other = random_of.choice(list(seeds)).read_bytes()
        data[_place(random_of, data) :] = other[random_of.randrange(len(other) + 1) :]
    return bytes(data[:_MOST_BYTES]), origin.suffix


Way = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _place(random_of: random.Random, data: bytearray) -> int:
    """Return a place, often near the beginning, where headers are."""
    if random_of.random() < 0.4:
        return min(len(data), int(random_of.expovariate(1 / 200)))
    return random_of.randrange(len(data) + 1)


def _flip(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at = _place(random_of, data)
    if at < len(data):
        data[at] ^= 1 << random_of.randrange(8)


def _overwrite(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at = _place(random_of, data)
    length = min(len(data) - at, random_of.choice((1, 2, 4, 16, 188, 1024)))
    data[at : at + length] = random_of.randbytes(length)


def _number(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at, width = _place(random_of, data), random_of.choice((1, 2, 4, 8))
    value = random_of.choice(_NUMBERS) % 2 ** (8 * width)
    data[at : at + width] = value.to_bytes(width, random_of.choice(("big", "little")))


def _zero(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at = _place(random_of, data)
    length = min(len(data) - at, random_of.choice((4, 512, 4096)))
    data[at : at + length] = bytes(length)


def _cut(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    del data[_place(random_of, data) :]


def _remove(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at = _place(random_of, data)
    del data[at : at + random_of.choice((1, 4, 100, 1000))]


def _repeat(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at = _place(random_of, data)
    piece = data[at : at + random_of.choice((1, 8, 200, 4000))]
    data[at:at] = piece * random_of.choice((1, 2, 30))


def _insert(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    at = _place(random_of, data)
    data[at:at] = random_of.randbytes(random_of.choice((1, 4, 64)))


def _token(random_of: random.Random, data: bytearray, tokens: Sequence[bytes]) -> None:
    if tokens:
        at = _place(random_of, data)
        token = random_of.choice(list(tokens))
        end = at + (len(token) if random_of.random() < 0.5 else 0)
        data[at:end] = token


_WAYS: tuple[Way, ...] = (
    _flip,
    _flip,
    _overwrite,
    _number,
    _number,
    _zero,
    _cut,
    _remove,
    _repeat,
    _insert,
    _token,
    _token,
)
