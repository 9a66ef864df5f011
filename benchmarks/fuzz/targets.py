"""The doors that are tried: one row each, with its whole inputs and the code that reads one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzz import beside, media, texts


@dataclass(frozen=True, slots=True)
class Target:
    """A door that takes what strangers made."""

    name: str
    group: str
    """`media`, or `text` for everything that is read as text."""
    seeds: Callable[[Path], list[Path]]
    """Writes whole inputs into a folder and returns them; the same each time."""
    feed: Callable[[Path], None]
    """Reads one file; raises what the product raises."""
    tokens: tuple[bytes, ...] = ()
    """Byte strings that mean something to the reader."""


TARGETS = (
    Target("media", "media", media.seeds, media.feed, media.TOKENS),
    Target("picture", "media", media.picture_seeds, media.feed_picture, media.PICTURE_TOKENS),
    Target("subtitles", "text", beside.cue_seeds, beside.feed_cues, texts.SUBTITLE_TOKENS),
    Target("sidecar", "text", beside.json_seeds, beside.feed_json, texts.SIDECAR_TOKENS),
    Target("manifest", "text", beside.table_seeds, beside.feed_table, texts.MANIFEST_TOKENS),
    Target("evidence", "text", texts.evidence_seeds, texts.feed_evidence, texts.SIDECAR_TOKENS),
    Target("question", "text", texts.question_seeds, texts.feed_question, texts.QUESTION_TOKENS),
)
