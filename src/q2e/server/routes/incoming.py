"""Videos that are handed in over HTTP, in pieces that can be sent again."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path as File
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from q2e.server.answers import JobShape
from q2e.server.faults import Fault
from q2e.server.service import TheService

router = APIRouter(prefix="/v1/incoming", tags=["jobs"])

Name = Annotated[str, Query(min_length=1, max_length=300, description="Of the file.")]
Bytes = Annotated[int, Query(ge=1, le=1 << 50)]


class ReceivedShape(BaseModel):
    received: int = Field(description="Bytes that are there: where the next piece begins.")
    job: JobShape | None = Field(description="What reads the file, once it is whole.")


@router.get("", response_model=ReceivedShape, operation_id="received")
def received(service: TheService, name: Name, size: Bytes) -> JSONResponse:
    """Say how much of a file of this name and size is there."""
    return JSONResponse({"received": service.incoming.received(name, size), "job": None})


@router.put(
    "",
    response_model=ReceivedShape,
    operation_id="send_piece",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def send(
    request: Request,
    service: TheService,
    name: Name,
    size: Bytes,
    offset: Annotated[int, Query(ge=0, le=1 << 50)] = 0,
) -> JSONResponse:
    """Add a piece of at most 1 MiB to a file; when it is whole it is read into the index."""
    data = await request.body()
    if not data:
        raise Fault(400, "bad_setting", "the piece is empty", "send the bytes from the offset on")
    take = partial(service.incoming.take, name, size, offset, data, _check)
    there, whole = await asyncio.to_thread(take)
    job: dict[str, Any] | None = None
    if whole is not None:
        job = service.jobs.submit([str(whole)]).shape()
    return JSONResponse({"received": there, "job": job})


def _check(file: File) -> None:
    """Raise MediaError where a decoding process finds no pictures and no sound in a file."""
    from q2e.decoding.doors import probe
    from q2e.decoding.pool import QUICK

    probe(file, video_id="incoming", allowance=QUICK)
