"""Contrast captions by a language model, in the language of each caption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.evaluate.contrast import Contrast, Kind
from q2e.text.clean import clean
from q2e.text.fence import fence
from q2e.text.prompt import ask, beside

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel

#: Tokens of an answer, seconds of a call, and characters of a caption.
MAX_TOKENS, TIMEOUT_S, CAPTION = 800, 120.0, 500

_Caption = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CAPTION)
]


class Changed(BaseModel):
    """One contrast caption."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    caption: _Caption


class Contrasts(BaseModel):
    """The contrast captions of one caption."""

    model_config = ConfigDict(extra="forbid")

    contrasts: list[Changed] = Field(max_length=14)


def by_model(model: LanguageModel, video: str, caption: str) -> Iterator[Contrast]:
    """Yield at most one contrast of each kind. Raises ModelError where the model makes none."""
    said = ask(
        model,
        beside(__file__),
        Contrasts,
        max_tokens=MAX_TOKENS,
        timeout_s=TIMEOUT_S,
        caption=fence(caption, CAPTION),
    )
    seen: set[Kind] = set()
    for one in said.contrasts:
        made = clean(one.caption, CAPTION)
        if made and made.casefold() != caption.casefold() and one.kind not in seen:
            seen.add(one.kind)
            yield Contrast(video, caption, one.kind, made)
