"""The channel `speech`: what is said, from subtitles beside or inside the video, or recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from q2e.channels.base import Needs
from q2e.channels.layers import Layers
from q2e.decoding.doors import cues
from q2e.media import sidecar
from q2e.media.cues import is_telemetry
from q2e.media.embedded import subtitles_of
from q2e.media.sidecar import Subtitles
from q2e.models.base import SpeechRecognizer
from q2e.registry import method
from q2e.settings import Settings
from q2e.text.chunk import Chunk, chunk, count_words
from q2e.text.clean import clean
from q2e.text.language import detect
from q2e.types import Evidence, Part, Span

if TYPE_CHECKING:
    from q2e.models.registry import Models


_VERSION = "speech/1"
_MAX_LINE = 2_000
#: Words from which a chunk's own text tells its language better than the recogniser's verdict
#: on the whole part.
_TELLING_WORDS = 8


class SpeechChannel:
    """Turns the sound of a part into chunks of timed lines, with the `layers` that are wanted.

    Subtitles beside the video, else those inside it, are taken instead of recognition; a line
    belongs to the part it begins in.
    """

    name = "speech"
    needs: Needs = "audio"

    def __init__(
        self,
        recognizer: SpeechRecognizer,
        settings: Settings,
        subtitles: Callable[[str | Path], Subtitles | None] = sidecar.subtitles,
        layers: Layers | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._language = settings.speech_language
        self._words = settings.chunk_words
        self._subtitles = subtitles
        self._layers = layers or Layers((), recognizer, self._words)
        model = getattr(recognizer, "version", recognizer.info.source)
        keys = (_VERSION, model, str(self._language), str(self._words), self._layers.config_key)
        self.config_key = ";".join(filter(None, keys))

    def extract(self, part: Part) -> list[Evidence]:
        """Return chunks of what is said, with their lines as spans, and their layers.

        Raises MediaError where subtitles inside the file cannot be read, ModelError where a layer
        cannot be made.
        """
        known = self._subtitles(part.video.path)
        if known is not None:
            lines = [line for line in known.lines if part.start_s <= line.start_s < part.end_s]
            origin = "container" if known.path == Path(part.video.path) else "sidecar"
            return self._layers.add(self._evidence(part, lines, known.language, origin), None)
        if part.audio is None or not len(part.audio.samples):
            return []
        heard = self._recognizer.transcribe(part.audio, self._language)
        found = self._evidence(part, heard.lines, heard.language, self._recognizer.info.id)
        return self._layers.add(found, part.audio)

    def _evidence(
        self, part: Part, lines: list[Span] | tuple[Span, ...], language: str | None, origin: str
    ) -> list[Evidence]:
        last_s = max(part.end_s, part.start_s)
        usable = [
            replace(
                line,
                start_s=min(line.start_s, last_s),
                end_s=min(line.end_s, last_s),
                text=text,
                words=line.words if text == line.text else (),
            )
            for line in sorted(lines, key=lambda line: (line.start_s, line.end_s))
            if (text := clean(line.text, _MAX_LINE))
        ]
        return [
            Evidence(
                video=part.video.id,
                channel=self.name,
                start_s=piece.start_s,
                end_s=piece.end_s,
                text=piece.text,
                language=self._language or _language(piece, language),
                origin=origin,
                spans=piece.spans,
            )
            for piece in chunk(usable, self._words)
        ]


def _language(piece: Chunk, heard: str | None) -> str | None:
    if heard is not None and count_words(piece.text) < _TELLING_WORDS:
        return heard
    return detect(piece.text) or heard


@method("channel", "speech", title="said", style="transcript")
def open_channel(settings: Settings, models: Models) -> SpeechChannel:
    """What is said: subtitles beside the video or inside it, or else recognised speech."""
    wanted = settings.speech_layers
    layers = Layers(
        wanted,
        models.speech,
        settings.chunk_words,
        models.translator if "translation" in wanted else None,
        models.language if "refined" in wanted else None,
    )
    return SpeechChannel(models.speech, settings, known_subtitles, layers)


def known_subtitles(path: str | Path) -> Subtitles | None:
    """Return the subtitles beside a video, else those inside it, or None where there are none.

    What a drone wrote of its flight is none. Raises MediaError where the file cannot be read.
    """
    return sidecar.subtitles(path) or _inside(str(path), Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _inside(path: str, changed_ns: int) -> Subtitles | None:
    # Kept, since a long video asks once a part.
    found = cues(path)
    known = None if found is None else subtitles_of(found, path)
    return None if known is None or is_telemetry(known.lines) else known
