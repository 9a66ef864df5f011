"""Faults of an experiment that make its figures too good; pure functions on ids and texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from q2e.text.forms import normalised


def _plain(text: str) -> str:
    """Return text without case, width and spacing, so that the same words are the same."""
    return " ".join(normalised("NFKC", text).casefold().split())


def queries_among(queries: Mapping[str, str], texts: Iterable[str]) -> tuple[str, ...]:
    """Return ids of queries whose whole text is also among `texts`.

    Queries that are documents find themselves; test queries in the bank that normalises their
    scores are seen before the test.
    """
    known = {_plain(text) for text in texts}
    return tuple(name for name, text in queries.items() if _plain(text) in known)


def shared_videos(splits: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return {video: splits} of videos in more than one split; ids are hashes of content."""
    found: dict[str, list[str]] = {}
    for split, videos in splits.items():
        for video in dict.fromkeys(videos):
            found.setdefault(video, []).append(split)
    return {video: tuple(names) for video, names in found.items() if len(names) > 1}


def duplicates_between(
    videos: Iterable[str], splits: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """Return {video: other splits} of test videos that other splits hold too."""
    test = "\0test"
    shared = shared_videos({test: videos, **splits})
    return {
        video: tuple(name for name in names if name != test)
        for video, names in shared.items()
        if test in names
    }
