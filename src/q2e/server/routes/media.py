"""The media themselves: files by range, frames, filmstrips, storyboards and clips."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from q2e.cache import content_key
from q2e.decoding.pool import QUICK
from q2e.paths import named_after, shown
from q2e.server.faults import Fault
from q2e.server.files import SentFile, file_of, unchanged
from q2e.server.pictures import drawn, rounded
from q2e.server.playable import Form, playable
from q2e.server.routes.videos import VideoId
from q2e.server.service import Service, TheService
from q2e.types import Video

router = APIRouter(prefix="/v1/videos/{video:path}", tags=["media"])

#: Types a browser can do nothing with but play; everything else is sent as plain bytes.
_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".3gp": "video/3gpp",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".ogv": "video/ogg",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".ts": "video/mp2t",
    ".gif": "image/gif",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": _BINARY}}}
_BYTES: dict[str, Any] = {"content": {"*/*": _BINARY}}
_MP4: dict[str, Any] = {"content": {"video/mp4": _BINARY}}
_PLAYED: dict[str, Any] = {"content": {"video/mp4": _BINARY, "video/webm": _BINARY}}
#: Seconds of a file that are made playable at once.
STRETCH_S = 30.0

Seconds = Annotated[float, Query(ge=0, le=1e6)]


@router.get(
    "/media",
    operation_id="media",
    response_class=Response,
    responses={200: _BYTES, 206: _BYTES | {"description": "The range asked for."}},
)
def media(request: Request, service: TheService, video: VideoId) -> Response:
    """Send the media file, or the range of its bytes that is asked for."""
    path = file_of(service.video(video))
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    headers = {"cache-control": "private, max-age=3600"}
    sent = SentFile(path, headers=headers, media_type=kind, stat_result=path.stat())
    return unchanged(request, sent.headers) or sent


# -- pictures -------------------------------------------------------------------------------------
@router.get("/frame", operation_id="frame", response_class=Response, responses=_JPEG)
async def frame(
    request: Request,
    service: TheService,
    video: VideoId,
    t: Seconds = 0.0,
    w: Annotated[int, Query(ge=16, le=1920)] = 320,
) -> Response:
    """Send the picture on screen at second `t` as JPEG, about `w` pixels wide."""
    return await _drawn(
        request, service, video, "frame", w, lambda known: [round(_within(t, known), 2)]
    )


@router.get("/filmstrip", operation_id="filmstrip", response_class=Response, responses=_JPEG)
async def filmstrip(
    request: Request,
    service: TheService,
    video: VideoId,
    start: Seconds = 0.0,
    end: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    n: Annotated[int, Query(ge=1, le=32)] = 10,
    w: Annotated[int, Query(ge=16, le=480)] = 160,
) -> Response:
    """Send `n` pictures of a stretch side by side as one JPEG, each about `w` pixels wide."""
    return await _drawn(
        request, service, video, "filmstrip", w, lambda known: _spread(start, end, n, known)
    )


@router.get("/storyboard", operation_id="storyboard", response_class=Response, responses=_JPEG)
async def storyboard(
    request: Request,
    service: TheService,
    video: VideoId,
    start: Seconds = 0.0,
    end: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    n: Annotated[int, Query(ge=1, le=24)] = 12,
    w: Annotated[int, Query(ge=320, le=1920)] = 960,
) -> Response:
    """Send a sheet of pictures of a stretch, each with its time, as one JPEG."""
    return await _drawn(
        request, service, video, "storyboard", w, lambda known: _spread(start, end, n, known)
    )


async def _drawn(
    request: Request,
    service: Service,
    video: str,
    kind: Literal["frame", "filmstrip", "storyboard"],
    w: int,
    times_of: Callable[[Video], list[float]],
) -> Response:
    """Send the pictures of the video of an id at `times_of` it as `drawing` does."""
    known = await asyncio.to_thread(service.video, video)
    return await drawing(request, service, known, kind, w, times_of(known))


async def drawing(
    request: Request,
    service: Service,
    known: Video,
    kind: Literal["frame", "filmstrip", "storyboard"],
    w: int,
    times_s: list[float],
) -> Response:
    """Send the pictures of a video at some times as one JPEG, kept from then on."""
    width = rounded(w)
    which = drawn(known.id, kind, times_s, width)
    headers = {
        "cache-control": "private, max-age=86400, immutable",
        "etag": f'"{which.key}"',
    }
    if (held := unchanged(request, headers)) is not None:
        return held

    def work() -> bytes:
        from q2e.decoding import doors

        path = file_of(known)
        if not known.has_video:
            raise Fault(
                404, "not_found", f"video {known.id[:80]} has no pictures, only sound", "play it"
            )
        draw = doors.storyboard if kind == "storyboard" else doors.filmstrip
        return service.pictures.of(
            which, lambda: draw(path, times_s, width, allowance=QUICK), about=(known.id,)
        )

    picture = await service.drawing.run(request, work)
    return Response(picture, headers=headers, media_type="image/jpeg")


def _within(time_s: float, video: Video) -> float:
    return min(time_s, max(0.0, video.duration_s))


def _spread(start_s: float, end_s: float | None, n: int, video: Video) -> list[float]:
    """Return the middles of `n` equal stretches, in hundredths of a second."""
    first = _within(start_s, video)
    last = max(first, _within(video.duration_s if end_s is None else end_s, video))
    middles = first + (np.arange(n) + 0.5) * (last - first) / n
    return [round(float(time_s), 2) for time_s in middles]


# -- clips ----------------------------------------------------------------------------------------
@router.get("/clip", operation_id="clip", response_class=Response, responses={200: _BYTES})
async def clip(
    request: Request,
    service: TheService,
    video: VideoId,
    start: Seconds,
    end: Seconds,
    exact: bool = False,
) -> Response:
    """Send a stretch as a file of its own: copied from a key frame on, or `exact` but encoded."""
    if end <= start:
        raise Fault(
            400,
            "bad_setting",
            f"nothing lies between {start:g} s and {end:g} s",
            "ask for an end after the start",
        )
    most_s = service.limits.exact_clip_s if exact else service.limits.clip_s
    if end - start > most_s:
        raise Fault(
            400, "too_large", f"the clip has {end - start:g} s", f"ask for at most {most_s:g} s"
        )

    known = await asyncio.to_thread(service.video, video)
    headers = {"etag": f'"{content_key("clip", known.id, str(start), str(end), str(exact))}"'}
    if (held := unchanged(request, headers)) is not None:
        return held

    def work() -> Path:
        from q2e.decoding.doors import cut, suffix_for

        path = file_of(known)
        suffix = ".mp4" if exact else suffix_for(path)
        with tempfile.NamedTemporaryFile(prefix="q2e-clip-", suffix=suffix, delete=False) as file:
            out = Path(file.name)
        try:
            cut(path, start, end, out, exact=exact, allowance=QUICK)
        except BaseException:
            out.unlink(missing_ok=True)
            raise
        return out

    out = await service.drawing.run(request, work)
    name = quote(shown(named_after(known.path, f"-{start:g}-{end:g}{out.suffix}")), safe="")
    return SentFile(
        out,
        media_type=_TYPES[out.suffix],
        headers=headers | {"content-disposition": f"attachment; filename*=utf-8''{name}"},
        background=BackgroundTask(out.unlink, missing_ok=True),
    )


@router.get(
    "/playable",
    operation_id="playable",
    response_class=Response,
    responses={200: _PLAYED, 206: _PLAYED | {"description": "The range asked for."}},
)
async def playable_stretch(
    request: Request,
    service: TheService,
    video: VideoId,
    start: Seconds = 0.0,
    form: Annotated[Form, Query(description="H.264 and AAC, or VP9 and Opus.")] = "mp4",
) -> Response:
    """Send half a minute from `start` on as browsers play it, small."""
    known = await asyncio.to_thread(service.video, video)
    return await playable(request, service, known, start, start + STRETCH_S, form)
