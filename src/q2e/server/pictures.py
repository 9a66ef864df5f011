"""Keeps pictures that are asked again and again on disk, within bounds, by content and size."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from q2e.cache import cache_dir, content_key, write_whole

#: Widths in which pictures are made; what is asked is rounded up, so that few are kept.
WIDTHS = (96, 160, 240, 320, 480, 640, 960, 1280, 1920)
#: Pictures written between two looks at how much room all of them take.
_LOOK_EVERY = 200


def rounded(width: int) -> int:
    """Return the least of `WIDTHS` that is as wide, or the widest."""
    return next((one for one in WIDTHS if one >= width), WIDTHS[-1])


class Pictures:
    """JPEG files by key; the ones not asked for longest go when there are too many bytes."""

    def __init__(self, most_bytes: int, folder: Path | None = None) -> None:
        self.folder = folder or cache_dir() / "pictures"
        self.most_bytes = most_bytes
        self._written = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
        """Return the picture of this key, made now where it is not kept."""
        name = content_key(*map(str, key))
        path = self.folder / name[:2] / f"{name}.jpg"
        try:
            kept = path.read_bytes()
        except OSError:
            pass
        else:
            with contextlib.suppress(OSError):
                path.touch()
            return kept
        made = make()
        # A picture that cannot be kept, as on a full disk, is still shown.
        with contextlib.suppress(OSError):
            write_whole(path, lambda file: file.write(made))
        self._count()
        return made

    def _count(self) -> None:
        with self._lock:
            self._written += 1
            if self._written % _LOOK_EVERY != 0:
                return
            self.tidy()

    def tidy(self) -> None:
        """Delete the pictures not asked for longest until a fifth of the room is free."""
        with contextlib.suppress(OSError):
            found = [(file.stat(), file) for file in self.folder.glob("*/*.jpg")]
            total = sum(stat.st_size for stat, _ in found)
            if total <= self.most_bytes:
                return
            for stat, file in sorted(found, key=lambda one: one[0].st_mtime):
                file.unlink(missing_ok=True)
                total -= stat.st_size
                if total <= 0.8 * self.most_bytes:
                    return
