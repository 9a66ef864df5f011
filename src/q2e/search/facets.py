"""Counts the videos that filters leave by language, year, tag, channel and length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from q2e.arrays import Bool, Int32
from q2e.store.base import Searched, Table
from q2e.store.counting import Counting
from q2e.types import Filters, Video, in_order

#: Lengths that are told apart, as `duration:` takes them: name, and the limit in seconds.
LENGTHS = (("<1m", 60.0), ("1m-5m", 300.0), ("5m-20m", 1200.0), ("20m-1h", 3600.0))
LONGEST = ">1h"
#: Tags shown at most.
TAGS = 100


def facets(
    store: Searched, filters: Filters, videos: Sequence[str] | None = None
) -> dict[str, dict[str, int]]:
    """Return {facet: {value: number of videos}}, the commonest value first.

    `videos` are the ids of those that answer; None where all do. A
    video counts once for each language and channel of its evidence.
    """
    with store.snapshot():
        limits = [limit for _, limit in LENGTHS]
        counted = store.counted(filters, videos, limits) if isinstance(store, Counting) else None
        if counted is not None:
            return _named(counted)
        table = store.table()
        mask = store.rows(filters)
        allowed = np.ones(len(table), dtype=bool) if mask is None else mask
        if videos is not None:
            answering = np.isin(table.video_ids, list(videos))
            allowed = allowed & answering[table.video]
        known = {video.id: video for video in store.videos()}
        numbers = np.unique(table.video[allowed])
        found = [known[table.video_ids[number]] for number in numbers.tolist()]
        return {
            "language": _languages(store, table.video, allowed),
            "year": _counted([video.date and video.date[:4] for video in found]),
            "tag": dict(list(_counted([tag for one in found for tag in one.tags]).items())[:TAGS]),
            "channel": _channels(table, allowed),
            "duration": _lengths(found),
        }


def _named(counted: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return what a store counted in the order in which it is shown."""
    names = [*(name for name, _ in LENGTHS), LONGEST]
    found = {facet: _ordered(values) for facet, values in counted.items()}
    lengths = {names[int(place)]: n for place, n in counted["duration"].items()}
    found["duration"] = {name: lengths[name] for name in names if name in lengths}
    found["tag"] = dict(list(found["tag"].items())[:TAGS])
    found["channel"] = {name: counted["channel"][name] for name in in_order(counted["channel"])}
    return found


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _counted(values: Sequence[str | None]) -> dict[str, int]:
    return _ordered(Counter(value for value in values if value))


def _languages(store: Searched, video: Int32, allowed: Bool) -> dict[str, int]:
    spoken = []
    for language in store.languages():
        mask = store.rows(Filters(languages=(language,)))
        if mask is not None:
            spoken += [language] * len(np.unique(video[allowed & mask]))
    return _counted(spoken)


def _channels(table: Table, allowed: Bool) -> dict[str, int]:
    pairs = np.unique(np.stack([table.channel[allowed], table.video[allowed]]), axis=1)
    counts = np.bincount(pairs[0].astype(np.int64), minlength=len(table.channels))
    return {name: int(n) for name, n in zip(table.channels, counts, strict=True) if n}


def _lengths(videos: list[Video]) -> dict[str, int]:
    counts = Counter(
        next((name for name, limit in LENGTHS if video.duration_s < limit), LONGEST)
        for video in videos
    )
    names = [*(name for name, _ in LENGTHS), LONGEST]
    return {name: counts[name] for name in names if counts[name]}
