"""What is known of a file before any of it is read: what its container holds, and its texts."""

from __future__ import annotations

from dataclasses import replace

from q2e.errors import MediaError
from q2e.media.embedded import Contents
from q2e.text.clean import storable
from q2e.types import Video


def contents_of(video: Video) -> Contents:
    """Return chapters and subtitles inside a file; none where it cannot be read."""
    from q2e.decoding.doors import contents

    try:
        return contents(video.path)
    except MediaError:
        return Contents()


def storable_record(video: Video) -> Video:
    """Return a video whose texts can be stored and shown; its path stays the key to its file."""
    return replace(
        video,
        title=storable(video.title),
        description=storable(video.description),
        language=storable(video.language) or None if video.language else None,
        tags=tuple(filter(None, map(storable, video.tags))),
    )
