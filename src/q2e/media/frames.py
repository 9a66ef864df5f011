"""Gets the pictures on screen at given times, by seeking, and writes pictures as JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from q2e.arrays import UInt8
from q2e.errors import MediaError
from q2e.media.container import CLOSE_S, decode_from, video_stream
from q2e.media.decoder import opened
from q2e.media.pictures import Painter
from q2e.types import Frame

#: Times closer than this are reached by decoding on rather than by another seek.
_NEAR_S = 5.0


def frames_at(path: str | Path, times_s: Sequence[float], max_side: int = 640) -> list[Frame]:
    """Return the pictures on screen at `times_s`, in the order asked, upright RGB.

    The picture at a time is the last one that began at or before it; before the first picture
    it is the first. The same picture comes out as `scan` gives for that time.

    Raises MediaError where the file cannot be read or has no pictures.
    """
    images: dict[float, UInt8] = {}
    for group in _groups(sorted(set(times_s))):
        with opened(path) as container:
            stream = video_stream(container)
            if stream is None:
                raise MediaError(f"{Path(path).name}: has no pictures, only sound")
            images |= _walk(container, stream, group, max_side)
    if len(images) < len(set(times_s)):
        raise MediaError(f"{Path(path).name}: its pictures cannot be decoded")
    return [Frame(time_s, images[time_s]) for time_s in times_s]


def _groups(times_s: list[float]) -> list[list[float]]:
    groups: list[list[float]] = []
    for time_s in times_s:
        if groups and time_s - groups[-1][-1] < _NEAR_S:
            groups[-1].append(time_s)
        else:
            groups.append([time_s])
    return groups


def _walk(container: Any, stream: Any, times_s: list[float], max_side: int) -> dict[float, UInt8]:
    painter = Painter(stream)
    images: dict[float, UInt8] = {}
    held: Any = None
    waiting = list(times_s)
    for time_s, frame in decode_from(container, stream, times_s[0]):
        if held is not None and time_s > waiting[0] + CLOSE_S:
            image = painter.paint(held, max_side)
            while waiting and time_s > waiting[0] + CLOSE_S:
                images[waiting.pop(0)] = image
            if not waiting:
                return images
        held = frame
    if held is not None:
        images |= dict.fromkeys(waiting, painter.paint(held, max_side))
    return images


def jpeg(image: UInt8, quality: int = 4) -> bytes:
    """Return an RGB picture of shape (h, w, 3) as JPEG; `quality` is 1 (best) to 31."""
    import av

    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuvj420p"
    codec.time_base = Fraction(1, 25)
    codec.options = {"qmin": str(quality), "qmax": str(quality)}
    picture = frame.reformat(format="yuvj420p")
    return b"".join(bytes(p) for p in [*codec.encode(picture), *codec.encode(None)])


def save_jpeg(image: UInt8, path: str | Path) -> None:
    """Write an RGB picture of shape (h, w, 3) as a JPEG file."""
    Path(path).write_bytes(jpeg(image))
