"""How videos and evidence are written into the rows of a database, and read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from q2e.types import CHANNELS, Evidence, Filters, Span, Tag, Video

#: Columns that `evidence` reads, of tables `evidence e` and `video v`.
EVIDENCE = "v.id, e.channel, e.start_s, e.end_s, e.language, e.body"


def video_row(one: Video) -> tuple[Any, ...]:
    """Return id, path, duration_s, date, language and all facts as JSON."""
    facts = json.dumps(asdict(one), ensure_ascii=False)
    return one.id, one.path, one.duration_s, one.date, one.language, facts


def video(facts: str) -> Video:
    values = json.loads(facts)
    return Video(**{**values, "tags": tuple(values["tags"])})


def body(one: Evidence) -> str:
    """Return as JSON what of a piece of evidence has no column of its own."""
    values: dict[str, Any] = {"text": one.text, "origin": one.origin}
    if one.frame_s is not None:
        values["frame_s"] = one.frame_s
    if one.spans:
        values["spans"] = [[span.start_s, span.end_s, span.text] for span in one.spans]
    if one.tags:
        values["tags"] = [[tag.label, tag.probability] for tag in one.tags]
    return json.dumps(values, ensure_ascii=False)


def evidence(row: Sequence[Any]) -> Evidence:
    """Return the evidence of a row of `EVIDENCE` columns, without vectors."""
    video_id, channel, start_s, end_s, language, packed = row
    values = json.loads(packed)
    return Evidence(
        video=video_id,
        channel=CHANNELS[channel],
        start_s=start_s,
        end_s=end_s,
        text=values["text"],
        language=language,
        origin=values["origin"],
        frame_s=values.get("frame_s"),
        spans=tuple(Span(*span) for span in values.get("spans", ())),
        tags=tuple(Tag(*tag) for tag in values.get("tags", ())),
    )


def matches(one: Video, filters: Filters) -> bool:
    """Say whether a video satisfies the filters that speak of videos.

    Dates may be shortened (`2020`, `2020-05`); a video without a date is in no period.
    """
    if filters.videos and one.id not in filters.videos:
        return False
    if filters.tags and not set(filters.tags) <= set(one.tags):
        return False
    if (filters.since or filters.until) and one.date is None:
        return False
    if filters.since and str(one.date) < filters.since:
        return False
    return not (filters.until and str(one.date)[: len(filters.until)] > filters.until)
