"""Fills prompts, one Jinja file each with its version, and reads the typed answer to one."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

from q2e.errors import ModelError
from q2e.text.fence import clean

if TYPE_CHECKING:
    from pydantic import BaseModel

    from q2e.models.base import LanguageModel

#: Tries of one prompt: the second names the mistake of the first.
_TRIES = 2
_Typed = TypeVar("_Typed", bound="BaseModel")


def render(name: str, **values: Any) -> str:
    """Return the prompt `name` filled with `values`; a value left out is an error."""
    return str(_template(name).render(**values)).strip()


@lru_cache(maxsize=32)
def prompt_version(name: str) -> str:
    """Return the version that the first line of a prompt states."""
    match = re.match(r"\{# version: (\S+?);", _source(name))
    if not match:
        raise ModelError(f"prompt {name!r} does not state its version in its first line")
    return match.group(1)


def ask(
    model: LanguageModel,
    name: str,
    form: type[_Typed],
    *,
    max_tokens: int,
    timeout_s: float,
    schema: Mapping[str, Any] | None = None,
    **values: Any,
) -> _Typed:
    """Return a model's answer to the prompt `name` as an object of `form`, and nothing else.

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
            render(name, mistake=mistake, **values),
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


@lru_cache(maxsize=32)
def _template(name: str) -> Any:
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True
    )
    return environment.from_string(_source(name))


def _source(name: str) -> str:
    file = resources.files("q2e") / "query" / "prompts" / f"{name}.j2"
    return file.read_text(encoding="utf-8")
