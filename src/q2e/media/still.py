"""Reads a still picture that somebody hands in: a photograph or a screenshot to search by."""

from __future__ import annotations

from pathlib import Path

from q2e.arrays import UInt8
from q2e.errors import MediaError
from q2e.media.decoder import MAX_PIXELS, MAX_SIDE_PX, opened_still
from q2e.media.pictures import Painter
from q2e.paths import shown_name


def read_still(path: str | Path, max_side: int = 1024) -> UInt8:
    """Return the picture in a file as upright RGB of shape (h, w, 3), at most `max_side` long.

    Of moving pictures it is the first. Raises MediaError where the file is no picture or has
    more pixels than can be shown; that is read from its head, before anything is unpacked.
    """
    name = shown_name(path)
    with opened_still(path) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            raise MediaError(f"{name}: not a picture; give a JPEG, PNG, WebP, BMP or TIFF")
        width, height = stream.width, stream.height
        if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
            raise MediaError(f"{name}: {width} x {height} pixels are too many; shrink it")
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        for frame in container.decode(stream):
            return Painter(stream).paint(frame, max_side)
    raise MediaError(f"{name}: not a picture that can be read")
