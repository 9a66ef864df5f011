"""What is known about videos: lists, records, transcripts, timelines and chapters."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from q2e import shape
from q2e.export import spoken, transcript
from q2e.server.answers import (
    ChaptersShape,
    FoldersShape,
    TimelineShape,
    VideoRecordShape,
    VideosShape,
)
from q2e.server.folders import folders_of
from q2e.server.schemas import Cut
from q2e.server.service import TheService
from q2e.store.catalogue import Wanted

router = APIRouter(tags=["videos"])

_TRANSCRIPTS = {"json": "application/json", "srt": "application/x-subrip", "vtt": "text/vtt"}
Sorted = Literal["path", "title", "date", "length"]
VideoId = Annotated[str, Path(min_length=1, max_length=200, examples=["0123abcd"])]


@router.get("/v1/videos", response_model=VideosShape, operation_id="videos")
def videos(
    service: TheService,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    find: Annotated[
        str | None, Query(max_length=200, description="Words of name, folder, title, tags.")
    ] = None,
    folder: Annotated[
        str | None, Query(max_length=4096, description="Only videos below this folder.")
    ] = None,
    sort: Annotated[
        Sorted, Query(description="What comes first; dates and lengths: most.")
    ] = "path",
) -> JSONResponse:
    """List the indexed videos, all of them or those that have some words or lie in a folder."""
    store, wanted = service.index.store, Wanted(find or "", folder or "", sort)
    with store.snapshot():
        total = store.count(wanted)
        shown = [shape.video(video) for video in store.videos(wanted, offset, limit)]
    return JSONResponse({"total": total, "offset": offset, "videos": shown})


@router.get("/v1/folders", response_model=FoldersShape, operation_id="folders")
def folders(service: TheService) -> JSONResponse:
    """Count the videos of each folder, those in folders below it included."""
    return JSONResponse({"folders": folders_of(service.index.store.folders())})


@router.get(
    "/v1/videos/{video:path}/timeline", response_model=TimelineShape, operation_id="timeline"
)
def timeline(service: TheService, video: VideoId) -> JSONResponse:
    """Return the segments and all evidence of one video, by channel."""
    known = service.video(video)
    channels: dict[str, list[shape.Json]] = defaultdict(list)
    for evidence in service.index.store.evidence_of(known.id):
        channels[evidence.channel].append(shape.evidence(evidence, words=True))
    return JSONResponse(
        {
            "video": known.id,
            "duration": round(known.duration_s, 3),
            "segments": [shape.segment(one) for one in service.index.store.segments(known.id)],
            "evidence": channels,
        }
    )


@router.get(
    "/v1/videos/{video:path}/transcript",
    operation_id="transcript",
    response_class=Response,
    responses={200: {"content": {key: {} for key in _TRANSCRIPTS.values()}}},
)
def get_transcript(
    service: TheService,
    video: VideoId,
    format: Annotated[Literal["json", "srt", "vtt"], Query()] = "json",
) -> Response:
    """Return what is said in one video, as timed lines or subtitles."""
    lines = spoken(service.index.store.evidence_of(service.video(video).id))
    kind = f"{_TRANSCRIPTS[format]}; charset=utf-8"
    return Response(transcript(lines, format), media_type=kind)


@router.get(
    "/v1/videos/{video:path}/chapters", response_model=ChaptersShape, operation_id="chapters"
)
async def chapters(
    request: Request, service: TheService, video: VideoId, given: Annotated[Cut, Query()]
) -> JSONResponse:
    """Return the chapters of one video: its own, or those found in what is said and seen."""
    known = service.video(video)

    def work() -> shape.Json:
        return shape.chapters(service.index.chapters(known.id, how=given.how))

    return JSONResponse(await service.searching.run(request, work))


@router.get("/v1/videos/{video:path}", response_model=VideoRecordShape, operation_id="video")
def video(service: TheService, video: VideoId) -> JSONResponse:
    """Return what is known about one video; its evidence is in the timeline."""
    record = service.index.show(service.video(video).id)
    counts = Counter(evidence.channel for evidence in record.evidence)
    return JSONResponse(shape.record(record) | {"evidence": counts})
