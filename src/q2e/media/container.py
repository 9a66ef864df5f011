"""Gives the decoded frames of a file in time order from any point on.

Times are seconds from the file's first presentation time, on a clock that only rises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from q2e.media.clock import Clock
from q2e.media.decoder import MAX_PIXELS, opened
from q2e.media.seekable import can_seek

#: Every decoder thread holds a picture of its own: larger ones get fewer threads.
_HUGE_PIXELS = 4_096 * 2_304

#: Every picture of these builds on the ones before, whatever its flags say.
_WITHOUT_KEY_FRAMES = ("gif", "apng")

#: How far before the wanted time decoding starts; further back when no key frame was met there.
PREROLLS_S = (1.0, 15.0, 120.0)

#: Compressed data held at most while a key frame near the wanted time is looked for.
_HELD_BYTES = 64 << 20

#: Two times closer than this are the same: stored times may have been rounded.
CLOSE_S = 1e-3

#: Titles of sound tracks that speak about the pictures instead of belonging to them.
_ABOUT = re.compile(
    r"comment|kommentar|descri|beschreibung|hörfilm|коммент|тифло|解説|コメンタリー|音声ガイド"
    r"|评论|评注|口述|해설|تعليق|وصف|टिप्पणी|คำบรรยายเสียง|\bAD\b|\bDVS\b",
    re.IGNORECASE,
)


def video_stream(container: Any) -> Any | None:
    """Return the moving pictures that players show, never a cover; None where there are none."""
    import av

    mark = av.stream.Disposition
    still = mark.attached_pic | mark.still_image
    found = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & still
    ]
    return min(found, key=lambda stream: not stream.disposition & mark.default, default=None)


def audio_stream(container: Any) -> Any | None:
    """Return the sound that players play first, or None where none can be decoded.

    That is the default track, else the first; comments, descriptions for the blind, karaoke and
    sound without voices only where there is nothing else.
    """
    import av

    mark = av.stream.Disposition
    beside = mark.comment | mark.visual_impaired | mark.descriptions | mark.karaoke
    beside |= mark.clean_effects | mark.lyrics

    def rank(stream: Any) -> tuple[bool, bool]:
        about = stream.disposition & beside or _ABOUT.search(stream.metadata.get("title", ""))
        return bool(about), not stream.disposition & mark.default

    found = [s for s in container.streams.audio if s.codec_context is not None and s.rate]
    return min(found, key=rank, default=None)


def origin_s(container: Any) -> float:
    """Return the first presentation time of the file on its own clock, in seconds."""
    return 0.0 if container.start_time is None else float(container.start_time) / 1_000_000


def packets(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield packets of `streams`, or of all, up to the end of the file or the first damaged place.

    Their times are on a clock that only rises, whatever the file's own does.
    """
    import av

    used = [s for s in (video_stream(container), audio_stream(container)) if s is not None]
    clock = Clock(container.format.name, used, container.streams)
    wanted = {stream.index for stream in streams}
    try:
        for packet in container.demux():
            clock.set(packet)
            # The last packets, which are empty, know their stream but not its number.
            if not wanted or packet.stream.index in wanted:
                yield packet
    except (av.error.InvalidDataError, av.error.EOFError, av.error.OSError):
        return


def key_times(container: Any, stream: Any, start_s: float, end_s: float) -> list[float]:
    """Return when the key frames in `[start_s, end_s)` are, as the packets say; none is decoded.

    `container` must be freshly opened.
    """
    if start_s > 0:
        seek_before(container, start_s)
    found, origin = [], origin_s(container)
    for packet in packets(container, stream):
        if packet.pts is None:
            continue
        time_s = float(packet.pts * packet.time_base) - origin
        if time_s >= end_s and packet.is_keyframe:
            break
        if start_s <= time_s < end_s and packet.is_keyframe:
            found.append(time_s)
    return found


def _decoded(container: Any, stream: Any, near_s: float = 0.0) -> Iterator[tuple[float, Any]]:
    """Yield (time_s, frame) from where the container stands, in strictly rising time.

    Damaged packets are passed over, as a player does. A frame without a time follows the one
    before by one frame's length; at the beginning it has time 0. What is long before `near_s` is
    not decoded.
    """
    import av

    origin = origin_s(container)
    last_s = float("-inf")
    for packet in _worth_decoding(container, stream, near_s):
        try:
            frames = packet.decode()
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None:
                time_s = float(frame.pts * frame.time_base) - origin
            else:
                time_s = max(0.0, last_s + frame_length_s(stream, frame))
            if time_s > last_s:
                last_s = time_s
                yield time_s, frame


def _worth_decoding(container: Any, stream: Any, near_s: float) -> Iterator[Any]:
    """Yield packets from the last key frame at or before `near_s` on, or from an earlier one."""
    every = packets(container, stream)
    if near_s <= PREROLLS_S[0]:
        yield from every
        return
    held: list[Any] = []
    held_bytes = 0
    until_s = near_s + origin_s(container)
    key_until_s = until_s - (PREROLLS_S[0] if stream.type == "audio" else 0.0)
    for packet in every:
        time = packet.dts if packet.pts is None else packet.pts
        time_s = None if time is None else float(time * packet.time_base)
        if time_s is not None and packet.is_keyframe and time_s <= key_until_s:
            held.clear()
            held_bytes = 0
        held.append(packet)
        held_bytes += packet.size
        if held_bytes > _HELD_BYTES or (time_s is not None and time_s > until_s):
            break
    yield from held
    yield from every


def frame_length_s(stream: Any, frame: Any) -> float:
    """Return how long a frame lasts, in seconds; 0.04 for a picture whose file does not say."""
    if stream.type == "audio":
        return float(frame.samples) / float(frame.sample_rate)
    if frame.duration and frame.time_base:
        return float(frame.duration * frame.time_base)
    rate = stream.average_rate or stream.guessed_rate
    return 1.0 / float(rate) if rate else 0.04


def decode_from(container: Any, stream: Any, start_s: float) -> Iterator[tuple[float, Any]]:
    """Yield (time_s, frame) in rising time, the first at or before `start_s` if there is one.

    A picture is the same whether reached by seeking or from the start of the file: decoding
    begins at a key frame, and further back when the first one met lies too late. `container`
    must be freshly opened.
    """
    if stream.type == "video":
        stream.thread_type = "AUTO"
        if stream.width * stream.height > _HUGE_PIXELS:
            stream.codec_context.thread_count = 4
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    if start_s > PREROLLS_S[0] and not can_seek(container.format.name, container.name):
        yield from _decoded(container, stream, start_s)
        return
    prerolls_s = () if container.format.name in _WITHOUT_KEY_FRAMES else PREROLLS_S
    moved = False
    for preroll_s in prerolls_s:
        if start_s <= preroll_s:
            break
        moved = True
        if not _seek(container, start_s - preroll_s):
            break
        frames = _decoded(container, stream)
        for time_s, frame in frames:
            if time_s > start_s + CLOSE_S:
                break
            if stream.type == "audio" or frame.key_frame:
                yield time_s, frame
                yield from frames
                return
    if not moved:
        yield from _decoded(container, stream)
        return
    with opened(container.name) as again:  # seeking back to the start may miss it
        yield from decode_from(again, again.streams[stream.index], 0.0)


def seek_before(container: Any, time_s: float) -> None:
    """Let the next packets be those of `time_s`, or earlier ones."""
    if can_seek(container.format.name, container.name):
        _seek(container, max(time_s, -origin_s(container)))


def _seek(container: Any, time_s: float) -> bool:
    import av

    try:
        container.seek(round((time_s + origin_s(container)) * 1_000_000))
    except (av.error.FFmpegError, OSError):
        return False
    return True
