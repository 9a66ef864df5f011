"""Reads what a description beside a video says: of download programs, photo services, people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from q2e.text.dates import day, day_of
from q2e.text.languages import language_code
from q2e.types import Span

_MAX_TITLE, _MAX_DESCRIPTION, _MAX_TAG = 1_000, 100_000, 200
_MAX_TAGS, _MAX_CHAPTERS = 200, 1_000
#: Names of fields, the one that counts first.
_TITLES = ("title", "fulltitle", "name")
_DESCRIPTIONS = ("description", "summary", "caption")
_DAYS = ("upload_date", "release_date", "date", "published", "publish_date")
_TIMES = ("timestamp", "release_timestamp", "photoTakenTime", "creationTime")
_MAKERS = ("uploader", "channel", "creator", "artist")
_TAGS = ("tags", "categories", "keywords")
_SEPARATORS = re.compile(r"[,;\n]")
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
    given = fields.get("chapters")
    found = []
    for chapter in given[:_MAX_CHAPTERS] if isinstance(given, list) else ():
        if not isinstance(chapter, dict):
            continue
        title = _text(chapter.get("title"), _MAX_TITLE)
        start_s, end_s = _seconds(chapter.get("start_time")), _seconds(chapter.get("end_time"))
        if title and not _NUMBERED.fullmatch(title) and start_s is not None:
            end_s = start_s if end_s is None else end_s
            found.append(Span(start_s, max(start_s, end_s), title))
    return tuple(sorted(found, key=lambda one: one.start_s))


def _first(fields: Mapping[str, Any], names: tuple[str, ...], longest: int) -> str:
    return next(filter(None, (_text(fields.get(name), longest) for name in names)), "")


def _text(value: object, longest: int) -> str:
    return value.replace("\0", "")[:longest].strip() if isinstance(value, str) else ""


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


def _tags(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _TAGS:
        given = fields.get(name)
        if isinstance(given, str):
            given = _SEPARATORS.split(given[: _MAX_TAG * _MAX_TAGS])
        for tag in given[: 2 * _MAX_TAGS] if isinstance(given, list) else ():
            if text := _text(tag, _MAX_TAG):
                yield text


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return float(value)
