"""The one door to decoders: opens untrusted media, and turns whatever goes wrong inside into words.

Only self-contained formats are opened, and only from the local disk: a playlist or an edit list
dressed up as a video can reach neither the network nor another file. Whatever a decoder raises on
a damaged file, foreseen or not, leaves here as MediaError.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from q2e.errors import MediaError, Q2EError
from q2e.paths import shown, shown_name

#: Demuxers that never follow a reference to another file or address.
_FORMATS = (
    "3gp,aac,ac3,aiff,amr,ape,apng,asf,au,av1,avi,caf,dirac,dts,dv,eac3,flac,flv,gif,h264,hevc,"
    "ivf,m4v,matroska,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,tta,vc1,w64,wav,webm,"
    "wtv,wv,"
    # Still pictures are let through to be refused by name.
    "bmp_pipe,jpeg_pipe,jpegxl_pipe,png_pipe,psd_pipe,tiff_pipe,webp_pipe"
)
_STILL_FORMATS = "bmp_pipe,gif,jpeg_pipe,png_pipe,tiff_pipe,webp_pipe,apng,mov,mp4"

#: Still pictures that come in an MP4-like file.
_STILL_BRANDS = ("avif", "heic", "heix", "mif1")

MAX_SIDE_PX = 16_384
MAX_PIXELS = 8_192 * 8_192
_MAX_STILL_BYTES = 256 << 20


@contextmanager
def told_as(name: str, what: str = "cannot be decoded") -> Iterator[None]:
    """Turn what fails inside into MediaError `NAME: WHAT (why)`.

    Our own errors pass, and so do those of the system that are no decoder's, such as a full disk.
    """
    import av

    try:
        yield
    except Q2EError:
        raise
    except av.error.FFmpegError as error:
        raise MediaError(f"{name}: {what} ({error.strerror})") from error
    except OSError:
        raise
    except MemoryError as error:
        raise MediaError(f"{name}: {what} (it needs more memory than there is)") from error
    except Exception as error:  # a damaged file makes decoders raise anything
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise MediaError(f"{name}: {what} ({reason})") from error


@contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Open a media file for reading and close it whatever happens.

    Yields a PyAV input container. Raises MediaError with a one-line reason, also for what goes
    wrong inside a decoder while the container is in use.
    """
    av = _library()
    path = Path(path).absolute()
    name = shown_name(path)
    _check_file(path)
    try:
        container = av.open(
            str(path),
            container_options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            metadata_errors="surrogateescape",
        )
    except PermissionError as error:
        raise MediaError(f"{name}: permission denied; make the file readable") from error
    except Exception as error:  # as in `told_as`
        raise MediaError(f"{name}: {_unopened_reason(path)}") from error
    with told_as(name), container:
        brand = container.metadata.get("major_brand", "")
        if container.format.name.endswith("_pipe") or brand in _STILL_BRANDS:
            kind = brand or container.format.name.removesuffix("_pipe")
            raise MediaError(f"{name}: a still image ({shown(kind.upper())}), not a video")
        yield container


@contextmanager
def opened_still(path: str | Path) -> Iterator[Any]:
    """Open a picture file, of moving pictures too, as `opened` does a media file.

    What it is is told by its content alone. Raises MediaError.
    """
    av = _library()
    path = Path(path).absolute()
    name = shown_name(path)
    _check_file(path)
    if path.stat().st_size > _MAX_STILL_BYTES:
        raise MediaError(f"{name}: too large for a picture; shrink it")
    # From a name such as x.jpg FFmpeg would make a pattern of names.
    with (
        told_as(name, "not a picture that can be read"),
        av.open(
            BytesIO(path.read_bytes()),
            container_options={"protocol_whitelist": "file", "format_whitelist": _STILL_FORMATS},
            stream_options=[{"max_pixels": str(MAX_PIXELS)}],
        ) as container,
    ):
        yield container


def _library() -> Any:
    import av

    av.logging.set_level(None)  # its log callback can deadlock with decoder threads
    return av


def _check_file(path: Path) -> None:
    name = shown_name(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(f"{name}: not a regular file; give a video file")
        if not os.access(path, os.R_OK):
            raise MediaError(f"{name}: permission denied; make the file readable")
    except PermissionError as error:
        raise MediaError(f"{name}: permission denied; make its folder readable") from error
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise MediaError(f"{name}: does not exist; was it moved or deleted?") from error
        raise MediaError(f"{name}: cannot be read ({error.strerror})") from error
    if status.st_size == 0:
        raise MediaError(f"{name}: empty file (0 bytes); copy it again")


def _unopened_reason(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return "truncated or damaged: its index (moov) is missing; copy it again"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "truncated or damaged: its header is incomplete; copy it again"
    return "not a video: no known video or audio format"
