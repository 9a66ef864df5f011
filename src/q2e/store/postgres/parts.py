"""What many stages found, put into PostgreSQL in as many statements as what one did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from q2e.errors import StoreError
from q2e.store.base import StageKey
from q2e.store.bulk import Part
from q2e.store.postgres.asking import text
from q2e.store.postgres.writer import Placed, PostgresWriter

#: Video, channel and stage that are there of each key. Subqueries use indexes whatever is known of
#: the sizes of tables, which grow while they are filled.
_THERE = """
SELECT k.video, (SELECT number FROM channel WHERE name = k.channel),
  (SELECT number FROM stage s WHERE s.video = k.video AND s.name = k.name AND s.part = k.part)
FROM (SELECT (SELECT number FROM video WHERE id = a.video) AS video, a.name, a.part, a.channel,
  a.place FROM unnest(?::text[], ?::text[], ?::int[], ?::text[])
  WITH ORDINALITY a(video, name, part, channel, place)) k ORDER BY k.place
"""
_MAKE = """
INSERT INTO stage (video, name, part, channel, config_key, segments, frame_times, terms, text_space)
SELECT * FROM unnest(?::bigint[], ?::text[], ?::int[], ?::int[], ?::text[], ?::text[], ?::text[],
  ?::text[], ?::text[]) RETURNING number, video, name, part
"""
_CLEAR = (
    "DELETE FROM failure f USING unnest(?::text[], ?::text[]) a(video, stage) "
    "WHERE f.video = a.video AND f.stage = a.stage"
)


def put(writer: PostgresWriter, given: Sequence[Part]) -> None:
    """Put what was read of parts of videos that are there, in the place of what was before.

    Raises StoreError for a video that is not there.
    """
    last: dict[StageKey, Part] = {}
    for one in given:
        last.pop(one.key, None)  # it counts as put where it was put last
        last[one.key] = one
    if not last:
        return
    parts = list(last.values())
    videos = [text(one.key.video) for one in parts]
    names = [text(one.key.stage) for one in parts]
    numbers = [one.key.part for one in parts]
    said = [text(one.key.channel) for one in parts]
    there = writer.execute(_THERE, (videos, names, numbers, said)).fetchall()
    for one, (video, _, _) in zip(parts, there, strict=True):
        if video is None:
            raise StoreError(f"video {one.key.video!r} is not in the index; put_video comes first")
    writer.drop_stages([stage for _, _, stage in there if stage is not None])
    known = {name: number for name, (_, number, _) in zip(said, there, strict=True) if number}
    for one in given:
        if one.items and (name := text(one.key.channel)) not in known:
            known[name] = writer.channel(name)
    of = [video for video, _, _ in there]
    channels = [known[name] if one.items else None for one, name in zip(parts, said, strict=True)]
    made = writer.execute(
        _MAKE,
        (
            *(of, names, numbers, channels, [text(one.config_key) for one in parts]),
            *([_cuts(one) for one in parts], [_times(one) for one in parts]),
            [text(one.derived.terms) for one in parts],
            [text(one.derived.space) for one in parts],
        ),
    )
    stages = {(video, name, part): int(number) for number, video, name, part in made}
    ids = iter(writer.ids(sum(len(one.items) for one in parts)))
    writer.put_items(
        [
            Placed(stages[key], key[0], channel, one.items, [next(ids) for _ in one.items])
            for one, channel, key in zip(
                parts, channels, zip(of, names, numbers, strict=True), strict=True
            )
            if channel is not None
        ]
    )
    writer.execute(_CLEAR, (videos, names))


def _cuts(one: Part) -> str | None:
    if one.segments is None:
        return None
    return json.dumps([[cut.start_s, cut.end_s, cut.movement] for cut in one.segments])


def _times(one: Part) -> Any:
    times_s = one.frame_times_s
    return None if times_s is None else json.dumps([float(each) for each in times_s])
