"""Takes videos that are dropped on the page, in pieces: bounded, and gone on with after a break.

A piece is added only where the one before ended, so that what was cut off is sent again from there.
The name is a stranger's: only its last part is kept, and of that what no path can be made of.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from q2e.cache import content_key
from q2e.paths import lies_within
from q2e.server.faults import Fault

#: Files that are being sent at once, and after how long a broken one is thrown away.
_AT_ONCE, _FORGOTTEN_S = 8, 24 * 3600.0
#: Longest name, in bytes.
_NAME = 120
_PART = ".part"


class Incoming:
    """The videos that are sent to the collection in `directory`.

    They come to lie in its folder `uploads`, or where `roots` are the only folders that may be
    indexed, in `uploads` of the first. At most `most_bytes` a file and `room_bytes` of all.
    """

    def __init__(
        self, directory: Path, roots: Sequence[Path] | None, most_bytes: int, room_bytes: int
    ) -> None:
        self._roots = roots
        within = roots is None or lies_within(directory, tuple(roots))
        base = directory if within or not roots else roots[0]
        self._folder = base / "uploads"
        self._most_bytes, self._room_bytes = most_bytes, room_bytes
        self._lock = threading.Lock()

    def received(self, name: str, size: int) -> int:
        """Return how many bytes of a file are there; all where it is there whole."""
        whole, part = self._files(name, size)
        if whole.is_file() and whole.stat().st_size == size:
            return size
        return part.stat().st_size if part.is_file() else 0

    def take(
        self, name: str, size: int, offset: int, data: bytes, check: Callable[[Path], object]
    ) -> tuple[int, Path | None]:
        """Add a piece; returns how many bytes are there, and the file once it is whole.

        `check` looks at a whole file before it comes to lie under its name, and raises where it is
        no video; then it is thrown away. Raises Fault where a piece does not fit, or there is no
        room.
        """
        with self._lock:
            whole, part = self._files(name, size)
            there = self.received(name, size)
            if there == size:
                return size, whole
            if offset != there or offset + len(data) > size:
                raise Fault(
                    409,
                    "changed",
                    f"the piece begins at {offset} and {there} bytes of {size} are there",
                    f"go on from {there}",
                )
            self._make_room(part, size)
            with part.open("ab") as file:
                file.write(data)
            if offset + len(data) < size:
                return offset + len(data), None
        try:
            check(part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        part.replace(whole)
        return size, whole

    def _make_room(self, part: Path, size: int) -> None:
        if self._roots is not None and not self._roots:
            raise Fault(
                403,
                "unsafe_path",
                "this server takes no videos: it may index no folder",
                "start  q2e serve  with  --folder DIR",
            )
        if size > self._most_bytes:
            raise Fault(
                413,
                "too_large",
                f"the file has {size} bytes",
                f"send one of at most {self._most_bytes} bytes, or index it from the server's disk",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        for old in self._folder.glob(f"*{_PART}"):
            if now - old.stat().st_mtime > _FORGOTTEN_S:
                old.unlink(missing_ok=True)
        others = [one for one in self._folder.iterdir() if one != part]
        if sum(one.suffix == _PART for one in others) >= _AT_ONCE:
            raise Fault(429, "busy", f"{_AT_ONCE} files are being sent", "wait for one of them")
        if sum(one.stat().st_size for one in others) + size > self._room_bytes:
            raise Fault(
                413, "too_large", "there is no room for this file", "remove some that were sent"
            )

    def _files(self, name: str, size: int) -> tuple[Path, Path]:
        """Return where a file of this name and size lies when it is whole, and until then."""
        kept = _kept_name(name)
        key = content_key(kept, str(size))[:8]
        whole = self._folder / f"{Path(kept).stem}-{key}{Path(kept).suffix}"
        return whole, whole.with_name(whole.name + _PART)


def _kept_name(name: str) -> str:
    """Return what is kept of a name: letters, digits and a few signs of its last part."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(c if c.isalnum() or c in " ._-()" else "_" for c in last).strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    if not dot or not suffix.isascii():
        stem, suffix = kept, "video"
    while len(stem.encode()) > _NAME:
        stem = stem[:-1]
    return f"{stem or 'video'}.{suffix[:10].lower()}"
