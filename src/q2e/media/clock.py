"""One rising clock for files whose own restarts or leaps, as in recordings joined end to end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from q2e.media.transport import AHEAD_S, BACK_S

#: Formats whose clock may leap ahead in mid-file; in others it is a picture that stays.
_LEAPING = ("mpegts", "mpeg", "ogg")
#: Times of presentation alone go back and forth by this much between pictures.
_REORDERED_S = 2.0
_MOST_TICKS = 2**62


@dataclass(slots=True)
class _Track:
    """One stream on the rising clock."""

    base_s: float
    offset_s: float = 0.0
    last_s: float | None = None
    decoded: bool = False
    """Whether `last_s` is a time of decoding, which only rises, and not one of presentation."""
    end_s: float = 0.0


class Clock:
    """Rewrites the times of packets, in the order of the file, so that they rise.

    Where a stream's time goes back, or leaps ahead by more than ten seconds, the file goes on
    from the latest end of all streams, and each stream goes over to the new time when it
    restarts itself: the last packets of one recording may come after the first of the next.
    """

    def __init__(
        self, format_name: str, streams: Iterable[Any], others: Iterable[Any] = ()
    ) -> None:
        self._leaping = format_name in _LEAPING
        self._tracks = {one.index: _Track(float(one.time_base)) for one in streams}
        self._others = {one.index: float(one.time_base or 0) for one in others}
        self._offset_s = 0.0

    def set(self, packet: Any) -> None:
        """Rewrite the times of the next packet of the file."""
        time = packet.pts if packet.dts is None else packet.dts
        if time is None:
            return
        track = self._tracks.get(packet.stream_index)
        if track is None:
            _shift(packet, self._offset_s, self._others.get(packet.stream_index, 0.0))
            return
        raw_s = time * track.base_s
        shown_s = raw_s if packet.pts is None else packet.pts * track.base_s
        decoded = packet.dts is not None
        back_s = BACK_S if decoded and track.decoded else _REORDERED_S
        if self._strange(track, raw_s + track.offset_s, back_s):
            if self._strange(track, raw_s + self._offset_s, back_s):
                self._offset_s = self._end_s(track) - shown_s
            track.offset_s = self._offset_s
        track.last_s, track.decoded = raw_s + track.offset_s, decoded
        end_s = shown_s + track.offset_s + length_of(packet) * track.base_s
        track.end_s = max(track.end_s, end_s)
        _shift(packet, track.offset_s, track.base_s)

    def _strange(self, track: _Track, time_s: float, back_s: float) -> bool:
        if track.last_s is not None and time_s < track.last_s - back_s:
            return True
        begun = any(one.last_s is not None for one in self._tracks.values())
        if not (self._leaping and begun):
            return False
        end_s = self._end_s(track)
        return time_s > end_s + AHEAD_S or (track.last_s is None and time_s < end_s - AHEAD_S)

    def _end_s(self, track: _Track) -> float:
        ends_s = (one.end_s for one in self._tracks.values() if one.last_s is not None)
        return max(ends_s, default=track.end_s)


def length_of(packet: Any) -> int:
    """Return how long a packet says it lasts, 0 where it does not.

    The last one of a short Ogg file may last less than nothing, as a number without sign.
    """
    told = int(packet.duration or 0)
    return told if 0 < told < 1 << 31 else 0


def _shift(packet: Any, offset_s: float, base_s: float) -> None:
    if offset_s and base_s:
        ticks = round(offset_s / base_s)
        if packet.pts is not None and abs(packet.pts + ticks) < _MOST_TICKS:
            packet.pts += ticks
        if packet.dts is not None and abs(packet.dts + ticks) < _MOST_TICKS:
            packet.dts += ticks
