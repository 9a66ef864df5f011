"""The frozen values that travel through Q2E; they check themselves and import nothing of ours.

Times are presentation times in seconds from the start of the video. Vectors are float32 and
L2-normalised unless a docstring says otherwise.
"""

from __future__ import annotations

from q2e.types.answer import SAYS, Hit, Moment, Reason, Results
from q2e.types.chapter import Chapter, Chapters
from q2e.types.cited import Answer, Citation, Place, Sentence
from q2e.types.evidence import BETWEEN, Evidence, Part, Span, Tag, check_channel, in_order
from q2e.types.media import Audio, Frame, Segment, Video
from q2e.types.question import (
    EVENT_KINDS,
    Clause,
    ClauseKind,
    Decomposition,
    EventKind,
    Example,
    Filters,
    Query,
    SubEvent,
)

__all__ = [
    "BETWEEN",
    "EVENT_KINDS",
    "SAYS",
    "Answer",
    "Audio",
    "Chapter",
    "Chapters",
    "Citation",
    "Clause",
    "ClauseKind",
    "Decomposition",
    "EventKind",
    "Evidence",
    "Example",
    "Filters",
    "Frame",
    "Hit",
    "Moment",
    "Part",
    "Place",
    "Query",
    "Reason",
    "Results",
    "Segment",
    "Sentence",
    "Span",
    "SubEvent",
    "Tag",
    "Video",
    "check_channel",
    "in_order",
]
