"""Opens untrusted media and gives its decoded frames in time order from any point on.

Only self-contained formats are opened, and only from the local disk: a playlist or an edit list
dressed up as a video can reach neither the network nor another file. Times are seconds from the
file's first presentation time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from q2e.errors import MediaError

#: Demuxers that never follow a reference to another file or address.
_FORMATS = (
    "3gp,aac,ac3,aiff,amr,ape,apng,asf,au,av1,avi,caf,dirac,dts,dv,eac3,flac,flv,gif,h264,hevc,"
    "ivf,m4v,matroska,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,tta,vc1,w64,wav,webm,"
    "wtv,wv,"
    # Still pictures are let through to be refused by name.
    "bmp_pipe,jpeg_pipe,jpegxl_pipe,png_pipe,psd_pipe,tiff_pipe,webp_pipe"
)

#: Still pictures that come in an MP4-like file.
_STILL_BRANDS = ("avif", "heic", "heix", "mif1")

MAX_SIDE_PX = 16_384
MAX_PIXELS = 8_192 * 8_192

#: Every decoder thread holds a picture of its own: larger ones get fewer threads.
_HUGE_PIXELS = 4_096 * 2_304

#: Every picture of these builds on the ones before, whatever its flags say.
_WITHOUT_KEY_FRAMES = ("gif", "apng")

#: How far before the wanted time decoding starts; further back when no key frame was met there.
_PREROLLS_S = (1.0, 15.0, 120.0)

#: Two times closer than this are the same: stored times may have been rounded.
CLOSE_S = 1e-3


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(f"{path.name}: not a regular file; give a video file")
        if not os.access(path, os.R_OK):
            raise MediaError(f"{path.name}: permission denied; make the file readable")
    except FileNotFoundError as error:
        raise MediaError(f"{path.name}: does not exist; was it moved or deleted?") from error
    except PermissionError as error:
        raise MediaError(f"{path.name}: permission denied; make its folder readable") from error
    except OSError as error:
        raise MediaError(f"{path.name}: cannot be read ({error.strerror})") from error
    if status.st_size == 0:
        raise MediaError(f"{path.name}: empty file (0 bytes); copy it again")


def _unopened_reason(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return "truncated or damaged: its index (moov) is missing; copy it again"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "truncated or damaged: its header is incomplete; copy it again"
    return "not a video: no known video or audio format"


@contextmanager
def open_media(path: str | Path) -> Iterator[Any]:
    """Open a media file for reading and close it whatever happens.

    Yields a PyAV input container. Raises MediaError with a one-line reason, also for what goes
    wrong inside FFmpeg while the container is in use.
    """
    import av

    av.logging.set_level(None)  # its log callback can deadlock with decoder threads
    path = Path(path).absolute()
    _check_file(path)
    try:
        container = av.open(
            str(path),
            container_options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            metadata_errors="replace",
        )
    except PermissionError as error:
        raise MediaError(f"{path.name}: permission denied; make the file readable") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{path.name}: {_unopened_reason(path)}") from error
    with container:
        brand = container.metadata.get("major_brand", "")
        if container.format.name.endswith("_pipe") or brand in _STILL_BRANDS:
            kind = brand or container.format.name.removesuffix("_pipe")
            raise MediaError(f"{path.name}: a still image ({kind.upper()}), not a video")
        try:
            yield container
        except av.error.FFmpegError as error:
            raise MediaError(f"{path.name}: cannot be decoded ({error.strerror})") from error


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
    with open_media(container.name) as again:  # seeking back to the start may miss it
        yield from decode_from(again, again.streams[stream.index], 0.0)


def _seek(container: Any, time_s: float) -> bool:
    import av

    try:
        container.seek(round((time_s + origin_s(container)) * 1_000_000))
    except (av.error.FFmpegError, OSError):
        return False
    return True
