"""Gives the decoded frames of a file in time order from any point on.

Times are seconds from the file's first presentation time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from q2e.media.decoder import MAX_PIXELS, opened

#: Every decoder thread holds a picture of its own: larger ones get fewer threads.
_HUGE_PIXELS = 4_096 * 2_304

#: Every picture of these builds on the ones before, whatever its flags say.
_WITHOUT_KEY_FRAMES = ("gif", "apng")

#: How far before the wanted time decoding starts; further back when no key frame was met there.
_PREROLLS_S = (1.0, 15.0, 120.0)

#: Two times closer than this are the same: stored times may have been rounded.
CLOSE_S = 1e-3


def video_stream(container: Any) -> Any | None:
    """Return the first moving-picture stream, never a cover picture; None where there is none."""
    import av

    still = av.stream.Disposition.attached_pic | av.stream.Disposition.still_image
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & still:
            return stream
    return None


def audio_stream(container: Any) -> Any | None:
    """Return the first audio stream that can be decoded, or None."""
    for stream in container.streams.audio:
        if stream.codec_context is not None and stream.rate:
            return stream
    return None


def origin_s(container: Any) -> float:
    """Return the first presentation time of the file on its own clock, in seconds."""
    return 0.0 if container.start_time is None else float(container.start_time) / 1_000_000


def packets(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield packets up to the end of the file or the first place where it is damaged."""
    import av

    try:
        yield from container.demux(*streams)
    except (av.error.InvalidDataError, av.error.EOFError, av.error.OSError):
        return


def _decoded(container: Any, stream: Any) -> Iterator[tuple[float, Any]]:
    """Yield (time_s, frame) from where the container stands, in strictly rising time.

    Damaged packets are passed over, as a player does. A frame without a time follows the one
    before by one frame's length; at the beginning it has time 0.
    """
    import av

    origin = origin_s(container)
    last_s = float("-inf")
    for packet in packets(container, stream):
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
    prerolls_s = () if container.format.name in _WITHOUT_KEY_FRAMES else _PREROLLS_S
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


def _seek(container: Any, time_s: float) -> bool:
    import av

    try:
        container.seek(round((time_s + origin_s(container)) * 1_000_000))
    except (av.error.FFmpegError, OSError):
        return False
    return True
