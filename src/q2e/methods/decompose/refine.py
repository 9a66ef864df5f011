"""Folds the time, place and subject of a question into its sub-events; pure functions on text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from q2e.types import EventKind, SubEvent

#: Refined sub-events of one kind at most; the reference implementation has no bound.
MAX_REFINED = 25


def refine(
    kind: EventKind,
    phrases: Sequence[str],
    *,
    time: Sequence[str] = (),
    place: Sequence[str] = (),
    subject: Sequence[str] = (),
    limit: int = MAX_REFINED,
) -> tuple[SubEvent, ...]:
    """Return every phrase with every combination of subject, place and time, at most `limit`.

    The product is Q2E's (Dipta and Ferraro, 2025), with two repairs: an empty list counts as one
    empty text, so that it never erases a kind, and combinations are taken in turns, so that the
    bound cuts combinations before it cuts phrases. Equal texts are kept once.
    """
    contexts = list(product(subject or ("",), place or ("",), time or ("",)))
    refined: dict[str, SubEvent] = {}
    for context in contexts:
        for phrase in phrases:
            if len(refined) >= limit:
                return tuple(refined.values())
            text = fold(phrase, *context)
            if text:
                refined.setdefault(text.casefold(), SubEvent(kind, text, phrase))
    return tuple(refined.values())


def fold(phrase: str, *context: str) -> str:
    """Return the phrase followed by what it does not say already, separated by commas."""
    parts: list[str] = []
    for part in (phrase, *context):
        part = " ".join(part.split())
        if part and not any(part.casefold() in said.casefold() for said in parts):
            parts.append(part)
    return ", ".join(parts)
