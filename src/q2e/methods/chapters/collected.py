"""Collects what an index holds of one video for its chapters: lines, vectors, own chapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Float32, Int64
from q2e.methods.chapters.base import Chapterer, Collected, Line, Track
from q2e.paths import shown_name
from q2e.plugins import registry
from q2e.store.base import Searched
from q2e.text.layers import is_layer
from q2e.types import Chapter, Chapters, Evidence, Video

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel
    from q2e.models.registry import Models

#: Channels of texts that have their own times, and that of pictures.
_TEXTS, _SEEN = ("speech", "screen_text", "caption"), "frame"


def collected(
    store: Searched,
    models: Models,
    video: Video,
    cuts_s: Sequence[float],
    model: Callable[[], LanguageModel],
) -> Collected:
    """Return what is known of one video; nothing of its file is read."""
    evidence = store.evidence_of(video.id)
    told = [one for one in evidence if one.channel in _TEXTS and one.text and _own(one)]
    lines = sorted(
        (line for one in told for line in _lines(one)), key=lambda one: (one.start_s, one.end_s)
    )
    return Collected(
        duration_s=max([video.duration_s, *(one.end_s for one in lines)]),
        name=video.title or shown_name(video.path) or video.id,
        lines=tuple(lines),
        tracks=tuple(_tracks(store, models, video)),
        cuts_s=np.array(cuts_s, dtype=np.float64),
        own=tuple(_contained(evidence, video.duration_s)),
        encode=lambda texts: models.text.encode_passages(texts),
        model=model,
    )


def _own(evidence: Evidence) -> bool:
    """Whether somebody or a model said it of the video, and not of what others said."""
    return not is_layer(evidence) and evidence.origin != "composed"


def _lines(evidence: Evidence) -> Iterator[Line]:
    spans = [(one.start_s, one.end_s, one.text) for one in evidence.spans]
    for start_s, end_s, text in spans or [(evidence.start_s, evidence.end_s, evidence.text)]:
        yield Line(start_s, end_s, text, evidence.channel, evidence.language)


def _tracks(store: Searched, models: Models, video: Video) -> Iterator[Track]:
    """Yield the vectors of each channel of a video, of one space each."""
    table = store.table()
    if video.id not in table.video_ids:
        return
    own = table.video == table.video_ids.index(video.id)
    spaces = store.spaces()
    texts = models.text.space
    for channel in (*_TEXTS, _SEEN):
        of = own & (table.channel == table.code(channel))
        wanted = [name for name in spaces if (name == texts) == (channel != _SEEN)]
        for space in wanted:
            rows, vectors = store.vectors(space)
            kept = of[rows]
            if kept.any():
                yield _track(channel, rows[kept], vectors[kept], store)
                break


def _track(channel: str, rows: Int64, vectors: Float32, store: Searched) -> Track:
    times_s = store.times_s(rows)
    # Frames of a shot begin with it, and are in order of when each is shown.
    order = np.lexsort((times_s[:, 2], times_s[:, 0]))
    found = np.asarray(vectors, dtype=np.float32)[order]
    return Track(channel, times_s[order, 0], times_s[order, 1], found)


def _contained(evidence: Sequence[Evidence], duration_s: float) -> Iterator[Chapter]:
    """Yield the chapters that a file came with, none of which begins after its end."""
    starts: dict[float, Evidence] = {}
    for one in evidence:
        if one.origin == "chapter" and one.start_s < duration_s:
            starts.setdefault(one.start_s, one)
    for _, one in sorted(starts.items()):
        yield Chapter(one.start_s, min(one.end_s, duration_s), one.text, one.language)


def chaptered(
    how: str,
    store: Searched,
    models: Models,
    video: Video,
    cuts_s: Sequence[float],
    model: Callable[[], LanguageModel],
) -> Chapters:
    """Return the chapters of one video by a way such as `texttiling(window_s=60)`.

    Raises ConfigError for an unknown way, and like the way itself.
    """
    choice = registry().one("chapters", how)
    known = collected(store, models, video, cuts_s, model)
    way: Chapterer = choice.bound
    found = way.chapters(known)
    own = bool(known.own) and found == known.own
    return Chapters(video, str(choice), found, own)
