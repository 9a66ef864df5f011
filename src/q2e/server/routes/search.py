"""Questions: search, hints as one types, facets, exports, and examples to search by."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, UploadFile
from starlette.responses import JSONResponse, Response

from q2e import shape
from q2e.errors import QueryError
from q2e.query.language import Parsed
from q2e.server import faults
from q2e.server.answers import (
    ClarifyShape,
    PageShape,
    ParsedShape,
    ResultsShape,
    SuggestionsShape,
    UploadShape,
)
from q2e.server.schemas import (
    Asked,
    AskedMoments,
    Exported,
    ExportedQuestion,
    Faceted,
    Form,
    Question,
)
from q2e.server.service import Service, TheService
from q2e.types import Decomposition, Results, SubEvent

router = APIRouter(prefix="/v1", tags=["search"])

_FORMATS = {
    "csv": "text/csv",
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "m3u8": "audio/x-mpegurl",
    "edl": "text/plain",
    "otio": "application/json",
}


@router.get("/search", response_model=ResultsShape, operation_id="search")
async def search(
    request: Request, service: TheService, asked: Annotated[Asked, Query()]
) -> JSONResponse:
    """Find videos and the moments inside them."""
    return JSONResponse(await _answer(request, service, asked.question, asked.arguments()))


@router.get("/moments", response_model=ResultsShape, operation_id="moments")
async def moments(
    request: Request, service: TheService, asked: Annotated[AskedMoments, Query()]
) -> JSONResponse:
    """Find moments, best first, whatever video they lie in: hits that hold one moment each."""

    def work() -> shape.Json:
        return shape.results(service.index.moments(asked.question, **asked.arguments()))

    return JSONResponse(await service.searching.run(request, work))


@router.post("/search", response_model=PageShape, operation_id="ask")
async def ask(request: Request, service: TheService, question: Question) -> JSONResponse:
    """Find videos and moments with sub-events, examples, likes and dislikes of one's own.

    With `facets`, `clarify` and `curve` the answer holds these too, of the same one search.
    """
    given = _given(service, question)
    if not (question.facets or question.clarify or question.curve):
        return JSONResponse(await _answer(request, service, question.question, given))

    def work() -> shape.Json:
        page = service.index.search_page(question.question, **given)
        told = shape.results(page.results)
        told |= {"facets": page.facets} if question.facets else {}
        told |= {"clarify": shape.clarification(page.back)} if question.clarify else {}
        return told | ({"curve": shape.heights(page.curve)} if question.curve else {})

    return JSONResponse(await service.searching.run(request, work))


def _given(service: Service, question: Question) -> dict[str, Any]:
    """Return a question's filters, settings, sub-events and examples, as the index takes them."""
    arguments = question.arguments()
    if question.decomposition is not None:
        given = question.decomposition.events
        events = tuple(SubEvent(e.kind, e.text, e.text, e.own) for e in given)
        arguments["decomposition"] = Decomposition(question.q, events=events, backend="given")
    arguments |= {"like": question.like} if question.like else {}
    arguments |= {"dislike": question.dislike} if question.dislike else {}
    if question.examples:
        arguments["examples"] = [_example(service, name) for name in question.examples]
    return arguments


async def _answer(
    request: Request, service: Service, text: str | Parsed, arguments: dict[str, Any]
) -> shape.Json:
    def work() -> shape.Json:
        results: Results = service.index.search(text, **arguments)
        return shape.results(results)

    return await service.searching.run(request, work)


def _example(service: Service, name: str) -> str | Path:
    """Return the file of an uploaded example, or `VIDEO@12.5` as it is; never any other path."""
    if name.startswith("up-"):
        return service.uploads.path(name)
    video, _, time_s = name.rpartition("@")
    service.video(video or name)
    return f"{video}@{time_s}" if video else f"{name}@0"


@router.post("/examples", status_code=201, response_model=UploadShape, operation_id="upload")
async def upload(request: Request, service: TheService, file: UploadFile) -> JSONResponse:
    """Hand in a picture, clip or sound to search by; it is forgotten when the server stops."""
    take = partial(service.uploads.take, file.file, service.limits.upload_bytes)
    taken = await service.drawing.run(request, take)
    return JSONResponse(taken.shape(), 201)


@router.get("/parse", response_model=ParsedShape, operation_id="parse")
def parse(q: Annotated[str, Query(max_length=4000)] = "") -> JSONResponse:
    """Say how a question is understood, or where it is not; for hints as one types."""
    from q2e.query.language import parse as read

    try:
        return JSONResponse(shape.parsed(read(q)))
    except QueryError as error:
        told = faults.of(error).shape()["error"]
        return JSONResponse(shape.parsed(Parsed(q)) | {"plain": False, "error": told})


@router.get("/facets", response_model=dict[str, dict[str, int]], operation_id="facets")
async def facets(
    request: Request, service: TheService, asked: Annotated[Faceted, Query()]
) -> JSONResponse:
    """Count videos by language, year, tag, channel and length, for choosing filters."""
    work = partial(service.index.facets, asked.question, filters=asked.filters())
    return JSONResponse(await service.searching.run(request, work))


@router.get("/clarify", response_model=ClarifyShape, operation_id="clarify")
async def clarify(
    request: Request, service: TheService, asked: Annotated[Asked, Query()]
) -> JSONResponse:
    """Ask back what tells the best hits apart; `question` is null where nothing does."""

    def work() -> shape.Json:
        return shape.clarification(service.index.clarify(asked.question, **asked.arguments()))

    return JSONResponse(await service.searching.run(request, work))


_FILES: dict[int | str, dict[str, Any]] = {200: {"content": {key: {} for key in _FORMATS.values()}}}


@router.get("/export", operation_id="export", response_class=Response, responses=_FILES)
async def export(
    request: Request, service: TheService, asked: Annotated[Exported, Query()]
) -> Response:
    """Return the moments found as a table, subtitles, a playlist or an edit list."""
    return await _file(request, service, asked.question, asked.arguments(), asked.format)


@router.post("/export", operation_id="export_asked", response_class=Response, responses=_FILES)
async def export_asked(
    request: Request, service: TheService, question: ExportedQuestion
) -> Response:
    """Return as a file what `POST /v1/search` finds for the same body."""
    given = _given(service, question)
    return await _file(request, service, question.question, given, question.format)


async def _file(
    request: Request, service: Service, text: str | Parsed, arguments: dict[str, Any], form: Form
) -> Response:
    def work() -> str:
        from q2e.export import render

        return render(service.index.search(text, **arguments), form)

    rendered = await service.searching.run(request, work)
    headers = {"content-disposition": f'attachment; filename="q2e.{form}"'}
    return Response(rendered, headers=headers, media_type=_FORMATS[form])


@router.get("/suggest", response_model=SuggestionsShape, operation_id="suggest")
async def suggest(
    request: Request,
    service: TheService,
    q: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=20)] = 8,
) -> JSONResponse:
    """Write out the end of a question from titles, tags, places, events and frequent words."""

    def work() -> shape.Json:
        found = service.index.suggest(q, limit)
        return {"suggestions": [asdict(one) for one in found]}

    return JSONResponse(await service.drawing.run(request, work))
