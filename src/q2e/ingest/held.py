"""What an index holds of one video, for a reader that does not see the index."""

from __future__ import annotations

import json
from dataclasses import asdict

from q2e.ingest.keys import SHOTS
from q2e.ingest.messages import Held, PartRead
from q2e.ingest.said import name_of, said_before
from q2e.store.base import Item, StageKey, Store


def held_of(store: Store, video_id: str, part_s: float) -> Held | None:
    """Return what a store holds of a video, without vectors; None where it knows it not."""
    video = store.video(video_id)
    if video is None:
        return None
    parts = []
    for (stage, number), config_key in store.done(video_id).items():
        key = StageKey(video_id, stage, number)
        items = tuple(Item(one) for one in store.found_by(key))
        if stage == SHOTS:
            start_s, end_s = number * part_s, (number + 1) * part_s
            shots = (one for one in store.segments(video_id) if start_s <= one.start_s < end_s)
            times_s = tuple(store.frame_times_s(video_id, number))
            parts.append(PartRead(key, config_key, items, tuple(shots), times_s))
        else:
            parts.append(PartRead(key, config_key, items))
    noted = store.setting(name_of(video_id)) is not None
    said = said_before(store, video_id) if noted else None
    return Held(video, said, tuple(parts), store.setting("keys.space"))


def restore(store: Store, held: Held) -> None:
    """Put into a store what another one holds of a video."""
    store.put_video(held.video)
    for part in held.parts:
        store.put_part(
            part.key, part.config_key, part.items, part.segments, part.frame_times_s, part.derived
        )
    if held.said is not None:
        store.set_setting(name_of(held.video.id), json.dumps(asdict(held.said)))
    if held.keys_space is not None:
        store.set_setting("keys.space", held.keys_space)
