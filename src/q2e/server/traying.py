"""What requests about trays may hold, and the JSON they are answered with."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from q2e.server.schemas import Moment, Strict, Word, no_truth
from q2e.server.shares import MOST_DAYS
from q2e.trays import MOST_MOMENTS, NAME, NOTE

Name = Annotated[str, Field(min_length=1, max_length=NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
Version = Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(no_truth)]


class Stretch(Strict):
    """A stretch of a video, with what is noted of it."""

    video: Annotated[Word, Field(min_length=1)]
    start: Moment
    end: Moment
    note: str = Field("", max_length=NOTE)


class NewTray(Strict):
    """A tray to begin with."""

    name: Name = "Tray"
    moments: list[Stretch] = Field([], max_length=MOST_MOMENTS)


class PutTray(Strict):
    """All that a tray is to hold, in order, and the version that this is a change of."""

    version: Version
    name: Name
    moments: list[Stretch] = Field(max_length=MOST_MOMENTS)


class Undone(Strict):
    """The version whose last change is taken back."""

    version: Version


class NewShare(Strict):
    """A link to make."""

    days: Annotated[float, Field(gt=0, le=MOST_DAYS), BeforeValidator(no_truth)] = Field(
        7, description="How long it holds."
    )


class PickedShape(BaseModel):
    video: str
    start: float
    end: float
    note: str
    missing: bool = Field(description="Whether the video is no longer in the index.")
    title: str = ""
    path: str = ""
    duration: float = 0.0
    has_video: bool = True


class HeldShare(BaseModel):
    id: str
    made: str
    until: str


class ShareShape(HeldShare):
    secret: str = Field(description="Shown once.")
    path: str = Field(description="Where the link lies below the server's address.")


class TrayShape(BaseModel):
    id: str
    name: str
    changed: str
    version: int
    undoable: int = Field(description="How many changes can be taken back.")
    moments: list[PickedShape]
    shares: list[HeldShare]


class TraysShape(BaseModel):
    trays: list[TrayShape]


class SharedMoment(BaseModel):
    start: float
    end: float
    note: str
    title: str
    has_video: bool
    playable: bool = Field(description="Whether its file is there.")


class SharedShape(BaseModel):
    """A tray as its link shows it: nothing that is not in it."""

    name: str
    changed: str
    moments: list[SharedMoment]
