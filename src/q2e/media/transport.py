"""What MPEG transport and program streams say of their clock, read from their bytes.

FFmpeg finds a time in such a file by halving it, which leads anywhere where the clock restarts or
jumps, as in joined recordings. ISO/IEC 13818-1: a program clock reference (PCR) is in the
adaptation field of packets, a system clock reference (SCR) in every pack header; both count
90,000 a second in 33 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from q2e.arrays import Float64, UInt8

#: Bytes from packet to packet: plain, with a time stamp before (M2TS), with parity behind.
_STRIDES = (188, 192, 204)
_SYNC, _SYNCED_PACKETS = 0x47, 8
_PACK = b"\x00\x00\x01\xba"
_HZ, _WRAP_S = 90_000, 2**33 / 90_000

#: Longer files are looked into once in so many bytes, at so many places at most.
_WHOLE_BYTES, _EVERY_BYTES, _PLACES, _PLACE_BYTES = 32 << 20, 2 << 20, 1_000, 64 << 10
#: A clock that goes back or leaps ahead by more has restarted.
BACK_S, AHEAD_S = 0.1, 10.0


def is_transport(raw: bytes) -> bool:
    """Return whether bytes are of a transport stream, be it one that starts inside a packet."""
    return _synced(np.frombuffer(raw, np.uint8)) is not None


def leaps(path: str | Path) -> bool:
    """Return whether the clock of an MPEG stream goes back or leaps ahead anywhere in it."""
    times_s = np.concatenate([_times_s(piece) for piece in _pieces(Path(path))])
    steps_s = np.diff(times_s)
    steps_s = np.where(steps_s < -_WRAP_S / 2, steps_s + _WRAP_S, steps_s)
    usual_s = float(np.median(steps_s)) if len(steps_s) else 0.0
    return bool(np.any((steps_s < -BACK_S) | (steps_s > AHEAD_S + 4 * usual_s)))


def _pieces(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE_BYTES:
            yield file.read()
            return
        places = min(_PLACES, size // _EVERY_BYTES)
        for place in range(places):
            file.seek(size * place // places)
            yield file.read(_PLACE_BYTES)


def _times_s(raw: bytes) -> Float64:
    """Return the clock references in a piece of a stream, in seconds and in order."""
    found = _synced(np.frombuffer(raw, np.uint8))
    return _pack_times_s(raw) if found is None else _packet_times_s(found)


def _synced(data: UInt8) -> UInt8 | None:
    """Return the packets (n, stride) of a piece of a transport stream, None where it is none."""
    for stride in _STRIDES:
        count = len(data) // stride - 1
        if count < 1:
            continue
        enough = min(count, _SYNCED_PACKETS)
        # One row for each place in the first packet where the sync byte might stand.
        marks = data[: enough * stride].reshape(enough, stride) == _SYNC
        (firsts,) = np.nonzero(marks.all(axis=0))
        if len(firsts) and enough == _SYNCED_PACKETS:
            first = int(firsts[0])
            return data[first : first + count * stride].reshape(count, stride)
    return None


def _packet_times_s(packets: UInt8) -> Float64:
    packets = packets[packets[:, 0] == _SYNC]
    has = (packets[:, 3] & 0x20 != 0) & (packets[:, 4] >= 7) & (packets[:, 5] & 0x10 != 0)
    marked = packets[has].astype(np.int64)
    if not len(marked):
        return np.zeros(0)
    program = (marked[:, 1] & 0x1F) << 8 | marked[:, 2]
    marked = marked[program == program[0]]  # each program has a clock of its own
    ticks = marked[:, 6] << 25 | marked[:, 7] << 17 | marked[:, 8] << 9 | marked[:, 9] << 1
    return np.asarray((ticks | marked[:, 10] >> 7) / _HZ, np.float64)


def _pack_times_s(raw: bytes) -> Float64:
    times_s = []
    at = raw.find(_PACK)
    while at >= 0:
        a, b, c, d, e = (raw[at + 4 : at + 9] + bytes(5))[:5]
        if a >> 6 == 1:  # MPEG-2
            ticks = (a >> 3 & 7) << 30 | (a & 3) << 28 | b << 20 | (c >> 3) << 15
            times_s.append((ticks | (c & 3) << 13 | d << 5 | e >> 3) / _HZ)
        elif a >> 4 == 2:  # MPEG-1
            ticks = (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15
            times_s.append((ticks | d << 7 | e >> 1) / _HZ)
        at = raw.find(_PACK, at + 4)
    return np.array(times_s, np.float64)
