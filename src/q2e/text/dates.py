"""Days as people and programs write them, where they can be read in one way only."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

#: A day or its beginning is in the first century or later than the machine's clock allows.
_LONGEST = 64
_YEAR_FIRST = re.compile(
    r"(\d{4})(?:([-/.年]|\s)(\d{1,2})(?:(?:\2|月)(\d{1,2})日?|月?)?|年)?(?:[T ].*)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?\d{0,6}.*)?")
_MONTHS = {
    name: str(number)
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?[\s-]+)?([A-Za-z]{3,9})\.?,?[\s-]+"
    r"(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})(?:[,T ].*)?",
    re.ASCII,
)
_DAY_FIRST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T ].*)?")


def day(text: str) -> str | None:
    """Return the day that a text states as `YYYY-MM-DD`, or None where it states none for sure.

    Years come first (`2023-04-05`, `2023/4/5`, `20230405`, `2023年4月5日`, with a time or without;
    `2023` and `2023-04` are their first day), or last where the day cannot be a month, dots part
    them or the month is named in English (`31/12/2023`, `05.04.2023`, `5 April 2023`).
    """
    text = text[:_LONGEST].strip()
    if match := _COMPACT.fullmatch(text):
        return _day(*match.groups())
    if match := _YEAR_FIRST.fullmatch(text):
        year, _, month, of_month = match.groups()
        return _day(year, month or "1", of_month or "1")
    if match := _DAY_FIRST.fullmatch(text):
        one, mark, other, year = match.groups()
        if mark == "." or int(one) > 12 or one == other:
            return _day(year, other, one)
        return _day(year, one, other) if int(other) > 12 else None
    if (match := _NAMED.fullmatch(text)) and (month := _month(match[2])):
        before, _, after, year = match.groups()
        return None if before and after else _day(year, month, before or after or "1")
    return None


def day_of(seconds: object) -> str | None:
    """Return the day of a time in seconds since 1970, in UTC; None for what is no such time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if 1e11 < seconds < 1e14:  # thousandths, as programs of the web count
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _month(name: str) -> str | None:
    number = _MONTHS.get(name[:3].casefold())
    whole = number and date(2000, int(number), 1).strftime("%B").casefold()
    return number if whole and whole.startswith(name.casefold().removesuffix("t")) else None


def _day(year: str, month: str, of_month: str) -> str | None:
    try:
        return date(int(year), int(month), int(of_month)).isoformat()
    except ValueError:
        return None
