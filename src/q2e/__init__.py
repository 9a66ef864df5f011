"""Find videos, and the moments inside them, from a short question in any language.

import q2e

index = q2e.open("news.q2e")
index.add("videos/")
for hit in index.search("earthquake in Mexico"):
    print(hit.video.path, hit.moments[0].start_s)
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.about import __version__ as __version__

if TYPE_CHECKING:
    from q2e.errors import Q2EError
    from q2e.index import Index
    from q2e.ingest.run import Report
    from q2e.settings import Settings, load_settings
    from q2e.survey import Status, VideoRecord
    from q2e.types import (
        Answer,
        Citation,
        Clause,
        Decomposition,
        Evidence,
        Example,
        Filters,
        Hit,
        Moment,
        Query,
        Reason,
        Results,
        Segment,
        Sentence,
        SubEvent,
        Video,
    )

_HOMES = {
    "Answer": "q2e.types",
    "Chapter": "q2e.types",
    "Chapters": "q2e.types",
    "Citation": "q2e.types",
    "Clause": "q2e.types",
    "Decomposition": "q2e.types",
    "Evidence": "q2e.types",
    "Example": "q2e.types",
    "Filters": "q2e.types",
    "Hit": "q2e.types",
    "Index": "q2e.index",
    "Moment": "q2e.types",
    "Q2EError": "q2e.errors",
    "Query": "q2e.types",
    "Reason": "q2e.types",
    "Report": "q2e.ingest.run",
    "Results": "q2e.types",
    "Segment": "q2e.types",
    "Sentence": "q2e.types",
    "Settings": "q2e.settings",
    "Status": "q2e.survey",
    "SubEvent": "q2e.types",
    "Video": "q2e.types",
    "VideoRecord": "q2e.survey",
    "load_settings": "q2e.settings",
}

__all__ = [
    "Answer",
    "Chapter",
    "Chapters",
    "Citation",
    "Clause",
    "Decomposition",
    "Evidence",
    "Example",
    "Filters",
    "Hit",
    "Index",
    "Moment",
    "Q2EError",
    "Query",
    "Reason",
    "Report",
    "Results",
    "Segment",
    "Sentence",
    "Settings",
    "Status",
    "SubEvent",
    "Video",
    "VideoRecord",
    "load_settings",
    "open",
]


def open(directory: str | Path, **settings: Any) -> Index:
    """Return the collection kept in `directory`; it is made when something is first added.

    `settings` override the collection's own, as in `q2e.open("news.q2e", threads=8)`. Raises
    ConfigError for a setting that does not exist or a value that is not allowed.
    """
    from q2e.index import Index

    return Index(directory, **settings)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'q2e' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
