"""Counts the videos that filters leave by language, year, tag, channel, length and label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from q2e.arrays import Bool, Float64, Int16, Int32, Int64
from q2e.search.heard import CHANNELS, labelled
from q2e.store.base import Searched
from q2e.store.counting import Counting
from q2e.store.facts import facts_of
from q2e.types import Filters, in_order

Facets = dict[str, dict[str, int]]

#: Lengths that are told apart, as `duration:` takes them: name, and the limit in seconds.
LENGTHS = (("<1m", 60.0), ("1m-5m", 300.0), ("5m-20m", 1200.0), ("20m-1h", 3600.0))
LONGEST = ">1h"
#: Tags, sounds and things seen shown at most, each.
TAGS = 100


def facets(store: Searched, filters: Filters, videos: Sequence[str] | None = None) -> Facets:
    """Return {facet: {value: number of videos}}, the commonest value first.

    `videos` are the ids of those that answer; None where all do. A video counts once for each
    language and channel of its evidence. `sound` and `seen`, by what is heard and seen, are there
    where the index has that channel.
    """
    with store.snapshot():
        limits = [limit for _, limit in LENGTHS]
        told = store.counted(filters, videos, limits) if isinstance(store, Counting) else None
        if told is not None:
            return _of_store(told)
        answering = None
        if videos is not None:
            wanted = set(videos)
            names = store.table().video_ids
            answering = np.array([name in wanted for name in names], dtype=bool)
        return counted(store, store.rows(filters), answering)


def counted(store: Searched, mask: Bool | None, answering: Bool | None) -> Facets:
    """Return the facets of the evidence in `mask` (E,) of the videos `answering` (V,)."""
    table, facts = store.table(), facts_of(store)
    allowed = mask
    if answering is not None:
        of_these = answering[table.video]
        allowed = of_these if mask is None else mask & of_these
    rows = np.arange(len(table)) if allowed is None else np.flatnonzero(allowed)
    owner = table.video[rows]
    left = np.zeros(len(table.video_ids), dtype=bool)
    left[owner] = True
    year = facts.year[left]
    tag = facts.tag[left[facts.tagged]]
    channels = _each_once(table.channel[rows], owner, len(table.channels), len(left))
    languages = _each_once(facts.spoken[rows], owner, len(facts.languages), len(left))
    named = [channel for channel in CHANNELS if channel in table.channels]
    return {
        "language": _sorted(facts.languages, languages),
        "year": _sorted(facts.years, _times(year, len(facts.years))),
        "tag": _most(_named(facts.tags, _times(tag, len(facts.tags)))),
        "channel": _named(table.channels, channels),
        "duration": _lengths(facts.duration_s[left]),
        **{channel: _most(labelled(store, rows, channel)) for channel in named},
    }


def _times(codes: Int64, size: int) -> list[int]:
    """Return how often each code from 0 occurs."""
    counts: list[int] = np.bincount(codes[codes >= 0], minlength=size).tolist()
    return counts


def _each_once(codes: Int64 | Int16, owner: Int32, size: int, videos: int) -> list[int]:
    """Return how many videos have each code, of pieces (n,) and their videos (n,)."""
    held = np.zeros((size + 1, videos), dtype=bool)
    held[codes, owner] = True  # -1 is the last line, of what has no code
    counts: list[int] = held[:size].sum(axis=1).tolist()
    return counts


def _named(names: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    return {name: n for name, n in zip(names, counts, strict=True) if n}


def _sorted(names: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    return _ordered(_named(names, counts))


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(list(_ordered(counts).items())[:TAGS])


def _of_store(counted: Mapping[str, Mapping[str, int]]) -> Facets:
    """Return what a store counted in the order in which it is shown."""
    names = [*(name for name, _ in LENGTHS), LONGEST]
    found = {facet: _ordered(values) for facet, values in counted.items()}
    lengths = {names[int(place)]: n for place, n in counted["duration"].items()}
    found["duration"] = {name: lengths[name] for name in names if name in lengths}
    found |= {facet: _most(counted[facet]) for facet in ("tag", *CHANNELS) if facet in counted}
    found["channel"] = {name: counted["channel"][name] for name in in_order(counted["channel"])}
    return found


def _lengths(duration_s: Float64) -> dict[str, int]:
    limits = [limit for _, limit in LENGTHS]
    place = np.searchsorted(limits, duration_s, side="right").astype(np.int64)
    return _named((*(name for name, _ in LENGTHS), LONGEST), _times(place, len(limits) + 1))
