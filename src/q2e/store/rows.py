"""How videos and evidence become rows of the database and come back, one transaction's worth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from q2e.arrays import Float32, Int64
from q2e.errors import StoreError
from q2e.store import catalogue
from q2e.store.base import Item, StageKey
from q2e.types import Evidence, Span, Tag, Video

#: Columns that `evidence` reads, of tables `evidence e` and `video v`.
EVIDENCE = "v.id, e.channel, e.start_s, e.end_s, e.language, e.body"


def pack(text: str) -> bytes:
    """Return any text as bytes, even a path that is not valid UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def unpack(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


#: The columns of a video that both databases have, as `video_row` gives them.
VIDEO = ("id", "date", "language", "facts", "duration_s", "path", "folder", "title", "said")


def putting(**more: str) -> str:
    """Return what puts a video there, or what is known of it in place of what was.

    `more` are columns that one database has beside `VIDEO`, and how their values are given.
    """
    names = (*VIDEO, *more)
    given = ", ".join(more.get(name, "?") for name in names)
    anew = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    columns = ", ".join(names)
    return f"INSERT INTO video ({columns}) VALUES ({given}) ON CONFLICT (id) DO UPDATE SET {anew}"


def video_row(one: Video) -> tuple[Any, ...]:
    """Return the columns `VIDEO`: all facts are JSON, and what it is listed by are bytes."""
    return one.id, one.date, one.language, json.dumps(asdict(one)), *listed(one)


def listed(one: Video) -> tuple[Any, ...]:
    """Return the columns of `VIDEO` by which a video is listed; see `q2e.store.catalogue`."""
    texts = one.path, catalogue.folder_of(one), catalogue.title(one), catalogue.said(one)
    return one.duration_s, *map(pack, texts)


def video(facts: str) -> Video:
    values = json.loads(facts)
    return Video(**{**values, "tags": tuple(values["tags"])})


def check_own(key: StageKey, items: Sequence[Item]) -> None:
    """Raise StoreError where evidence is of another video or channel than the stage that found it.

    A channel reads for itself alone.
    """
    for one in (item.evidence for item in items):
        if (one.video, one.channel) != (key.video, key.channel):
            raise StoreError(
                f"stage {key.stage!r} of video {key.video!r} found evidence of channel "
                f"{one.channel!r} of video {one.video!r}; a channel reads for itself alone"
            )


def body(one: Evidence) -> bytes:
    """Return as JSON what of a piece of evidence has no column of its own."""
    values: dict[str, Any] = {"text": one.text, "origin": one.origin}
    if one.frame_s is not None:
        values["frame_s"] = one.frame_s
    if one.spans:
        values["spans"] = [_span(span) for span in one.spans]
    if one.tags:
        values["tags"] = [[tag.label, tag.probability] for tag in one.tags]
    return pack(json.dumps(values, ensure_ascii=False))


def _span(one: Span) -> list[Any]:
    values = [one.start_s, one.end_s, one.text]
    if one.confidence is not None or one.words:
        values.append(one.confidence)
    return [*values, one.words] if one.words else values


def _read_span(
    start_s: float, end_s: float, text: str, sure: float | None = None, words: Any = ()
) -> Span:
    return Span(start_s, end_s, text, sure, tuple((place, at_s) for place, at_s in words))


def evidence(row: Sequence[Any], channels: Mapping[int, str]) -> Evidence:
    """Return the evidence of a row of `EVIDENCE` columns, without vectors.

    `channels` are the names of channels by number.
    """
    video_id, channel, start_s, end_s, language, packed = row
    values = json.loads(unpack(packed))
    return Evidence(
        video=video_id,
        channel=channels[channel],
        start_s=start_s,
        end_s=end_s,
        text=values["text"],
        language=language,
        origin=values["origin"],
        frame_s=values.get("frame_s"),
        spans=tuple(_read_span(*span) for span in values.get("spans", ())),
        tags=tuple(Tag(*tag) for tag in values.get("tags", ())),
    )


def by_space(
    vectors: Iterable[tuple[int, Mapping[str, Float32]]],
) -> dict[str, tuple[Int64, npt.NDArray[np.float16]]]:
    """Return ids (n,) and vectors (n, d), in half precision, of each space.

    Raises StoreError where vectors of a space differ in dimensions, or one is not finite.
    """
    found: dict[str, list[tuple[int, Float32]]] = {}
    for evidence_id, own in vectors:
        for name, vector in own.items():
            found.setdefault(name, []).append((evidence_id, vector))
    packed = {}
    for name, pairs in found.items():
        known, *others = dict.fromkeys(len(vector) for _, vector in pairs)
        for dimension in others:
            raise other_dimension(name, known, dimension)
        with np.errstate(over="ignore"):
            data = np.array([vector for _, vector in pairs]).astype("<f2")
        if not np.isfinite(data).all():
            raise StoreError(f"space {name!r}: a vector holds a number that is not finite")
        packed[name] = np.array([one for one, _ in pairs], "<i8"), data
    return packed


def other_dimension(space: str, known: int, got: int) -> StoreError:
    """Return what is raised for a vector of other dimensions than its space has."""
    return StoreError(f"space {space!r} has {known} dimensions, got a vector of {got}")


def by_term(tokens: Iterable[tuple[int, Sequence[str]]]) -> dict[str, tuple[list[int], list[int]]]:
    """Return ids of evidence and how often it holds the term, for each term."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for evidence_id, own in tokens:
        for term, count in Counter(own).items():
            ids, counts = found.setdefault(term, ([], []))
            ids.append(evidence_id)
            counts.append(min(count, 65_535))
    return found
