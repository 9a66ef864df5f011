"""Codes of languages, and what people call them in many languages: `de`, `ger`, `Deutsch`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from q2e.text.tokens import spellings

_CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8}){0,4}")
#: Longer than the name of any language.
_LONGEST = 60


def language_code(name: str) -> str | None:
    """Return the ISO 639-1 code of a language, by a code or a name of it; None where none is known.

    `en`, `eng`, `en-GB`, `EN_us`, `English`, `Englisch`, `英語` and `อังกฤษ` are `en`. A language
    without a code of two letters has one of three: `yue`.
    """
    name = name.strip()[:_LONGEST]
    if (match := _CODE.fullmatch(name.casefold())) and (code := _codes().get(match[1])):
        return code
    return _names().get(_key(name))


def known_languages(names: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of languages named by a code or a name, each once.

    Raises ValueError for a name that none has: a filter by it would find nothing.
    """
    return tuple(dict.fromkeys(map(_named, names)))


def _named(name: str) -> str:
    code = language_code(name)
    if code is None:
        close = get_close_matches(_key(name[:_LONGEST]), _names(), 1, 0.8)
        meant = f"did you mean {close[0]}? Give" if close else "give"
        raise ValueError(
            f"language {name!r} is unknown; {meant} a code or a name, such as ar or Arabic"
        )
    return code


@cache
def _content() -> dict[str, Any]:
    text = resources.files("q2e").joinpath("data", "languages.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@cache
def _codes() -> dict[str, str]:
    content = _content()
    return {**{code: code for code in content["names"]}, **content["codes"]}


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for code, own in _content()["names"].items():
        for name in own:
            found.setdefault(_key(name), code)
            found.setdefault(_key(name, -1), code)
    return found


def _key(name: str, spelling: int = 0) -> str:
    return " ".join(word[spelling] for word in spellings(name)).removeprefix("ال")
