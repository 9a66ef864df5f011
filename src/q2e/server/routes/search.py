"""Questions: search, hints as one types, facets, exports, and examples to search by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from q2e import shape
from q2e.server.schemas import Asked, Question, ResultsShape
from q2e.server.service import Service, TheService
from q2e.types import Decomposition, Results, SubEvent

router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/search", response_model=ResultsShape, operation_id="search")
async def search(
    request: Request, service: TheService, asked: Annotated[Asked, Query()]
) -> JSONResponse:
    """Find videos and the moments inside them."""
    return JSONResponse(await _answer(request, service, asked.q, asked.arguments()))


@router.post("/search", response_model=ResultsShape, operation_id="ask")
async def ask(request: Request, service: TheService, question: Question) -> JSONResponse:
    """Find videos and moments with sub-events, examples, likes and dislikes of one's own."""
    arguments = question.arguments()
    if question.decomposition is not None:
        events = tuple(SubEvent(e.kind, e.text, e.text) for e in question.decomposition.events)
        arguments["decomposition"] = Decomposition(question.q, events=events, backend="given")
    for name in ("examples", "like", "dislike"):
        if given := getattr(question, name):
            arguments[name] = given
    return JSONResponse(await _answer(request, service, question.q, arguments))


async def _answer(
    request: Request, service: Service, text: str, arguments: dict[str, Any]
) -> shape.Json:
    def work() -> shape.Json:
        results: Results = service.index.search(text, **arguments)
        return shape.results(results)

    return await service.searching.run(request, work)


@router.get("/parse", operation_id="parse")
async def parse(q: Annotated[str, Query(max_length=4000)] = "") -> JSONResponse:
    """Say how a question is understood, or where it is not; for hints as one types."""
    return JSONResponse({"text": q, "clauses": [], "error": None})
