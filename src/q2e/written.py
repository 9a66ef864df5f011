"""How a choice is written, `name(key=value)`, and how what a parameter may be is told."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from q2e.errors import ConfigError

#: Longest text of a choice, in characters.
LONGEST = 1_000


def parsed(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and arguments of `name` or `name(key=value, ...)`; values are literals.

    A bare word is a text, so that a shell needs no second quotes. An address, `name://...`, is the
    argument `address` of what it begins with. Raises ConfigError.
    """
    shown = without_secrets(text)[:80]
    refused = ConfigError(f"{shown!r} is not of the form  name  or  name(key=value, ...)")
    if len(text) > LONGEST:
        raise refused
    if addressed := re.match(r"([a-z][a-z0-9_]*)://", text.strip()):
        return addressed[1], {"address": text.strip()}
    if "(" not in text:
        return text.strip(), {}
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or call.args:
            raise refused
        given = {}
        for one in call.keywords:
            word = one.value.id if isinstance(one.value, ast.Name) else None
            if one.arg is None:
                raise refused
            given[one.arg] = ast.literal_eval(one.value) if word is None else word
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise refused from None
    return call.func.id, given


def told(name: str, arguments: Mapping[str, Any]) -> str:
    """Return how a choice is written; `parsed` reads it."""
    if set(arguments) == {"address"} and str(arguments["address"]).startswith(f"{name}://"):
        return str(arguments["address"])
    given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"{name}({given})" if given else name


def without_secrets(text: str) -> str:
    """Return a text as it may be shown: passwords of addresses in it are stars."""
    shown = re.sub(r"(://[^:/@\s]*:).*@", r"\1***@", text, flags=re.DOTALL)
    return re.sub(r"(?i)(password=)[^&\s'\"]*", r"\1***", shown)


def in_words(schema: Mapping[str, Any]) -> str:
    """Return what a JSON schema allows, in words."""
    if "anyOf" in schema:
        return " or ".join(in_words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    kind = schema.get("type")
    if kind not in ("integer", "number"):
        plain = {"string": "text", "boolean": "True or False", "null": "None", "array": "a list"}
        return plain.get(kind or "", "any value")
    said = "a whole number" if kind == "integer" else "a number"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{said} from {_plain(low)} to {_plain(high)}"
    bounds = (
        ("above", schema.get("exclusiveMinimum")),
        ("of at least", low),
        ("below", schema.get("exclusiveMaximum")),
        ("of at most", high),
    )
    told = ", ".join(f"{word} {_plain(bound)}" for word, bound in bounds if bound is not None)
    return f"{said} {told}".rstrip()


def _plain(bound: float) -> str:
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"
