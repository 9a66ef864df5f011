"""Reads a still picture that somebody hands in: a photograph or a screenshot to search by."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from q2e.arrays import UInt8
from q2e.errors import MediaError
from q2e.media.container import MAX_PIXELS, MAX_SIDE_PX
from q2e.media.pictures import Painter

_MAX_BYTES = 256 << 20
_FORMATS = "bmp_pipe,gif,jpeg_pipe,png_pipe,tiff_pipe,webp_pipe,apng,mov,mp4"


def read_still(path: str | Path, max_side: int = 1024) -> UInt8:
    """Return the picture in a file as upright RGB of shape (h, w, 3), at most `max_side` long.

    Of moving pictures it is the first. Raises MediaError where the file is no picture or has
    more pixels than can be shown; that is read from its head, before anything is unpacked.
    """
    import av

    av.logging.set_level(None)
    path = Path(path).absolute()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise MediaError(f"{path.name}: too large for a picture; shrink it")
        # By its content alone: from a name such as x.jpg FFmpeg would make a pattern of names.
        with av.open(
            BytesIO(path.read_bytes()),
            container_options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            stream_options=[{"max_pixels": str(MAX_PIXELS)}],
        ) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None or stream.codec_context is None:
                raise MediaError(f"{path.name}: not a picture; give a JPEG, PNG, WebP, BMP or TIFF")
            width, height = stream.width, stream.height
            if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
                raise MediaError(f"{path.name}: {width} x {height} pixels are too many; shrink it")
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            frame = next(container.decode(stream))
            return Painter(stream).paint(frame, max_side)
    except (av.error.FFmpegError, ValueError, StopIteration) as error:
        raise MediaError(f"{path.name}: not a picture that can be read") from error
    except OSError as error:
        raise MediaError(f"{path.name}: cannot be read ({error.strerror})") from error
