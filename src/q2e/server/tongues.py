"""The page's words for what the server itself shows a browser: the page to sign in on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import q2e

TEXTS = Path(q2e.__file__).parent / "web" / "texts"
RIGHT_TO_LEFT = ("ar",)
FALLBACK = "en"


def wished(header: str) -> str:
    """Return that of the page's languages which `Accept-Language` wants most, else English."""
    weights: dict[str, float] = {}
    for one in header.lower().split(","):
        name, _, rest = one.partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        code = name.strip().split("-")[0]
        weights[code] = max(weight, weights.get(code, 0))
    known = [code for code in weights if weights[code] > 0 and code in languages()]
    return max(known, key=lambda code: weights[code], default=FALLBACK)


@cache
def languages() -> frozenset[str]:
    """Return the codes of the languages that the page speaks."""
    return frozenset(path.stem for path in TEXTS.glob("*.json"))


@cache
def texts(language: str) -> dict[str, str]:
    """Return the page's words in a language, without those that have plural forms."""
    loaded = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
    return {key: text for key, text in loaded.items() if isinstance(text, str)}
