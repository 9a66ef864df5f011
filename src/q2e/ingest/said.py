"""What a manifest said about a video, remembered for runs without it; nothing else is.

What a description beside the video says is read anew each time, so that it goes where its file
goes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

from q2e.ingest.manifest import Record
from q2e.store.base import Store


def note_said(store: Store, video_id: str, path: Path, record: Record | None) -> None:
    """Remember what a manifest says about a video, or that none has said anything.

    Of a video indexed before this was remembered, what is known stays until a description beside
    it tells that it came from there.
    """
    from q2e.media.sidecar import descriptions

    before = store.setting(name_of(video_id))
    if record is not None:
        now = json.dumps(asdict(record))
    elif before is None and (store.video(video_id) is None or descriptions(path)):
        now = json.dumps(asdict(Record()))
    else:
        return
    if now != before:
        store.set_setting(name_of(video_id), now)


def said_before(store: Store, video_id: str) -> Record | None:
    """Return what an earlier manifest said about a video; None of one that is not known."""
    noted = store.setting(name_of(video_id))
    if noted is not None:
        record = json.loads(noted)
        return Record(**{**record, "tags": tuple(record["tags"])})
    known = store.video(video_id)
    if known is None:
        return None
    return Record(**{one.name: getattr(known, one.name) for one in fields(Record)})


def name_of(video_id: str) -> str:
    """Return the setting under which it is remembered."""
    return f"said:{video_id}"
