"""What is known of a file before any of it is read: what its container holds, and its texts."""

from __future__ import annotations

from dataclasses import replace

from q2e.errors import MediaError
from q2e.media.embedded import Contents
from q2e.text.clean import storable
from q2e.types import Video


def contents_of(video: Video) -> Contents:
    """Return chapters and subtitles inside a file; none where it cannot be read.

    Where it holds no chapters, they are those of the description beside it.
    """
    from q2e.decoding.doors import contents
    from q2e.media.sidecar import sidecar_chapters

    try:
        found = contents(video.path)
    except MediaError:
        found = Contents()
    return replace(found, chapters=found.chapters or sidecar_chapters(video.path))


def dated(video: Video) -> Video:
    """Return a video with the day that its container states, where nothing else states one."""
    from q2e.decoding.doors import container_tags
    from q2e.media.dated import day_of_tags

    if video.date is not None:
        return video
    try:
        return replace(video, date=day_of_tags(container_tags(video.path)))
    except MediaError:
        return video


def storable_record(video: Video) -> Video:
    """Return a video whose texts can be stored and shown; its path stays the key to its file."""
    return replace(
        video,
        title=storable(video.title),
        description=storable(video.description),
        language=storable(video.language) or None if video.language else None,
        tags=tuple(filter(None, map(storable, video.tags))),
    )
