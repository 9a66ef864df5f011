"""What a sentence leaves out, as the clauses and marks of the query language."""

from __future__ import annotations

from dataclasses import dataclass

from q2e.query.marks import Mark
from q2e.types import Clause

Piece = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Left:
    """What a sentence leaves out: pieces (start, end) of it, in characters."""

    wanted: tuple[Piece, ...]
    unwanted: tuple[Piece, ...]
    said: tuple[Piece, ...]
    """What says that it is left out."""
    own: str = ""
    """What is left out in another form than the sentence has it."""

    def clause(self, text: str) -> Clause:
        """Return the sentence as one that leaves out with `NOT`."""
        wanted, left = _words(text, self.wanted), _words(text, self.unwanted, self.own)
        unwanted = Clause("not", parts=(left,), start=left.start, end=left.end)
        first, last = min(wanted.start, left.start), max(wanted.end, left.end)
        return Clause("all", parts=(wanted, unwanted), start=first, end=last)

    def marks(self, text: str) -> tuple[Mark, ...]:
        """Return its pieces in the order of the text."""
        pieces = (*self.wanted, *self.unwanted)
        found = [Mark("word", start, end, text[start:end]) for start, end in pieces]
        found += [Mark("operator", *piece, "not") for piece in self.said]
        return tuple(sorted(found, key=lambda one: one.start))


def _words(text: str, pieces: tuple[Piece, ...], own: str = "") -> Clause:
    joined = " " if any(map(str.isspace, text)) else ""
    body = own or joined.join(text[start:end] for start, end in pieces)
    return Clause("text", body, start=pieces[0][0], end=pieces[-1][1])
