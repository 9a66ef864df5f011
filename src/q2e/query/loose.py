"""What a question leaves open: quotes, parentheses, and words that join nothing."""

from __future__ import annotations

from q2e.query.marks import CLOSING, JOINS, Mark, marks, operators, seconds, split


def unclosed(text: str) -> int | None:
    """Return where a quote opens that nothing closes, beside marks that mean something."""
    special = any(mark.kind in ("phrase", "field") for mark in split(text))
    return open_quote(text) if special else None


def open_quote(text: str) -> int | None:
    """Return where a word begins with a quote that nothing closes."""
    for mark in split(text):
        inside = mark.text if mark.kind == "word" else mark.value
        if not mark.quoted and inside[:1] in CLOSING and inside[1:]:
            return mark.end - len(inside)
    return None


def open_parenthesis(text: str) -> int | None:
    """Return where a word of a plain text begins with a parenthesis that nothing closes."""
    if marks(text) is not None:  # where one that is not closed is an error
        return None
    opened: list[int] = []
    for mark in split(text):
        if mark.kind == "open":
            opened.append(mark.start)
        elif mark.kind == "close" and opened:
            opened.pop()
    return opened[0] if opened else None


def dangling(text: str) -> Mark | None:
    """Return a small word that would join what is quoted, with nothing on one of its sides.

    Where other words stand beside it, it belongs to a sentence.
    """
    found = operators(split(text), text)
    if not any(mark.kind in ("phrase", "field") for mark in found):
        return None
    loose: list[Mark] = []
    for number, mark in enumerate(found):
        if mark.kind != "word":
            continue
        before = found[number - 1] if number else None
        after = found[number + 1] if number + 1 < len(found) else None
        if mark.text in JOINS:
            if before is None or after is None or after.text in (*JOINS, "within"):
                loose.append(mark)
        elif mark.text == "within":
            loose.append(mark)
        elif before is None or before.text != "within" or seconds(mark.text) is None:
            return None
    return loose[0] if loose else None
