"""The maps of the collection over HTTP: of groups of moments, and of places."""

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


class NamedShape(BaseModel):
    video: str
    title: str
    picture: bool


class PlaceShape(BaseModel):
    """A place and the videos of it."""

    names: dict[str, str] = Field(
        description="What it is called, by language; empty where nothing that is known lies near."
    )
    latitude: float
    longitude: float
    recorded: bool = Field(description="Whether videos were recorded there, or name it.")
    videos: int
    examples: list[NamedShape]


class PlacesShape(BaseModel):
    version: int
    videos: int = Field(description="How many videos lie anywhere.")
    places: list[PlaceShape] = Field(description="Those of most videos first.")


@router.get("/map", response_model=OverviewShape, operation_id="overview")
async def overview(request: Request, service: TheService) -> JSONResponse:
    """Return a map of the collection: groups of like moments with words; drawn once, then kept."""

    def work() -> dict[str, Any]:
        return service.index.overview().shape()

    return JSONResponse(await service.searching.run(request, work))


@router.get("/places", response_model=PlacesShape, operation_id="places")
async def places(request: Request, service: TheService) -> JSONResponse:
    """Say where videos were recorded, and what places their names, titles and tags name."""

    def work() -> dict[str, Any]:
        return service.index.places().shape()

    return JSONResponse(await service.searching.run(request, work))
