"""What of a catalogue is found by, as rows of Milvus: vectors by space, weights of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any

import numpy as np

from q2e.arrays import Int64
from q2e.store import rows as packing
from q2e.store.milvus.tables import WORDS, Row, short, tag_key
from q2e.store.sql import View
from q2e.types import Video

#: Bytes beyond which a database may keep a word by its digest.
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows by space, with the dimension of each; words have none."""

    rows: Mapping[str, list[Row]]
    dimensions: Mapping[str, int]


def dimension(term: bytes) -> int:
    """Return the dimension of a sparse vector that stands for a term.

    Two of a million terms share one with probability 1e-4 each: such a row scores too high, never
    too low, and who is found so is scored again by the words themselves.
    """
    kept = term if len(term) <= _LONGEST else b"\xff" + sha256(term).digest()
    return int.from_bytes(blake2b(kept, digest_size=4).digest(), "big") % (2**32 - 1)


def saturated(count: float, length: float, mean: float) -> float:
    """Return the part of BM25 that a piece has of a term: f / (f + 1.2 (.25 + .75 l / mean l)).

    Robertson and Zaragoza 2009, with k1 = 1.2 and b = .75; the question has the other, idf.
    """
    return count / (count + 1.2 * (0.25 + 0.75 * length / mean))


def copied(
    view: View, numbers: Sequence[int], of: str, made: int, means: Mapping[str, float] | None
) -> Copy:
    """Return the rows of videos; without `means`, the mean length by channel, none of words."""
    among = ", ".join(map(str, numbers)) or "NULL"
    videos = {
        int(number): packing.video(facts)
        for number, facts in view.connection.execute(
            f"SELECT number, facts FROM video WHERE number IN ({among})"
        )
    }
    own: dict[int, Row] = {}
    lengths: dict[int, int] = {}
    for one, video, channel, length, language in view.connection.execute(
        "SELECT e.id, s.video, e.channel, e.length, e.language FROM stage s "
        f"JOIN evidence e ON e.stage = s.number WHERE s.video IN ({among}) ORDER BY e.id"
    ):
        key = {"id": f"{of}/{one}", "of": of, "made": made, "video": int(video)}
        own[one] = key | _facts(videos[int(video)], view.channels[channel], language)
        lengths[one] = length
    found: dict[str, list[Row]] = {}
    dimensions = {}
    for name, size, ids, data in view.connection.execute(
        "SELECT p.name, p.dimension, x.evidence, x.data FROM stage s "
        "JOIN vector x ON x.stage = s.number JOIN space p ON p.number = x.space "
        f"WHERE s.video IN ({among})"
    ):
        space = packing.unpack(name)
        dimensions[space] = int(size)
        matrix = np.frombuffer(data, "<f2").reshape(-1, size).astype(np.float32)
        found.setdefault(space, []).extend(
            own[one] | {"vector": vector}
            for one, vector in zip(np.frombuffer(ids, "<i8").tolist(), matrix, strict=True)
        )
    if means is not None:
        found[WORDS] = _words(view, among, own, lengths, means)
        dimensions[WORDS] = 0
    return Copy(found, dimensions)


def _facts(video: Video, channel: str, language: str | None) -> Row:
    return {
        "channel": short(channel),
        "language": short(language or video.language or ""),
        "date": short(video.date or ""),
        "duration_s": float(video.duration_s),
        "tags": [tag_key(tag) for tag in dict.fromkeys(video.tags)][:1_024],
    }


def _words(
    view: View,
    among: str,
    own: Mapping[int, Row],
    lengths: Mapping[int, int],
    means: Mapping[str, float],
) -> list[Row]:
    weights: dict[int, dict[int, float]] = {}
    channel_of = {one: str(row["channel"]) for one, row in own.items()}
    mean_of = {short(channel): mean for channel, mean in means.items()}
    for term, ids, counts in view.connection.execute(
        "SELECT p.term, p.evidence, p.count FROM stage s JOIN posting p ON p.stage = s.number "
        f"WHERE s.video IN ({among})"
    ):
        place = dimension(bytes(term))
        pairs = zip(_numbers(ids, "<i8").tolist(), _numbers(counts, "<u2").tolist(), strict=True)
        for one, count in pairs:
            weight = saturated(count, lengths[one], mean_of[channel_of[one]])
            held = weights.setdefault(one, {})
            held[place] = held.get(place, 0.0) + weight
    return [own[one] | {"vector": vector} for one, vector in weights.items()]


def _numbers(value: Any, form: str) -> Int64:
    """Return numbers that a database keeps packed, or as a list."""
    if isinstance(value, bytes | memoryview):
        return np.frombuffer(value, form).astype(np.int64)
    return np.array(value, np.int64)
