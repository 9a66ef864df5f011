"""The channel `metadata`: what is known about a file without looking into its pictures or sound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from q2e.channels.base import Needs
from q2e.decoding.doors import container_tags, contents
from q2e.media.sidecar import sidecar_chapters
from q2e.registry import method
from q2e.settings import Settings
from q2e.text.chunk import chunk_text, count_words
from q2e.text.clean import clean
from q2e.text.encodings import mended
from q2e.text.language import detect
from q2e.types import Evidence, Part, Span, Video

if TYPE_CHECKING:
    from q2e.models.registry import Models


_VERSION = "metadata/2"
#: Fewer words, as names have, tell no language.
_TELLING_WORDS = 3
_MAX_TITLE = 500
_MAX_DESCRIPTION = 50_000
#: Tags of a container that speak of what it shows; the others name encoders and handlers.
_SPOKEN_TAGS = (
    "title",
    "artist",
    "album",
    "show",
    "genre",
    "description",
    "synopsis",
    "comment",
    "keywords",
    "location",
    "com.apple.quicktime.location.iso6709",
)
_LONG_TAGS = ("description", "synopsis", "comment")
#: Names that cameras, phones and programs give: they say nothing about the content.
_MECHANICAL = re.compile(
    r"(img|vid|dsc[nf]?|mvi|mov|pxl|gopr|gh|dji|screen ?recording|screencast|video|clip|untitled"
    r"|output|movie|whatsapp video|signal)?[\s\d]*(at)?[\s\d]*",
    re.IGNORECASE,
)
#: `[dQw4w9WgXcQ]` as download programs append it, and hexadecimal hashes.
_IDENTIFIER = re.compile(r"\[[\w-]{11}\]|\b[0-9a-f]{12,}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-\w{12}\b")
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")


class MetadataChannel:
    """Turns a file's name, its own tags and its record into evidence over the whole video."""

    name = "metadata"
    needs: Needs = "record"

    def __init__(
        self,
        settings: Settings,
        tags: Callable[[str | Path], Mapping[str, str]] = container_tags,
        chapters: Callable[[str | Path], Sequence[Span]] = lambda _: (),
    ) -> None:
        self._words = settings.untimed_words
        self._tags = tags
        self._chapters = chapters
        self.config_key = f"{_VERSION};{self._words}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return one piece of evidence for each title, piece of description and set of tags.

        Only the first part of a video speaks, for all of it. A titled chapter of the container,
        or else of the description beside it, is evidence at its own time.
        """
        if part.start_s > 0:
            return []
        video = part.video
        seen: set[str] = set()
        found = []
        for origin, text in self._texts(video):
            key = "".join(filter(str.isalnum, text)).casefold()
            if not key or key in seen:
                continue
            seen.add(key)
            found.append(
                Evidence(
                    video=video.id,
                    channel=self.name,
                    start_s=0.0,
                    end_s=max(video.duration_s, part.end_s),
                    text=text,
                    language=_language(text) or video.language,
                    origin=origin,
                )
            )
        return found + list(self._titled(video))

    def _titled(self, video: Video) -> Iterator[Evidence]:
        for chapter in self._chapters(video.path):
            if text := clean(chapter.text, _MAX_TITLE):
                yield Evidence(
                    video=video.id,
                    channel=self.name,
                    start_s=chapter.start_s,
                    end_s=chapter.end_s,
                    text=text,
                    language=_language(text) or video.language,
                    origin="chapter",
                )

    def _texts(self, video: Video) -> Iterator[tuple[str, str]]:
        yield "manifest", clean(video.title, _MAX_TITLE)
        yield "file name", readable_name(video.path)
        for piece in self._pieces(video.description):
            yield "manifest", piece
        about = [clean(tag, _MAX_TITLE) for tag in video.tags]
        about += [video.date] if video.date and about else []
        yield "manifest", ", ".join(filter(None, about))
        tags = mended(self._tags(video.path))
        for name in _SPOKEN_TAGS:
            if name in _LONG_TAGS:
                yield from (("container", piece) for piece in self._pieces(tags.get(name, "")))
            else:
                yield "container", clean(tags.get(name, ""), _MAX_TITLE)

    def _pieces(self, text: str) -> list[str]:
        lines = "\n".join(
            line for raw in text.splitlines() if (line := clean(raw, _MAX_DESCRIPTION))
        )
        return chunk_text(lines[:_MAX_DESCRIPTION], self._words)


def _language(text: str) -> str | None:
    return detect(text) if count_words(text) >= _TELLING_WORDS else None


def readable_name(path: str) -> str:
    """Return a file's name as words: `pohang_earthquake-2017.mp4` gives `pohang earthquake 2017`.

    Empty where the name is one that a camera or program made up.
    """
    name = unquote(PurePath(path).stem)
    name = _IDENTIFIER.sub(" ", name)
    name = re.sub(r"(?<!\d)[.]|[.](?!\d)|[_+\-–—]+|[\[\](){}]", " ", name)
    words = clean(_CAMEL.sub(" ", name), _MAX_TITLE)
    if _MECHANICAL.fullmatch(words) or sum(map(str.isalpha, words)) < 2:
        return ""
    return words


@method("channel", "metadata", title="about it", style="headline", timeless=True)
def open_channel(settings: Settings, models: Models) -> MetadataChannel:
    """What is known about the video: its names, tags and descriptions."""
    return MetadataChannel(settings, chapters=_chapters)


def _chapters(path: str | Path) -> Sequence[Span]:
    """Return the chapters of a container, else those that a description beside it lists."""
    return contents(path).chapters or sidecar_chapters(path)
