"""Takes files that clients hand in as examples: bounded, looked at in another process, forgotten.

What comes in is hostile. It is written to a file whose name we choose, and a decoding process
that has little memory and time looks at it (`q2e.decoding`). Of a picture only our own new JPEG of
it is kept.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from q2e.errors import MediaError
from q2e.server.faults import Fault

#: Examples kept at once; the oldest goes first.
_KEPT = 64
#: Longest clip or sound to search by, and most pixels in all its pictures (ten minutes of 1080p
#: at 30 a second have 37 billion).
_LONGEST_S, _MOST_PIXELS = 600.0, 50e9


@dataclass(frozen=True, slots=True)
class Upload:
    """An example that was handed in and looked at."""

    id: str
    kind: Literal["image", "video", "sound"]
    path: Path
    duration_s: float
    width: int
    height: int

    def shape(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "duration": round(self.duration_s, 3),
            "width": self.width,
            "height": self.height,
        }


class Uploads:
    """The examples of one server, in a folder that goes when the server does."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, file: IO[bytes], most_bytes: int) -> Upload:
        """Keep a file as an example. Raises Fault where it is no picture, clip or sound."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="q2e-examples-"))
        name = "up-" + secrets.token_hex(12)
        raw, kept = self._folder / f"{name}.raw", self._folder / f"{name}.example"
        try:
            with raw.open("xb") as out:
                while piece := file.read(1 << 20):
                    if out.tell() + len(piece) > most_bytes:
                        raise Fault(
                            413,
                            "too_large",
                            f"the file has more than {most_bytes} bytes",
                            "send a shorter or smaller one",
                        )
                    out.write(piece)
            seen = look(raw, kept)
        finally:
            raw.unlink(missing_ok=True)
        upload = Upload(name, seen["kind"], kept, seen["duration_s"], seen["width"], seen["height"])
        with self._lock:
            self._kept[name] = upload
            while len(self._kept) > _KEPT:
                _, old = self._kept.popitem(last=False)
                old.path.unlink(missing_ok=True)
        return upload

    def path(self, name: str) -> Path:
        """Return the file of an example. Raises Fault for an id that is not known (any more)."""
        with self._lock:
            upload = self._kept.get(name)
        if upload is None:
            raise Fault(
                404,
                "not_found",
                f"there is no example {name[:40]!r}",
                "upload it again with POST /v1/examples",
            )
        return upload.path

    def close(self) -> None:
        """Delete all examples."""
        with self._lock:
            self._kept.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None


def look(raw: Path, kept: Path) -> dict[str, Any]:
    """Find out what a file is, in a decoding process, and write to `kept` what is safe to use.

    Raises Fault where it is nothing to search by, or needs too much.
    """
    try:
        return _looked(raw, kept)
    except MediaError as error:
        problem = str(error).removeprefix(f"{raw.name}: ")
    raise Fault(
        415,
        "unreadable_upload",
        problem,
        "send a JPEG, PNG or WebP picture, or a clip or sound of at most ten minutes",
    )


def _looked(raw: Path, kept: Path) -> dict[str, Any]:
    from q2e.decoding.doors import probe, read_still
    from q2e.decoding.pool import STRANGE
    from q2e.media.frames import save_jpeg

    try:
        video = probe(raw, video_id="example", allowance=STRANGE)
    except MediaError as no_video:
        try:
            image = read_still(raw, allowance=STRANGE)
        except MediaError:
            raise no_video from None
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        if min(width, height) < 2:
            raise MediaError("the picture has too few pixels") from None
        save_jpeg(image[:height, :width], kept)
        return {"kind": "image", "duration_s": 0.0, "width": width, "height": height}
    if video.duration_s > _LONGEST_S:
        raise MediaError(f"{video.duration_s:.0f} s are too long for an example")
    pixels = video.width * video.height * video.rate_hz * video.duration_s
    if pixels > _MOST_PIXELS:
        raise MediaError(
            f"{pixels / 1e9:.0f} billion pixels are too many for an example; at most "
            f"{_MOST_PIXELS / 1e9:.0f} billion"
        )
    raw.rename(kept)
    return {
        "kind": "video" if video.has_video else "sound",
        "duration_s": video.duration_s,
        "width": video.width,
        "height": video.height,
    }
