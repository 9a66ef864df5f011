"""A map of what a collection shows: groups of moments with words, from the vectors it holds.

It is drawn of the pictures' vectors where there are any, else of the texts'. Nothing of the media
is read, and no model is asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from q2e.arrays import Float64, Int64
from q2e.cache import ALL, ResultCache, as_json, fingerprint
from q2e.errors import StoreError
from q2e.search.clusters import around, grouped, laid_out, telling, unit
from q2e.store.base import Store
from q2e.text.tokens import tokens
from q2e.types import Evidence

#: Raised when the same collection would be drawn otherwise.
VERSION = 1
#: Most groups; examples of each; moments of each whose words are read; moments drawn as points.
_GROUPS, _EXAMPLES, _READ, _POINTS = 48, 12, 60, 3000
#: Channels whose texts say what is there, and the shortest word of a script with spaces.
_TOLD, _SHORT = ("speech", "screen_text", "caption", "summary", "metadata"), 4


@dataclass(frozen=True, slots=True)
class Example:
    """A moment of a group, by the id of its video, and the second of its picture."""

    video: str
    start_s: float
    end_s: float
    frame_s: float


@dataclass(frozen=True, slots=True)
class Group:
    """Moments that are alike: where they lie on the map, in 0 to 1, and what tells them apart."""

    x: float
    y: float
    moments: int
    videos: int
    words: tuple[str, ...]
    examples: tuple[Example, ...]
    """The nearest to the middle first, each of another video as far as there are any."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The map of a whole collection."""

    moments: int
    videos: int
    kind: str
    """What likeness is of: `picture` or `text`."""
    groups: tuple[Group, ...]
    points: tuple[tuple[float, float, int], ...]
    """Some of the moments as x, y and group: all of them where they are few."""
    years: tuple[tuple[str, int], ...]
    """How many of the videos are of which year, where that is known."""

    def shape(self) -> dict[str, Any]:
        """Return it as the stable JSON of the command line and the server."""
        return {
            "version": 1,
            "moments": self.moments,
            "videos": self.videos,
            "kind": self.kind,
            "groups": [
                {
                    "x": one.x,
                    "y": one.y,
                    "moments": one.moments,
                    "videos": one.videos,
                    "words": list(one.words),
                    "examples": [
                        {
                            "video": example.video,
                            "start": example.start_s,
                            "end": example.end_s,
                            "frame": example.frame_s,
                        }
                        for example in one.examples
                    ],
                }
                for one in self.groups
            ],
            "points": [list(point) for point in self.points],
            "years": dict(self.years),
        }

    @classmethod
    def of(cls, value: dict[str, Any]) -> Overview:
        """Return the map that `asdict` has made JSON of."""
        groups = (
            Group(
                **one
                | {
                    "words": tuple(one["words"]),
                    "examples": tuple(Example(**example) for example in one["examples"]),
                }
            )
            for one in value["groups"]
        )
        points = tuple((float(x), float(y), int(n)) for x, y, n in value["points"])
        years = tuple((str(year), int(n)) for year, n in value["years"])
        return cls(**value | {"groups": tuple(groups), "points": points, "years": years})


#: Maps by collection and its version.
_KEPT: ResultCache[Overview] = ResultCache("maps", as_json(Overview.of, asdict))


def overview(store: Store, where: str) -> Overview:
    """Return the map of a collection, drawn once for each state of it and kept.

    `where` names the collection apart from others. Raises StoreError where it holds no vectors.
    """
    with store.snapshot():
        table = store.table()
        kind, space = _space(store)
        last = int(table.evidence_id[-1]) if len(table.evidence_id) else 0
        state = f"{table.version}/{len(table.evidence_id)}/{last}/{len(table.video_ids)}"
        which = fingerprint(where, state, method="map", version=VERSION, space=space)
        return _KEPT.of(which, lambda: _drawn(store, kind, space), about=ALL)


def _space(store: Store) -> tuple[str, str]:
    """Return what vectors the map is drawn of: of pictures, else of texts, and their space."""
    held = store.spaces()
    for kind, name in (("picture", "space.image"), ("text", "space.text")):
        space = store.setting(name)
        if space is not None and held.get(space):
            return kind, space
    raise StoreError("the index holds no vectors to draw a map of; index some videos first")


def _drawn(store: Store, kind: str, space: str) -> Overview:
    table = store.table()
    rows, matrix = store.vectors(space)
    vectors = unit(np.ascontiguousarray(matrix, np.float32))
    wanted = min(_GROUPS, max(2, round((len(rows) / 3) ** 0.5)))
    group, centres = grouped(vectors, wanted)
    spots = laid_out(centres)
    video = table.video[rows].astype(np.int64)
    near = np.einsum("nd,nd->n", vectors, centres[group]).astype(np.float64)
    chosen = [_chosen(np.flatnonzero(group == n), near, video) for n in range(len(centres))]
    words = _words(store, rows, video, chosen)
    drawn = np.arange(len(rows))[:: max(1, -(-len(rows) // _POINTS))]
    lying = around(vectors[drawn], group[drawn], centres, spots)
    times = store.times_s(rows[np.concatenate([own[:_EXAMPLES] for own in chosen])])
    groups, begin = [], 0
    for n, own in enumerate(chosen):
        shown = own[:_EXAMPLES]
        stretch = times[begin : begin + len(shown)]
        begin += len(shown)
        groups.append(
            Group(
                x=round(float(spots[n, 0]), 4),
                y=round(float(spots[n, 1]), 4),
                moments=int((group == n).sum()),
                videos=len(np.unique(video[group == n])),
                words=tuple(words[n]),
                examples=tuple(
                    _example(table.video_ids[video[one]], time)
                    for one, time in zip(shown, stretch, strict=True)
                ),
            )
        )
    return Overview(
        moments=len(rows),
        videos=len(table.video_ids),
        kind=kind,
        groups=tuple(groups),
        points=tuple(
            (round(float(x), 4), round(float(y), 4), int(n))
            for (x, y), n in zip(lying, group[drawn], strict=True)
        ),
        years=_years(store),
    )


def _chosen(own: Int64, near: Float64, video: Int64) -> Int64:
    """Return moments of a group, nearest to its middle first: one of each video, then others."""
    order = own[np.argsort(-near[own], kind="stable")]
    _, first = np.unique(video[order], return_index=True)
    first.sort()
    return np.concatenate([order[first], np.delete(order, first)])[:_READ]


def _example(video: str, time_s: Float64) -> Example:
    start_s, end_s, frame_s = (float(one) for one in time_s)
    middle_s = (start_s + end_s) / 2 if np.isnan(frame_s) else frame_s
    return Example(video, round(start_s, 3), round(end_s, 3), round(middle_s, 3))


def _words(store: Store, rows: Int64, video: Int64, chosen: list[Int64]) -> list[list[str]]:
    """Return the telling words of each group, of what is said, shown and named at its moments."""
    told: dict[int, list[Evidence]] = {}
    of = store.table().video_ids
    counted: list[Counter[str]] = []
    for own in chosen:
        times = store.times_s(rows[own])
        here: defaultdict[int, set[str]] = defaultdict(set)
        for place, row in enumerate(own.tolist()):
            number = int(video[row])
            if number not in told:
                told[number] = store.evidence_of(of[number])
            start_s, end_s = times[place, :2]
            for one in told[number]:
                if one.start_s < end_s + 0.01 and one.end_s > start_s - 0.01:
                    # What is said twice in one video is said once.
                    here[number].update(_said(one))
        counted.append(Counter(word for words in here.values() for word in words))
    return telling(counted)


def _said(one: Evidence) -> set[str]:
    named = {tag.label.casefold() for tag in one.tags[:3] if tag.probability >= 0.1}
    # What was composed of labels says no more than they do.
    if one.channel not in _TOLD or one.origin == "composed":
        return named
    return named | {word for word in tokens(one.text) if _is_word(word)}


def _is_word(word: str) -> bool:
    letters = word.isalpha() or not word.isascii()
    return letters and (len(word) >= _SHORT or not word[:1].isascii())


def _years(store: Store) -> tuple[tuple[str, int], ...]:
    found = Counter(one.date[:4] for one in store.videos() if one.date)
    return tuple(sorted(found.items()))
