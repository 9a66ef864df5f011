"""Whether a time can be sought in a file, or only be reached by reading up to it.

Files joined end to end have several clocks; what FFmpeg knows of times is that of one of them.
"""

from __future__ import annotations

import mmap
from functools import lru_cache
from pathlib import Path

from q2e.media.transport import leaps

_EBML, _EBML_VERSION = b"\x1aE\xdf\xa3", b"\x42\x86\x81\x01"
_SEGMENT = b"\x18S\x80g"
_FLAC = b"fLaC\0\0\0\x22"


def can_seek(format_name: str, path: str) -> bool:
    """Return whether a time can be sought in the file, which FFmpeg opened as this format."""
    status = Path(path).stat()
    return _can_seek(format_name, path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _can_seek(format_name: str, path: str, size: int, changed_ns: int) -> bool:
    match format_name:
        case "ogg":  # made of links, each with a clock of its own, which only reading tells
            return False
        case "mpegts" | "mpeg":
            return not leaps(path)
        case "flac":
            return not _again(path, _FLAC, 1)
        case "matroska,webm":
            return not _joined_matroska(path, size)
    return True


def _joined_matroska(path: str, size: int) -> bool:
    """Return whether another document follows on the first one's only segment."""
    with Path(path).open("rb") as file:
        head = file.read(4096)
    at = head.find(_SEGMENT)
    if at < 0:
        return False
    length, known = _length(head[at + 4 : at + 12])
    if known and at + 4 + length >= size:
        return False
    return _again(path, _EBML, at + 4 + (length if known else 0))


def _length(raw: bytes) -> tuple[int, bool]:
    """Return the bytes a segment takes behind its name, and whether they are known at all."""
    width = 9 - raw[0].bit_length() if raw and raw[0] else 9
    if width > len(raw):
        return 0, False
    value = int.from_bytes(raw[:width], "big") & (1 << 7 * width) - 1
    return width + value, value != (1 << 7 * width) - 1


def _again(path: str, mark: bytes, start: int) -> bool:
    """Return whether the beginning of a document is found from a place on."""
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        at = data.find(mark, start)
        while at >= 0:
            if mark != _EBML or _EBML_VERSION in data[at : at + 24]:
                return True
            at = data.find(mark, at + 1)
    return False
