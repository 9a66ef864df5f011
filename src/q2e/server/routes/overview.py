"""The map of the collection over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from q2e.server.service import TheService

router = APIRouter(prefix="/v1", tags=["search"])


class ExampleShape(BaseModel):
    video: str
    start: float
    end: float
    frame: float


class GroupShape(BaseModel):
    """Moments that are alike."""

    x: float = Field(description="Where it lies on the map, in 0 to 1.")
    y: float
    moments: int
    videos: int
    words: list[str] = Field(description="What tells it from the others, the most telling first.")
    examples: list[ExampleShape]


class OverviewShape(BaseModel):
    version: int
    moments: int
    videos: int
    kind: str = Field(description="What likeness is of: `picture` or `text`.")
    groups: list[GroupShape]
    points: list[tuple[float, float, int]] = Field(
        description="Some of the moments as x, y and the number of their group."
    )
    years: dict[str, int] = Field(description="How many videos are of which year.")


@router.get("/map", response_model=OverviewShape, operation_id="overview")
async def overview(request: Request, service: TheService) -> JSONResponse:
    """Return a map of the collection: groups of like moments with words; drawn once, then kept."""

    def work() -> dict[str, Any]:
        return service.index.overview().shape()

    return JSONResponse(await service.searching.run(request, work))
