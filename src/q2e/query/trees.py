"""Clauses of the query language joined, taken apart and moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from q2e.types import Clause, ClauseKind


def moved(clause: Clause, by: int) -> Clause:
    """Return a clause whose characters stand further on in the text."""
    parts = tuple(moved(part, by) for part in clause.parts)
    return replace(clause, parts=parts, start=clause.start + by, end=clause.end + by)


def one_text(clauses: list[Clause]) -> list[Clause]:
    """Join words that stand together, but for fields between them, to one text."""
    words = [one for one in clauses if one.kind == "text" and one.channel is None]
    if len(words) < 2:
        return clauses
    text = " ".join(one.text for one in words)
    whole = Clause("text", text, start=words[0].start, end=words[-1].end)
    place = clauses.index(words[0])
    others = [one for one in clauses if one not in words]
    return [*others[:place], whole, *others[place:]]


def of_all(clause: Clause) -> tuple[Clause, ...]:
    """Return what a clause asks for at once."""
    return clause.parts if clause.kind == "all" else (clause,)


def walk(clause: Clause) -> list[Clause]:
    """Return a clause and all that it is made of."""
    return [clause, *(one for part in clause.parts for one in walk(part))]


def joined(kind: ClauseKind, parts: Sequence[Clause]) -> Clause:
    """Return clauses as one of a kind; a single one stays itself."""
    if len(parts) == 1:
        return parts[0]
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    return Clause(kind, parts=tuple(parts), start=start, end=end)
