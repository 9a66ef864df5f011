"""Fills prompts and reads the typed answers: one Jinja file each, beside the code that asks it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from q2e.errors import ModelError
from q2e.text.fence import clean

if TYPE_CHECKING:
    from pydantic import BaseModel

    from q2e.models.base import LanguageModel

#: Characters of a question that a model is shown.
MAX_QUESTION_CHARACTERS = 2_000
#: Tries of one prompt: the second names the mistake of the first.
_TRIES = 2
_Typed = TypeVar("_Typed", bound="BaseModel")


def beside(module: str, name: str = "") -> Path:
    """Return the prompt that lies beside a module's file: of its own name, or another."""
    own = Path(module)
    return own.parent / f"{name or own.stem}.j2"


def render(prompt: Path, **values: Any) -> str:
    """Return a prompt filled with `values`; a value left out is an error."""
    return str(_template(prompt).render(**values)).strip()


@lru_cache(maxsize=64)
def prompt_version(prompt: Path) -> str:
    """Return the version that the first line of a prompt states."""
    match = re.match(r"\{# version: (\S+?);", prompt.read_text(encoding="utf-8"))
    if not match:
        raise ModelError(f"prompt {prompt.name!r} does not state its version in its first line")
    return match.group(1)


def ask(
    model: LanguageModel,
    prompt: Path,
    form: type[_Typed],
    *,
    max_tokens: int,
    timeout_s: float,
    schema: Mapping[str, Any] | None = None,
    **values: Any,
) -> _Typed:
    """Return a model's answer to a prompt as an object of `form`, and nothing else.

    One more try follows an answer of another form, with the mistake named; `timeout_s` bounds
    both. `schema` may be narrower than that of `form`. Raises ModelError without a valid answer.
    """
    from pydantic import ValidationError

    deadline = time.monotonic() + timeout_s
    mistake = ""
    for _ in range(_TRIES):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        said = model.complete(
            render(prompt, mistake=mistake, **values),
            schema=schema or schema_of(form),
            max_tokens=max_tokens,
            timeout_s=left,
        )
        try:
            return form.model_validate_json(said)
        except ValidationError as error:
            mistake = mistake_in(error)
    raise ModelError(f"{model.info.id}: no valid answer: {mistake or 'out of time'}")


def mistake_in(error: Any) -> str:
    """Return in one line where an answer is not of its form."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return clean(f"{where}: {first['msg']}", 200)


def schema_of(form: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a form, without the words that are not for the model."""
    schema = form.model_json_schema()
    schema.pop("description", None)
    return schema


@lru_cache(maxsize=64)
def _template(prompt: Path) -> Any:
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True
    )
    return environment.from_string(prompt.read_text(encoding="utf-8"))
