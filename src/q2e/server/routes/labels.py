"""Labels over HTTP, and the measures of searching that follow from them at once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from q2e.evaluate.labels import Label, measure
from q2e.server.faults import Fault
from q2e.server.schemas import NewLabel, Overrides
from q2e.server.service import TheService
from q2e.types import Results

router = APIRouter(prefix="/v1/labels", tags=["labels"])

#: Hits of each question that are measured, and most questions measured at once.
_DEPTH, _QUERIES = 100, 200


class LabelShape(BaseModel):
    id: str
    query: str
    video: str
    start: float
    end: float | None
    relevance: int


class LabelsShape(BaseModel):
    labels: list[LabelShape]


class MeasuresShape(BaseModel):
    labels: int
    queries: int
    measures: dict[str, float]
    intervals: dict[str, list[float]]
    by_query: list[dict[str, Any]]


@router.get("", response_model=LabelsShape, operation_id="labels")
def labels(
    service: TheService, query: Annotated[str | None, Query(max_length=4000)] = None
) -> JSONResponse:
    """List the labels, of one question or all."""
    found = [one.shape() for one in service.labels.all() if query in (None, one.query)]
    return JSONResponse({"labels": found})


@router.post("", status_code=201, response_model=LabelShape, operation_id="put_label")
def put(service: TheService, body: NewLabel) -> JSONResponse:
    """Say that a stretch of a video answers a question, or how little; replaces an older label."""
    video = service.video(body.video)
    if body.end is not None and body.end < body.start:
        raise Fault(
            400, "bad_setting", f"end {body.end:g} lies before start {body.start:g}", "correct end"
        )
    label = Label(body.query, video.id, body.start, body.end, body.relevance)
    return JSONResponse(service.labels.put(label).shape(), 201)


@router.delete("", response_model=LabelsShape, operation_id="remove_label")
def remove(service: TheService, id: Annotated[str, Query(max_length=64)]) -> JSONResponse:
    """Forget a label; returns those that are left."""
    if not service.labels.remove(id):
        raise Fault(404, "not_found", f"there is no label {id[:40]!r}", "GET /v1/labels lists them")
    return JSONResponse({"labels": [one.shape() for one in service.labels.all()]})


@router.get("/measures", response_model=MeasuresShape, operation_id="measures")
async def measures(
    request: Request, service: TheService, settings: Annotated[Overrides, Query()]
) -> JSONResponse:
    """Measure the search, with these settings, on all labelled questions.

    Lists are not cut by confidence, and each question takes its turn among other requests.
    """
    known = await asyncio.to_thread(service.labels.all)
    queries = list(dict.fromkeys(label.query for label in known))[:_QUERIES]
    used: dict[str, Any] = {"confidence": 0.0, "duplicates": "keep"} | settings.settings()
    answers: dict[str, Results] = {}
    for query in queries:
        work = partial(service.index.search, query, top=_DEPTH, **used)
        answers[query] = await service.searching.run(request, work)
    judged = [label for label in known if label.query in answers]
    return JSONResponse(measure(judged, answers))
