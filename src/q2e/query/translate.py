"""Lets a language model write a request in the query language; the parser has the last word."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from q2e.errors import ModelError, QueryError
from q2e.models.base import LanguageModel
from q2e.query.language import Parsed, parse
from q2e.text.fence import clean
from q2e.text.prompt import MAX_QUESTION_CHARACTERS, ask, beside


class Question(BaseModel):
    """What a language model may say: one question that the query language understands."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

    @field_validator("query")
    @classmethod
    def _understood(cls, value: str) -> str:
        try:
            parse(clean(value))
        except QueryError as error:
            raise ValueError(str(error).split("\n")[0]) from None
        return clean(value)


def translate(
    text: str, model: LanguageModel, *, max_tokens: int = 256, timeout_s: float = 15.0
) -> Parsed:
    """Return a request as the model writes it, if it is a question of the language, else as it is.

    The model may correct one mistake. A failure of any kind leaves the text as the user wrote it,
    and text that is in the language already is not shown to the model.
    """
    given = parse(text)
    if not given.plain:
        return given
    request = json.dumps(clean(text, MAX_QUESTION_CHARACTERS), ensure_ascii=False)
    try:
        said = ask(
            model,
            beside(__file__),
            Question,
            max_tokens=max_tokens,
            timeout_s=timeout_s,
            question=request,
        )
    except ModelError:
        return given
    return parse(said.query)
