"""Reads what a description beside a video says: of download programs, photo services, people."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from q2e.text.dates import day, day_of
from q2e.text.languages import language_code
from q2e.types import Span

_MAX_TITLE, _MAX_DESCRIPTION, _MAX_TAG = 1_000, 100_000, 200
_MAX_TAGS, _MAX_CHAPTERS = 200, 1_000
#: Names of fields, the one that counts first.
_TITLES = ("title", "fulltitle", "alt_title", "name")
_DESCRIPTIONS = ("description", "summary", "caption")
_DAYS = ("upload_date", "release_date", "date", "published", "publish_date")
_YEARS = ("release_year", "year")
_TIMES = ("timestamp", "release_timestamp", "photoTakenTime", "creationTime")
_MAKERS = ("uploader", "channel", "creator", "artist")
_TAGS = ("tags", "categories", "keywords")
_SEPARATORS = re.compile(r"[,;|\n，；、،؛]|\s(?=#)")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(?:(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?)")
_NUMBERED = re.compile(r"<?(?:untitled )?chapter \d+>?", re.IGNORECASE)


class SidecarRecord(TypedDict, total=False):
    """What a description beside the video says; only what it says is present."""

    title: str
    description: str
    date: str
    language: str
    tags: tuple[str, ...]


def record_of(fields: Mapping[str, Any], name: str) -> SidecarRecord:
    """Return what the fields of a description say of the video of that file name.

    Values of the wrong type say nothing. Dates are days, times are seconds since 1970; languages
    are codes or names; tags a list, or one text with commas. Who made the video is the last line
    of its description.
    """
    fields = _named(fields)
    record: SidecarRecord = {}
    if (title := _first(fields, _TITLES, _MAX_TITLE)) and title != name:
        record["title"] = title
    description = _first(fields, _DESCRIPTIONS, _MAX_DESCRIPTION)
    maker = _first(fields, _MAKERS, _MAX_TITLE)
    if maker and maker.casefold() not in f"{title}\n{description}".casefold():
        description = f"{description}\n{maker}".strip()
    if description:
        record["description"] = description
    if date := next(_days(fields), None):
        record["date"] = date
    if language := language_code(_text(fields.get("language"), _MAX_TAG)):
        record["language"] = language
    if tags := tuple(dict.fromkeys(_tags(fields)))[:_MAX_TAGS]:
        record["tags"] = tags
    return record


def chapters_of(fields: Mapping[str, Any]) -> tuple[Span, ...]:
    """Return the titled chapters of a description, in order of time."""
    given = _named(fields).get("chapters")
    found: list[tuple[float, float | None, str]] = []
    for chapter in given[:_MAX_CHAPTERS] if isinstance(given, list) else ():
        if not isinstance(chapter, dict):
            continue
        title = _text(chapter.get("title"), _MAX_TITLE)
        start_s = _seconds(chapter.get("start_time", chapter.get("start")))
        if start_s is not None:
            found.append((start_s, _seconds(chapter.get("end_time", chapter.get("end"))), title))
    found.sort(key=lambda one: one[0])
    starts = [start_s for start_s, _, _ in found]
    return tuple(
        # One whose end is not said lasts until the next.
        Span(start_s, max(start_s, next_s if end_s is None else end_s), title)
        for (start_s, end_s, title), next_s in zip(found, [*starts[1:], *starts[-1:]], strict=True)
        if title and not _NUMBERED.fullmatch(title)
    )


def _named(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return fields that are found by their names in small letters, too."""
    return {**{str(name).casefold(): value for name, value in fields.items()}, **fields}


def _first(fields: Mapping[str, Any], names: tuple[str, ...], longest: int) -> str:
    return next(filter(None, (_text(fields.get(name), longest) for name in names)), "")


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str):
        return ""
    # Photo services write `&amp;`.
    return html.unescape(value.replace("\0", "")[:longest]).strip()


def _days(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the days that are stated, the one that counts first."""
    for name in _DAYS:
        value = fields.get(name)
        stated = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if found := day(_text(stated, 64)):
            yield found
    for name in _TIMES:
        value = fields.get(name)
        if isinstance(value, dict):
            value = value.get("timestamp")
        if isinstance(value, str) and value.isdecimal() and len(value) < 20:
            value = int(value)
        if found := day_of(value):
            yield found
    for name in _YEARS:
        if found := day(str(fields.get(name, ""))[:4]):
            yield found


def _tags(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _TAGS:
        given = fields.get(name)
        if isinstance(given, str):
            given = _SEPARATORS.split(given[: _MAX_TAG * _MAX_TAGS])
        for tag in given[: 2 * _MAX_TAGS] if isinstance(given, list) else ():
            named = tag.get("name") if isinstance(tag, dict) else tag
            if text := _text(named, _MAX_TAG).lstrip("#").strip():
                yield text


def _seconds(value: object) -> float | None:
    if isinstance(value, str) and (match := _CLOCK.fullmatch(value.strip()[:40])):
        hours, minutes, seconds = match.groups()
        if minutes is None:
            hours, minutes = None, hours
        value = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return float(value)
