"""How videos and evidence become rows of the database and come back, one transaction's worth."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.errors import StoreError
from q2e.store.base import Item
from q2e.types import Evidence, Span, Tag, Video

#: Columns that `evidence` reads, of tables `evidence e` and `video v`.
EVIDENCE = "v.id, e.channel, e.start_s, e.end_s, e.language, e.body"
#: The times of a piece of evidence, NULL for that of a frame that it has not.
TIMES = "e.start_s, e.end_s, json_extract(CAST(e.body AS TEXT), '$.frame_s')"


def pack(text: str) -> bytes:
    """Return any text as bytes, even a path that is not valid UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def unpack(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def video_row(one: Video) -> tuple[Any, ...]:
    """Return id, date, language and all facts as JSON."""
    return one.id, one.date, one.language, json.dumps(asdict(one))


def video(facts: str) -> Video:
    values = json.loads(facts)
    return Video(**{**values, "tags": tuple(values["tags"])})


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
    sure = [] if one.confidence is None else [one.confidence]
    return [one.start_s, one.end_s, one.text, *sure]


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
        spans=tuple(Span(*span) for span in values.get("spans", ())),
        tags=tuple(Tag(*tag) for tag in values.get("tags", ())),
    )


def insert(connection: sqlite3.Connection, stage: int, video: int, items: Sequence[Item]) -> None:
    """Add what a stage found, with its vectors and postings."""
    number_of = {name: _channel(connection, name) for name in {i.evidence.channel for i in items}}
    stored: list[tuple[int, Item]] = []
    for item in items:
        one = item.evidence
        added = connection.execute(
            "INSERT INTO evidence (stage, video, channel, start_s, end_s, length, language, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                stage,
                video,
                number_of[one.channel],
                one.start_s,
                one.end_s,
                len(item.tokens),
                one.language,
                body(one),
            ),
        )
        stored.append((int(added.lastrowid or 0), item))
    insert_vectors(connection, stage, ((each, item.evidence.vectors) for each, item in stored))
    insert_postings(connection, stage, ((each, item.tokens) for each, item in stored))


def _channel(connection: sqlite3.Connection, name: str) -> int:
    """Return a channel's number, given at its first use and never to another one."""
    connection.execute("INSERT OR IGNORE INTO channel (name) VALUES (?)", (name,))
    row = connection.execute("SELECT number FROM channel WHERE name = ?", (name,)).fetchone()
    return int(row[0])


def insert_vectors(
    connection: sqlite3.Connection,
    stage: int,
    vectors: Iterable[tuple[int, Mapping[str, Float32]]],
) -> None:
    """Add vectors by space, each to the evidence of an id."""
    found: dict[str, list[tuple[int, Float32]]] = {}
    for evidence_id, by_space in vectors:
        for name, vector in by_space.items():
            found.setdefault(name, []).append((evidence_id, vector))
    for name, pairs in found.items():
        space = _space(connection, name, {len(vector) for _, vector in pairs})
        with np.errstate(over="ignore"):
            data = np.array([vector for _, vector in pairs]).astype("<f2")
        if not np.isfinite(data).all():
            raise StoreError(f"space {name!r}: a vector holds a number that is not finite")
        connection.execute(
            "INSERT INTO vector (stage, space, evidence, data) VALUES (?, ?, ?, ?)",
            (stage, space, np.array([one for one, _ in pairs], "<i8").tobytes(), data.tobytes()),
        )


def _space(connection: sqlite3.Connection, name: str, dimensions: set[int]) -> int:
    connection.execute(
        "INSERT OR IGNORE INTO space (name, dimension) VALUES (?, ?)", (pack(name), min(dimensions))
    )
    number, known = connection.execute(
        "SELECT number, dimension FROM space WHERE name = ?", (pack(name),)
    ).fetchone()
    for dimension in dimensions - {known}:
        raise StoreError(f"space {name!r} has {known} dimensions, got a vector of {dimension}")
    return int(number)


def insert_postings(
    connection: sqlite3.Connection, stage: int, tokens: Iterable[tuple[int, Sequence[str]]]
) -> None:
    """Add the tokens of each piece of evidence."""
    found: dict[str, list[tuple[int, int]]] = {}
    for evidence_id, own in tokens:
        for term, count in Counter(own).items():
            found.setdefault(term, []).append((evidence_id, min(count, 65_535)))
    connection.executemany(
        "INSERT INTO posting VALUES (?, ?, ?, ?)",
        (
            (
                pack(term),
                stage,
                np.array([one for one, _ in where], "<i8").tobytes(),
                np.array([count for _, count in where], "<u2").tobytes(),
            )
            for term, where in found.items()
        ),
    )
