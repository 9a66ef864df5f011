"""Stretches of files as every browser plays them: encoded once, small, and kept within bounds."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from q2e.cache import Fingerprint, fingerprint
from q2e.server.faults import Fault
from q2e.server.files import file_of, ranged, unchanged
from q2e.server.service import Service
from q2e.types import Video

#: MP4 with H.264 and AAC, or WebM with VP9 and Opus for browsers that may not hold these.
Form = Literal["mp4", "webm"]
#: Longest side of the picture, in pixels.
SIDE_PX = 854
#: Raised when the same stretch would be encoded otherwise.
_VERSION = 1
_HEADERS = {"cache-control": "private, max-age=86400"}


def stretch(video: str, start_s: float, end_s: float, form: Form = "mp4") -> Fingerprint:
    """Return what a stretch of a video (its id) is kept under."""
    method = f"playable(start_s={start_s:.2f}, end_s={end_s:.2f}, side_px={SIDE_PX})"
    method += "" if form == "mp4" else f" as {form}"
    return fingerprint(video, method=method, version=_VERSION)


async def playable(
    request: Request,
    service: Service,
    video: Video,
    start_s: float,
    end_s: float,
    form: Form = "mp4",
) -> Response:
    """Send a stretch of a video in a form that browsers play, or the range that is asked for.

    It is made by a decoding process the first time, while the one who asks waits for it. Raises
    Fault where the stretch is empty or too long.
    """
    start_s, end_s = round(start_s, 2), round(min(end_s, video.duration_s or end_s), 2)
    most_s = service.limits.playable_s
    if end_s <= start_s:
        raise Fault(
            400,
            "bad_setting",
            f"nothing lies between {start_s:g} s and {end_s:g} s",
            f"ask for a stretch inside the video, which has {video.duration_s:g} s",
        )
    end_s = min(end_s, start_s + most_s)
    which = stretch(video.id, start_s, end_s, form)
    headers = _HEADERS | {"etag": f'"{which.key}"'}
    if (held := unchanged(request, headers)) is not None:
        return held

    def make() -> bytes:
        return _made(video, start_s, end_s, form)

    def work() -> bytes:
        return service.playable.of(which, make, about=(video.id,))

    data = await asyncio.to_thread(service.playable.get, which)
    if data is None:
        data = await service.making.run(request, work)
    return ranged(request, data, headers, f"video/{form}")


def _made(video: Video, start_s: float, end_s: float, form: Form) -> bytes:
    from q2e.decoding.doors import join
    from q2e.decoding.pool import QUICK
    from q2e.media.clip import Piece

    piece = Piece(str(file_of(video)), start_s, end_s)
    with tempfile.TemporaryDirectory(prefix="q2e-playable-") as folder:
        out = Path(folder, f"stretch.{form}")
        join([piece], out, max_side=SIDE_PX, allowance=QUICK)
        return out.read_bytes()
