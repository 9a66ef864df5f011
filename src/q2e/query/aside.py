"""What stands beside a sentence: `lang:en` and `NOT cat` in `a dog not barking NOT cat lang:en`.

A sentence that leaves something out is read as a whole; filters before and after it, and what is
excluded after it in the query language, are none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from q2e.query.marks import FILTER_FIELDS, JOINS, Mark, operators, split

#: Operators that no exclusion goes on across.
_OTHERS = (*JOINS, "within")
_SPACES = " \t\n,;，、，；،؛"


def sentence(text: str) -> tuple[int, int]:
    """Return from where to where a text is a sentence, without what stands at both of its ends.

    That is filters, and after it what is excluded by `NOT` or `-`. The whole text where there is
    nothing beside it, or nothing else.
    """
    found = split(text)
    first, last = 0, len(found)
    while (length := _filter(found, first)) > 0:
        first += length
    last = _excluded(found, first)
    while last > first and _filter(found, last - 1) == 1:
        last -= 1
        last -= last > first and found[last - 1].kind == "minus"
    if first == last or (first, last) == (0, len(found)):
        return 0, len(text)
    start, end = found[first].start, found[last - 1].end
    return start, start + len(text[start:end].rstrip(_SPACES))


def beside(text: str, start: int, end: int) -> tuple[Mark, ...]:
    """Return the marks of what stands before and after a sentence."""
    found = operators(split(text), text)
    return tuple(mark for mark in found if mark.end <= start or mark.start >= end)


def moved_marks(marks: Sequence[Mark], by: int) -> tuple[Mark, ...]:
    """Return marks that stand further on in the text."""
    return tuple(replace(one, start=one.start + by, end=one.end + by) for one in marks)


def _excluded(found: Sequence[Mark], first: int) -> int:
    """Return the number of the first mark after `first` that excludes, or how many marks there are.

    So it is too where something else than filters and exclusions follows.
    """
    for number in range(first + 1, len(found)):
        one = found[number]
        if (one.kind == "minus" and not _filter(found, number)) or one.text == "NOT":
            rest = found[number:]
            other = any(mark.kind == "open" or mark.text.lower() in _OTHERS for mark in rest)
            return len(found) if other else number
    return len(found)


def _filter(found: Sequence[Mark], number: int) -> int:
    """Return of how many marks the filter is that begins at `number`, 0 for none."""
    length = 1 + (number < len(found) and found[number].kind == "minus")
    if number + length > len(found):
        return 0
    mark = found[number + length - 1]
    return length if mark.kind == "field" and mark.text in FILTER_FIELDS else 0
