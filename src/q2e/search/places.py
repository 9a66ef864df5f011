"""Where the videos of a collection were recorded, and what places their names and tags name.

Coordinates are those that cameras write into files (ISO 6709), or that a record gives as degrees.
Names are those of countries and large cities in eleven languages (`data/places.tsv`, and
`slots.json` for what they are called). Nothing of the media is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from q2e.cache import ALL, ResultCache, as_json, fingerprint
from q2e.query.inflected import inflected
from q2e.store.base import Store

#: Raised when the same collection would be drawn otherwise.
VERSION = 1
#: Pieces of evidence that are read, characters of each, places told, and videos named of each.
_PIECES, _LONGEST, _PLACES, _EXAMPLES = 200_000, 2_000, 400, 12
#: Places recorded at are told together within this many degrees, and have the name of a place
#: that lies as near.
_TOGETHER, _NEAR = 0.5, 1.0
#: Words of the longest name.
_WORDS = 4

_ISO_6709 = re.compile(
    r"([+-]\d{2,6}(?:\.\d+)?)([+-]\d{3,7}(?:\.\d+)?)(?:[+-]\d+(?:\.\d+)?)?(?:CRS\S*)?/?"
)
_DEGREES = re.compile(r"(?:geo:)?\s*(-?\d{1,2}\.\d+)\s*[,;]\s*(-?\d{1,3}\.\d+)")
_WORD = re.compile(r"[^\W\d_][\w\u0300-\u036f\u064b-\u0652\u0900-\u097f'’.-]*")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place and what lies there: its names by language, and the videos, some of them by id."""

    names: Mapping[str, str]
    latitude: float
    longitude: float
    recorded: bool
    """Whether videos were recorded there, rather than name it."""
    videos: int
    examples: tuple[tuple[str, str, bool], ...]
    """(id, title or path, whether there is a picture of it) of some of the videos."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a collection, those of most videos first."""

    videos: int
    """How many videos lie anywhere."""
    places: tuple[Place, ...]

    def shape(self) -> dict[str, Any]:
        """Return it as the stable JSON of the server."""
        told = [
            {
                "names": dict(one.names),
                "latitude": one.latitude,
                "longitude": one.longitude,
                "recorded": one.recorded,
                "videos": one.videos,
                "examples": [
                    {"video": video, "title": title, "picture": picture}
                    for video, title, picture in one.examples
                ],
            }
            for one in self.places
        ]
        return {"version": 1, "videos": self.videos, "places": told}

    @classmethod
    def of(cls, value: dict[str, Any]) -> Places:
        """Return what `asdict` has made JSON of."""
        places = (
            Place(**one | {"examples": tuple(map(tuple, one["examples"]))})
            for one in value["places"]
        )
        return cls(value["videos"], tuple(places))


_KEPT: ResultCache[Places] = ResultCache("places", as_json(Places.of, asdict))


def places(store: Store, where: str) -> Places:
    """Return the places of a collection, found once for each state of it and kept.

    `where` names the collection apart from others.
    """
    with store.snapshot():
        table = store.table()
        last = int(table.evidence_id[-1]) if len(table.evidence_id) else 0
        state = f"{table.version}/{len(table.evidence_id)}/{last}/{len(table.video_ids)}"
        which = fingerprint(where, state, method="places", version=VERSION)
        return _KEPT.of(which, lambda: _found(store), about=ALL)


def _found(store: Store) -> Places:
    table = store.table()
    rows = np.flatnonzero(table.of_channels(("metadata",)))[:_PIECES]
    named: dict[int, set[str]] = {}
    recorded: dict[tuple[int, int], set[str]] = {}
    at: dict[tuple[int, int], tuple[float, float]] = {}
    for piece in store.evidence(rows.tolist()):
        text = piece.text[:_LONGEST]
        if (point := coordinates(text)) is not None:
            cell = math.floor(point[0] / _TOGETHER), math.floor(point[1] / _TOGETHER)
            recorded.setdefault(cell, set()).add(piece.video)
            at.setdefault(cell, point)
            continue
        for number in named_in(text):
            named.setdefault(number, set()).add(piece.video)
    known = gazetteer()
    everywhere = set().union(*named.values(), *recorded.values())
    found = [
        (known[n].names, known[n].latitude, known[n].longitude, False, own)
        for n, own in named.items()
    ]
    found += [(_nearest(*at[cell]), *at[cell], True, own) for cell, own in recorded.items()]
    found.sort(key=lambda one: (-len(one[4]), one[1], one[2]))
    shown = {video for one in found[:_PLACES] for video in sorted(one[4])[:_EXAMPLES]}
    about = store.several(sorted(shown))
    return Places(
        len(everywhere),
        tuple(
            Place(
                names,
                round(latitude, 4),
                round(longitude, 4),
                own_,
                len(videos),
                tuple(
                    (own.id, own.title or own.path, own.has_video and bool(own.path))
                    for own in (about[video] for video in sorted(videos)[:_EXAMPLES])
                ),
            )
            for names, latitude, longitude, own_, videos in found[:_PLACES]
        ),
    )


# -- where ----------------------------------------------------------------------------------------
def coordinates(text: str) -> tuple[float, float] | None:
    """Return (latitude, longitude) in degrees of a text that holds nothing else, or None.

    `+40.6892-074.0445/` (ISO 6709: degrees, or degrees with minutes and seconds) and
    `40.6892, -74.0445`.
    """
    if match := _ISO_6709.fullmatch(text.strip()):
        latitude, longitude = _degrees(match[1], 2), _degrees(match[2], 3)
    elif match := _DEGREES.fullmatch(text.strip()):
        latitude, longitude = float(match[1]), float(match[2])
    else:
        return None
    # Nobody films at 0, 0: it is what a camera writes that does not know.
    inside = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
    return (latitude, longitude) if inside else None


def _degrees(written: str, whole: int) -> float:
    sign, (digits, _, rest) = (-1 if written[0] == "-" else 1), written[1:].partition(".")
    last = float(f"{digits[-2:] if len(digits) > whole else digits}.{rest or 0}")
    if len(digits) == whole:
        return sign * last
    if len(digits) == whole + 2:
        return sign * (int(digits[:whole]) + last / 60)
    return sign * (int(digits[:whole]) + int(digits[whole : whole + 2]) / 60 + last / 3600)


def _nearest(latitude: float, longitude: float) -> Mapping[str, str]:
    """Return the names of the nearest place that is known and near; none where it is far."""
    near = [
        (
            math.hypot(
                one.latitude - latitude,
                (one.longitude - longitude) * math.cos(math.radians(latitude)),
            ),
            n,
        )
        for n, one in enumerate(gazetteer())
        if one.city
    ]
    far, number = min(near)
    return gazetteer()[number].names if far <= _NEAR else {}


# -- what is named --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Known:
    """A country or city: its names by language, all of them, and where its middle lies."""

    names: Mapping[str, str]
    called: tuple[str, ...]
    latitude: float
    longitude: float
    city: bool


@lru_cache(maxsize=1)
def gazetteer() -> tuple[Known, ...]:
    """Return the places that are known by name."""
    data = resources.files("q2e").joinpath("data")
    rows = json.loads(data.joinpath("slots.json").read_text("utf-8"))["places"]
    slots = {row["en"][0]: row for row in rows}
    # The rows of countries come first, in the order of their codes; cities follow by continent.
    first_city = next(n for n, row in enumerate(rows) if row["en"][0] == "Abidjan")
    countries = {row["en"][0] for row in rows[:first_city]}
    found = []
    for line in data.joinpath("places.tsv").read_text("utf-8").splitlines():
        english, latitude, longitude, others = line.split("\t")
        row = slots.get(english, {"en": [english]})
        names = {language: own[0] for language, own in row.items() if own}
        called = [name for own in row.values() for name in own] + [
            one for one in others.split("|") if one
        ]
        found.append(
            Known(
                names,
                tuple(dict.fromkeys(called)),
                float(latitude),
                float(longitude),
                english not in countries,
            )
        )
    return tuple(found)


@lru_cache(maxsize=1)
def _by_name() -> tuple[dict[str, int], re.Pattern[str]]:
    """Return places by their names in small letters, and a pattern of those without spaces."""
    spaced: dict[str, int] = {}
    unspaced: dict[str, int] = {}
    for number, one in enumerate(gazetteer()):
        for name in one.called:
            if _UNSPACED.fullmatch(name):
                unspaced.setdefault(name, number)
            elif len(name) > 2:
                for form in (name, *inflected(name)):
                    spaced.setdefault(form.casefold(), number)
    longest = sorted(unspaced, key=len, reverse=True)
    return spaced | unspaced, re.compile("|".join(map(re.escape, longest)))


def named_in(text: str) -> Iterator[int]:
    """Yield the numbers of the places that a text names, each once; the longest name counts.

    Where a text has capital letters a name begins with one: `turkey` is a bird.
    """
    names, unspaced = _by_name()
    told: set[int] = set()
    words = _WORD.findall(text)
    cased = any(word[0].isupper() for word in words)
    place = 0
    while place < len(words):
        for count in range(min(_WORDS, len(words) - place), 0, -1):
            said = " ".join(words[place : place + count]).strip("'’.-")
            number = names.get(said.casefold())
            if number is not None and (not cased or not said[0].islower()):
                told.add(number)
                place += count - 1
                break
        place += 1
    for run in _UNSPACED.findall(text):
        told.update(names[name] for name in unspaced.findall(run))
    yield from sorted(told)
