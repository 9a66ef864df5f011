"""What the link to one tray shows: its moments, their pictures and clips, and nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from q2e.paths import shown_name
from q2e.server.faults import Fault
from q2e.server.playable import playable
from q2e.server.routes.media import drawing
from q2e.server.routes.trays import FILES, Made, shown, written
from q2e.server.service import Service, TheService
from q2e.server.traying import SharedShape
from q2e.trays import Picked
from q2e.types import Video

router = APIRouter(prefix="/v1/shared/{secret}", tags=["trays"])

Secret = Annotated[str, Path(min_length=1, max_length=200)]
Number = Annotated[int, Path(ge=0, le=10_000)]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get("", response_model=SharedShape, operation_id="shared")
def shared(service: TheService, secret: Secret) -> JSONResponse:
    """Return the tray that a link shows; of the videos no path and no id."""
    tray = shown(service, secret)
    told = []
    for one in tray.moments:
        video = service.index.store.video(one.video)
        if video is not None:
            about = {
                "title": video.title or shown_name(video.path).rpartition(".")[0],
                "has_video": video.has_video,
                "playable": bool(video.path),
            }
            told.append({"start": one.start_s, "end": one.end_s, "note": one.note} | about)
    return JSONResponse({"name": tray.name, "changed": tray.changed, "moments": told})


@router.get(
    "/frame/{number}",
    operation_id="shared_frame",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": _BINARY}}},
)
async def frame(
    request: Request,
    service: TheService,
    secret: Secret,
    number: Number,
    w: Annotated[int, Query(ge=16, le=960)] = 480,
) -> Response:
    """Send the picture in the middle of a moment of the tray."""
    one, video = _moment(service, secret, number)
    times_s = [round((one.start_s + one.end_s) / 2, 2)]
    return await drawing(request, service, video, "frame", w, times_s)


@router.get(
    "/clip/{number}",
    operation_id="shared_clip",
    response_class=Response,
    responses={200: {"content": {"video/mp4": _BINARY}}},
)
async def clip(request: Request, service: TheService, secret: Secret, number: Number) -> Response:
    """Send a moment of the tray as a clip that every browser plays."""
    one, video = _moment(service, secret, number)
    return await playable(request, service, video, one.start_s, one.end_s)


@router.get("/export", operation_id="shared_export", response_class=Response, responses=FILES)
async def export(
    request: Request,
    service: TheService,
    secret: Secret,
    format: Annotated[Made, Query(description="`mp4` (one reel) or `zip` (its clips).")] = "mp4",
) -> Response:
    """Return the tray as one reel or as its clips; lists would name the server's files."""
    return await written(request, service, shown(service, secret), format)


def _moment(service: Service, secret: str, number: int) -> tuple[Picked, Video]:
    held = [
        (one, video)
        for one in shown(service, secret).moments
        if (video := service.index.store.video(one.video)) is not None
    ]
    if number >= len(held):
        raise Fault(404, "not_found", f"the tray has no moment {number}", "reload it")
    return held[number]
