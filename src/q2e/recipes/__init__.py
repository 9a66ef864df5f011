"""Recipes: the methods of a whole search by kind, each a TOML file.

Some come with the package; a file of one's own may say less, and what it leaves out is as in
`default`. Settings of the same names stand before the recipe. What a recipe says under `[reading]`
counts where an index is made with it; one that is there is read as it was.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from q2e.choices import KINDS, Said, said
from q2e.errors import ConfigError, unknown

DEFAULT = "default"
_ENDING = ".toml"
#: Settings of how videos are read that a recipe may say.
READING = ("channels", "captions", "summary", "speech_layers", "frames_per_video")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe says of each kind, in its one form."""

    name: str
    summary: str
    choices: Mapping[str, Said]
    reading: Mapping[str, Any] = field(default_factory=dict)
    """Settings of how videos are read, for an index that is made with it."""


def names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the package."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(one.name[: -len(_ENDING)] for one in files if one.name.endswith(_ENDING)))


def read(recipe: str) -> Recipe:
    """Return a recipe by its name, or that of a file.

    Raises ConfigError for an unknown one, and for what it may not say.
    """
    if recipe in names():
        return _built_in(recipe)
    if not recipe.endswith(_ENDING):
        known = unknown("recipe", recipe, names())
        raise ConfigError(f"{known}; a file of one's own ends in {_ENDING}")
    try:
        text = Path(recipe).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"recipe {recipe}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"recipe {recipe}: not UTF-8 ({error})") from None
    return _parsed(recipe, text)


@lru_cache(maxsize=16)
def _built_in(name: str) -> Recipe:
    file = resources.files(__name__) / f"{name}{_ENDING}"
    return _parsed(name, file.read_text(encoding="utf-8"))


def _parsed(name: str, text: str) -> Recipe:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {name}: not valid TOML ({error})") from None
    choices: dict[str, Said] = {} if name == DEFAULT else dict(_built_in(DEFAULT).choices)
    for key, value in table.items():
        if key in ("summary", "reading"):
            continue
        if key not in KINDS:
            raise ConfigError(
                f"recipe {name}: {unknown('kind', key, ('summary', 'reading', *KINDS))}"
            )
        try:
            choices[key] = said(key, value)
        except ConfigError as error:
            raise ConfigError(f"recipe {name}: {error}") from None
    return Recipe(name, _summary(name, table), MappingProxyType(choices), _reading(name, table))


def _reading(name: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
    reading = table.get("reading", {})
    if not isinstance(reading, dict):
        raise ConfigError(f"recipe {name}: reading must be a table, got {reading!r}")
    for key in reading:
        if key not in READING:
            raise ConfigError(f"recipe {name}: {unknown('setting of reading', key, READING)}")
    found = {key: tuple(v) if isinstance(v, list) else v for key, v in reading.items()}
    return MappingProxyType(found)


def _summary(name: str, table: Mapping[str, Any]) -> str:
    summary = table.get("summary", "")
    if not isinstance(summary, str):
        raise ConfigError(f"recipe {name}: summary must be a text, got {summary!r}")
    return summary
