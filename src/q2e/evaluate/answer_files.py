"""Articles as WikiVideo publishes them, `{event: {query, article}}`, by people and by models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from q2e.errors import EvaluationError
from q2e.evaluate.runs import read_text

#: Marks that models leave around the beginning of an article.
_MARKS = re.compile(r"</?lead>", re.IGNORECASE)
_SHAPE = '{"EVENT": {"article": "…"}}'


def articles(path: Path) -> dict[str, str]:
    """Return {event: article}, without events whose article is empty.

    Raises EvaluationError naming the event whose entry is none.
    """
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{path}: not JSON ({error}); expected {_SHAPE}") from None
    if not is_articles(data):
        raise EvaluationError(f"{path}: holds no articles; expected {_SHAPE}")
    found = {}
    for event, one in data.items():
        text = one.get("article") if isinstance(one, dict) else None
        if not isinstance(text, str):
            raise EvaluationError(
                f"{path}: event {event[:80]!r} has no article, got {str(one)[:80]!r}; "
                f"expected {_SHAPE}"
            )
        if text := " ".join(_MARKS.sub(" ", text).split()):
            found[" ".join(event.split())] = text
    return found


def is_articles(data: Any) -> bool:
    """Whether a JSON value holds articles by event, and not one answer."""
    return (
        isinstance(data, dict)
        and "question" not in data
        and any(isinstance(one, dict) and "article" in one for one in data.values())
    )
