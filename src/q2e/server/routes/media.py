"""The media themselves: files by range, frames, filmstrips, storyboards and clips."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Header, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response, StreamingResponse

from q2e.decoding.pool import QUICK
from q2e.server.faults import Fault
from q2e.server.pictures import rounded
from q2e.server.routes.videos import VideoId
from q2e.server.service import Service, TheService
from q2e.types import Video

router = APIRouter(prefix="/v1/videos/{video}", tags=["media"])

_CHUNK = 256 * 1024
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
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": _BINARY}}}
_BYTES: dict[str, Any] = {"content": {"*/*": _BINARY}}

Seconds = Annotated[float, Query(ge=0, le=1e6)]


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and last byte asked for, or None for the whole file.

    Several ranges at once, and units other than bytes, are answered with the whole file, as
    RFC 9110 section 14.2 allows. Raises Fault for a range that lies outside.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None
    begin = int(first) if first else max(0, size - int(last))
    end = min(size - 1, int(last)) if first and last else size - 1
    if begin > end or (not first and int(last) == 0):
        raise Fault(
            416,
            "bad_range",
            f"bytes {header[:60] if header else ''!r} lie outside the file's {size}",
            "ask for a range inside the file",
            {"Content-Range": f"bytes */{size}"},
        )
    return begin, end


@router.get(
    "/media",
    operation_id="media",
    response_class=Response,
    responses={200: _BYTES, 206: _BYTES | {"description": "The range asked for."}},
)
def media(
    service: TheService,
    video: VideoId,
    range: Annotated[str | None, Header(max_length=200)] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Send the media file, or the range of its bytes that is asked for."""
    known = service.video(video)
    path = _file(known)
    size = path.stat().st_size
    tag = f'"{known.id}"'
    wanted = parse_range(range, size) if if_range in (None, tag) else None
    begin, end = wanted or (0, size - 1)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(end - begin + 1),
        "cache-control": "private, max-age=3600",
        "etag": tag,
    }
    if wanted:
        headers["content-range"] = f"bytes {begin}-{end}/{size}"
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    return StreamingResponse(_read(path, begin, end), 206 if wanted else 200, headers, kind)


def _file(video: Video) -> Path:
    """Return the file of a video, which the index alone names, never the request."""
    if not video.path:
        raise Fault(
            404,
            "not_found",
            f"video {video.id[:80]} was imported without its file",
            "index the file to see it",
        )
    path = Path(video.path)
    if not path.is_file():
        raise Fault(
            404,
            "not_found",
            f"the file of video {video.id[:80]} is gone",
            "put it back, or remove it with  q2e remove --missing",
        )
    return path


def _read(path: Path, begin: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        left = end - begin + 1
        while left > 0 and (piece := file.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece


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
    """Send the pictures of a video at `times_of` it as one JPEG, kept from then on."""

    def work() -> bytes:
        from q2e.decoding import doors

        known = service.video(video)
        path = _file(known)
        if not known.has_video:
            raise Fault(
                404, "not_found", f"video {known.id[:80]} has no pictures, only sound", "play it"
            )
        draw = doors.storyboard if kind == "storyboard" else doors.filmstrip
        times_s, width = times_of(known), rounded(w)
        key = (kind, known.id, *times_s, width)
        return service.pictures.get(key, lambda: draw(path, times_s, width, allowance=QUICK))

    picture = await service.drawing.run(request, work)
    headers = {"cache-control": "private, max-age=86400, immutable"}
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

    def work() -> Path:
        from q2e.decoding.doors import cut, suffix_for

        known = service.video(video)
        path = _file(known)
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
    name = quote(f"{Path(service.video(video).path).stem}-{start:g}-{end:g}{out.suffix}", safe="")
    return FileResponse(
        out,
        media_type=_TYPES[out.suffix],
        headers={"content-disposition": f"attachment; filename*=utf-8''{name}"},
        background=BackgroundTask(out.unlink, missing_ok=True),
    )
