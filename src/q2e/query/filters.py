"""What `lang:ar`, `after:2020-01`, `duration:<5m` and their like demand of a video."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from q2e.channel_facts import check_known
from q2e.query.marks import channel_fields, seconds
from q2e.text.languages import known_languages
from q2e.types import Filters

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_NUMBER = r"\d[\d.:hms]*"
_DURATION = re.compile(rf"(<=?|>=?)({_NUMBER})|({_NUMBER})(?:-|\.\.)({_NUMBER})")


def one_filter(name: str, value: str, excluded: bool = False) -> Filters:
    """Return the filter that a field and its value stand for.

    Raises ValueError that says what is allowed.
    """
    if excluded and name not in ("lang", "tag", "channel"):
        raise ValueError(f"{name}: cannot be excluded; only lang:, tag: and channel: can")
    if name == "lang":
        return _languages(value, excluded)
    if name == "tag":
        return Filters(without_tags=(value,)) if excluded else Filters(tags=(value,))
    if name == "channel":
        return _channels(value, excluded)
    if name == "video":
        return Filters(videos=(value,))
    if name == "duration":
        return _duration(value)
    try:
        first, last = _period(name, value)
    except ValueError as error:
        raise ValueError(
            f"{error}; to search for the words themselves, put them in quotes"
        ) from None
    if name == "after":
        return Filters(since=value)
    return Filters(until=last if name == "until" else first)


def _languages(value: str, excluded: bool) -> Filters:
    try:
        codes = known_languages([name for name in value.split(",") if name.strip()])
    except ValueError as error:
        raise ValueError(f"lang: {error}") from None
    if not codes:
        raise ValueError("lang: needs a language, or several, as in lang:ar,fr")
    return Filters(without_languages=codes) if excluded else Filters(languages=codes)


def _channels(value: str, excluded: bool) -> Filters:
    fields = channel_fields()
    names = tuple(fields.get(name, name) for name in value.split(",") if name)
    unknown = [name for name in names if name not in fields]
    if unknown or not names:
        raise ValueError(f"channel: needs one or several of {', '.join(fields)}")
    return Filters(without_channels=names) if excluded else Filters(channels=names)


def checked(filters: Filters, held: Sequence[str] = ()) -> Filters:
    """Return filters given by themselves, not in a question, after looking at their values.

    `held` are the channels of the index. Raises ValueError that says what is allowed: what no
    video can have would find nothing.
    """
    check_known((*filters.channels, *filters.without_channels), held)
    for name, value in (("since", filters.since), ("until", filters.until)):
        if value is not None:
            _period(name, value[:10])
    return replace(
        filters,
        languages=known_languages(filters.languages),
        without_languages=known_languages(filters.without_languages),
    )


def _period(name: str, value: str) -> tuple[str, str]:
    """Return the day before a year, month or day, and the period itself."""
    match = _DATE.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        year, month, day = (int(part) if part else 1 for part in match.groups())
        eve = date(year, month, day) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: needs a date such as 2020, 2020-05 or 2020-05-31") from None
    return eve.isoformat(), value


def _duration(value: str) -> Filters:
    match = _DURATION.fullmatch(value)
    sign, limit, low, high = match.groups() if match else (None, None, None, None)
    times = [seconds(part) for part in (limit, low, high) if part]
    if not times or any(time is None for time in times):
        raise ValueError("duration: needs <5m, >1h or 2m-10m; times are written 90s, 5m, 1h30m")
    if sign is None:
        if times[0] > times[1]:  # type: ignore[operator]
            raise ValueError(f"duration: {low} is longer than {high}")
        return Filters(shortest_s=times[0], longest_s=times[1])
    return Filters(longest_s=times[0]) if sign[0] == "<" else Filters(shortest_s=times[0])
