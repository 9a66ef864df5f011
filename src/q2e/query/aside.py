"""Filters that stand before and after a sentence, such as `lang:en` in `a dog not barking lang:en`.

A sentence that leaves something out is read as a whole; the filters beside it are none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from q2e.query.marks import FILTER_FIELDS, Mark, split

_JOINS = " \t\n,;，、，；،؛"


def sentence(text: str) -> tuple[int, int]:
    """Return from where to where a text is a sentence, without the filters at both of its ends.

    The whole text where there are none, or nothing else.
    """
    found = split(text)
    first, last = 0, len(found)
    while (length := _filter(found, first)) > 0:
        first += length
    while last > first and _filter(found, last - 1) == 1:
        last -= 1
        last -= last > first and found[last - 1].kind == "minus"
    if first == last or (first, last) == (0, len(found)):
        return 0, len(text)
    start, end = found[first].start, found[last - 1].end
    return start, start + len(text[start:end].rstrip(_JOINS))


def filters_beside(text: str, start: int, end: int) -> tuple[Mark, ...]:
    """Return the marks of what stands before and after a sentence."""
    return tuple(mark for mark in split(text) if mark.end <= start or mark.start >= end)


def moved_marks(marks: Sequence[Mark], by: int) -> tuple[Mark, ...]:
    """Return marks that stand further on in the text."""
    return tuple(replace(one, start=one.start + by, end=one.end + by) for one in marks)


def _filter(found: Sequence[Mark], number: int) -> int:
    """Return of how many marks the filter is that begins at `number`, 0 for none."""
    length = 1 + (number < len(found) and found[number].kind == "minus")
    if number + length > len(found):
        return 0
    mark = found[number + length - 1]
    return length if mark.kind == "field" and mark.text in FILTER_FIELDS else 0
