"""Lists of videos as people look through them: by words of their names, by folder, in an order."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Any, Literal

from q2e.types import Video

Order = Literal["path", "title", "date", "length"]
#: Most folders that are told: a choice of more is none.
_MOST_FOLDERS = 500


def listed(videos: Sequence[Video], find: str, folder: str, sort: Order) -> list[Video]:
    """Return the videos that have all words of `find` and lie below `folder`, in an order.

    Words are looked for in path, title and tags, whatever their case and form (NFKC). Newest and
    longest come first; what has no date comes last.
    """
    words = _plain(find).split()
    found = [
        video
        for video in videos
        if _below(video.path, folder) and all(word in _said(video) for word in words)
    ]
    match sort:
        case "title":
            found.sort(key=lambda one: (_plain(one.title or PurePath(one.path).stem), one.path))
        case "date":
            found.sort(key=lambda one: one.path)
            found.sort(key=lambda one: one.date or "", reverse=True)
        case "length":
            found.sort(key=lambda one: (-one.duration_s, one.path))
        case "path":
            found.sort(key=lambda one: (one.path, one.id))
    return found


def folders(videos: Sequence[Video]) -> list[dict[str, Any]]:
    """Return each folder that has videos, or several folders that do, with how many lie below."""
    own = Counter(str(PurePath(video.path).parent) for video in videos if video.path)
    below: Counter[str] = Counter()
    leads: defaultdict[str, set[str]] = defaultdict(set)
    for name, many in own.items():
        chain = [name, *map(str, PurePath(name).parents)]
        below.update(dict.fromkeys(chain, many))
        for inner, outer in pairwise(chain):
            leads[outer].add(inner)
    # A folder through which one path alone leads on tells nothing that the next one does not.
    shown = [name for name in below if own[name] or len(leads[name]) > 1]
    tops = sorted(shown, key=lambda name: (len(PurePath(name).parts), name))[:_MOST_FOLDERS]
    return [{"folder": name, "videos": below[name]} for name in sorted(tops)]


def _below(path: str, folder: str) -> bool:
    return not folder or (bool(path) and PurePath(path).is_relative_to(folder))


def _said(video: Video) -> str:
    return _plain(" ".join((video.path or video.id, video.title, *video.tags)))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
