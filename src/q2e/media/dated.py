"""The day on which a film was made, by the tags that cameras and programs write into it."""

from __future__ import annotations

from collections.abc import Mapping

from q2e.text.dates import day

#: Tags with a day, the surest first: what a person or camera states goes before when a file was
#: written.
_TAGS = (
    *("com.apple.quicktime.creationdate", "date_recorded", "originaldate", "date-eng", "date"),
    *("date_released", "originalyear", "year", "tdrc", "tyer", "icrd", "creation_time"),
)
#: Clocks that were never set count from such days, and no film is older than the second.
_EARLIEST = {"creation_time": "1971-01-01"}
_FIRST_FILM = "1888-01-01"


def day_of_tags(tags: Mapping[str, str]) -> str | None:
    """Return the day that a container's tags state as `YYYY-MM-DD`, or None.

    `tags` have lower-case keys. A year or month alone is its first day.
    """
    for name in _TAGS:
        found = day(tags.get(name, ""))
        if found is not None and found >= _EARLIEST.get(name, _FIRST_FILM):
            return found
    return None
