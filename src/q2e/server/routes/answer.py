"""Answers in sentences over HTTP, at once or step by step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, StreamingResponse

from q2e import shape
from q2e.errors import Q2EError
from q2e.server import faults
from q2e.server.answers import AnswerShape, WaysShape
from q2e.server.faults import Fault
from q2e.server.schemas import Answered
from q2e.server.service import Service, TheService

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/answer", response_model=AnswerShape, operation_id="answer")
async def answer(request: Request, service: TheService, question: Answered) -> JSONResponse:
    """Answer a question in sentences that cite what videos say; none where nothing answers."""
    return JSONResponse(await _answered(request, service, question.q, question.arguments()))


@router.get("/answer/ways", response_model=WaysShape, operation_id="answer_ways")
def ways(service: TheService) -> JSONResponse:
    """Name the strategies that can answer, and what each may spend; nothing is asked."""
    from q2e.answer.ways import ways

    index = service.index
    return JSONResponse({"ways": [asdict(one) for one in ways(index.settings, index.models)]})


@router.post(
    "/answer/events",
    operation_id="answer_events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "object"}}}}},
)
async def events(request: Request, service: TheService, question: Answered) -> StreamingResponse:
    """Answer step by step: events `step` name those that are done, `answer` or `error` ends it."""
    steps: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def watch(name: str) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, name)

    given = question.arguments()
    working = asyncio.ensure_future(_answered(request, service, question.q, given, watch))
    working.add_done_callback(lambda _: steps.put_nowait(None))
    first = await steps.get()
    if first is None:  # what fails before its first step is refused like any request
        working.result()
    return StreamingResponse(_told(first, steps, working), media_type="text/event-stream")


async def _answered(
    request: Request,
    service: Service,
    question: str,
    arguments: dict[str, Any],
    watch: Callable[[str], None] | None = None,
) -> shape.Json:
    def work() -> shape.Json:
        found = service.index.answer(question, watch=watch, **arguments)
        return shape.answer(found)

    return await service.searching.run(request, work)


async def _told(
    name: str | None, steps: asyncio.Queue[str | None], working: asyncio.Future[shape.Json]
) -> AsyncIterator[str]:
    try:
        while name is not None:
            yield _event("step", {"step": name})
            name = await steps.get()
        yield _event("answer", working.result())
    except Q2EError as error:
        yield _event("error", faults.of(error).shape())
    except Fault as fault:
        yield _event("error", fault.shape())
    finally:
        working.cancel()


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
