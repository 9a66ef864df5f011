"""The chapters that a file came with, or those of another way where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from q2e.errors import ConfigError
from q2e.methods.chapters.base import Chapterer, Collected
from q2e.plugins import registry
from q2e.registry import method
from q2e.types import Chapter


def _known(way: str) -> str:
    """Return a way that can stand for this one. Raises ValueError."""
    try:
        choice = registry().one("chapters", way)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    if choice.method.make is Contained:
        raise ValueError("must be another way than `contained`")
    return way


@method("chapters")
@dataclass(frozen=True, kw_only=True)
class Contained(Chapterer):
    """Chapters of the container or of the description beside it; found ones where it has none.

    They are taken as they are: who made the video knows best.
    """

    otherwise: Annotated[
        str,
        Field(max_length=400, description="The way for files without chapters."),
        AfterValidator(_known),
    ] = "texttiling"

    def chapters(self, known: Collected) -> tuple[Chapter, ...]:
        if known.own:
            return known.own
        other: Chapterer = registry().one("chapters", self.otherwise).bound
        return other.chapters(known)
