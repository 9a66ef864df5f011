"""Writes chapters for players and sites: WebVTT, FFmpeg metadata, YouTube descriptions, JSON.

Titles are what strangers said: each is made one line, and what a format reads as its own signs is
escaped or replaced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from q2e import shape
from q2e.errors import ConfigError, unknown
from q2e.export import one_line, transcript
from q2e.types import Chapters, Span


def render(chapters: Chapters, form: str) -> str:
    """Return chapters as text in one of `FORMS`. Raises ConfigError for another."""
    if form not in FORMS:
        raise ConfigError(unknown("form of chapters", form, FORMS))
    return FORMS[form](chapters)


def _vtt(chapters: Chapters) -> str:
    """Return cues as `<track kind="chapters">` reads them."""
    return transcript([Span(one.start_s, one.end_s, one.title) for one in chapters], "vtt")


def _ffmetadata(chapters: Chapters) -> str:
    """Return what `ffmpeg -i VIDEO -i FILE -map_metadata 1 -codec copy OUT` writes into a file."""
    blocks = [";FFMETADATA1"]
    for one in chapters:
        times = round(one.start_s * 1000), round(one.end_s * 1000)
        title = re.sub(r"([=;#\\])", r"\\\1", one_line(one.title))
        blocks.append(
            f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={times[0]}\nEND={times[1]}\ntitle={title}"
        )
    return "\n".join(blocks) + "\n"


def _youtube(chapters: Chapters) -> str:
    """Return lines for a description: the first at 0:00, whole seconds, no angle brackets."""
    lines = []
    for number, one in enumerate(chapters):
        minutes, seconds = divmod(int(one.start_s) if number else 0, 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
        title = one_line(one.title).replace("<", "‹").replace(">", "›")
        lines.append(f"{clock} {title}\n")
    return "".join(lines)


def _json(chapters: Chapters) -> str:
    return json.dumps(shape.chapters(chapters), ensure_ascii=False, indent=2) + "\n"


#: Forms by name.
FORMS: Mapping[str, Callable[[Chapters], str]] = MappingProxyType(
    {"vtt": _vtt, "ffmetadata": _ffmetadata, "youtube": _youtube, "json": _json}
)
