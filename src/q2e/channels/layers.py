"""Adds layers to a transcript: English by the recogniser, by a translator, and reconciled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, StringConstraints

from q2e.errors import ConfigError, ModelError
from q2e.models.base import LanguageModel, SpeechRecognizer, Transcript, Translator
from q2e.text.answer import content
from q2e.text.chunk import chunk
from q2e.text.fence import fence
from q2e.text.layers import Layer, origin_of
from q2e.text.prompt import ask, beside, prompt_version, schema_of
from q2e.text.tokens import tokens
from q2e.types import Audio, Evidence, Span

_VERSION = "layers/1"
_MAX_CHARACTERS = 2_000
_MAX_TOKENS = 512
_TIMEOUT_S = 60.0
#: A refined text is kept where this share of its words stands in what it was made of, and where
#: it is at most this much longer: a language model that tells something else is not believed.
_SHARED = 0.5
_LONGER = 1.5
_MAKERS = {"english": "profile", "translation": "translator", "refined": "language_model"}


class Refined(BaseModel):
    """What a language model takes to be said."""

    model_config = ConfigDict(extra="forbid")

    english: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_CHARACTERS)
    ]


@runtime_checkable
class TranslatesSpeech(Protocol):
    """A recogniser that also says in English what it hears."""

    def translate(self, audio: Audio, language: str | None = None) -> Transcript: ...


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers that are wanted, with the models that make them. Raises ConfigError without."""

    wanted: tuple[Layer, ...]
    recognizer: SpeechRecognizer
    words: int
    translator: Translator | None = None
    language_model: LanguageModel | None = None

    def __post_init__(self) -> None:
        needs = {
            "english": isinstance(self.recognizer, TranslatesSpeech),
            "translation": self.translator is not None,
            "refined": self.language_model is not None,
        }
        for layer in self.wanted:
            if not needs[layer]:
                raise ConfigError(
                    f"speech_layers: no model makes {layer!r}; name one by the setting "
                    f"{_MAKERS[layer]}, or leave the layer out"
                )
        if self.wanted == ("refined",):
            raise ConfigError(
                "speech_layers: 'refined' reconciles others; add 'english' or 'translation'"
            )

    @property
    def config_key(self) -> str:
        """What decides what the layers hold; empty where nothing is added."""
        if not self.wanted:
            return ""
        models = [model.info.source for model in (self.translator, self.language_model) if model]
        return ";".join(
            (_VERSION, prompt_version(beside(__file__)), ",".join(self.wanted), *sorted(models))
        )

    def add(self, transcript: Sequence[Evidence], audio: Audio | None) -> list[Evidence]:
        """Return the transcript's evidence with that of the layers, in time order.

        English speech needs no layers. What is "not available" is left out. Raises ModelError
        where a model cannot be reached.
        """
        foreign = [one for one in transcript if one.language != "en"]
        found: list[Evidence] = []
        if foreign and "english" in self.wanted and audio is not None:
            found += self._english(foreign, transcript, audio)
        if foreign and "translation" in self.wanted:
            found += self._translation(foreign)
        if foreign and "refined" in self.wanted:
            found += self._refined(foreign, found)
        # Stable, so at one time the transcript comes first and what is made of it after.
        return sorted((*transcript, *found), key=lambda one: one.start_s)

    def _english(
        self, foreign: Sequence[Evidence], transcript: Sequence[Evidence], audio: Audio
    ) -> list[Evidence]:
        assert isinstance(self.recognizer, TranslatesSpeech)  # checked when made
        if foreign[0].origin == "sidecar":
            return []
        spoken = {one.language for one in foreign}
        language = spoken.pop() if len(spoken) == 1 and len(foreign) == len(transcript) else None
        heard = self.recognizer.translate(audio, language)
        first, last_s = foreign[0], max(one.end_s for one in transcript)
        lines = [
            Span(line.start_s, min(line.end_s, last_s), text, line.confidence)
            for line in heard.lines
            if line.start_s <= min(line.end_s, last_s)
            and any(_meet(line, one) for one in foreign)
            and (text := content(line.text, _MAX_CHARACTERS))
        ]
        return [
            Evidence(
                video=first.video,
                channel=first.channel,
                start_s=piece.start_s,
                end_s=piece.end_s,
                text=piece.text,
                language="en",
                origin=origin_of("english", self.recognizer.info.id),
                spans=piece.spans,
            )
            for piece in chunk(lines, self.words)
        ]

    def _translation(self, foreign: Sequence[Evidence]) -> Iterator[Evidence]:
        assert self.translator is not None  # checked when made
        origin = origin_of("translation", self.translator.info.id)
        for language in dict.fromkeys(one.language for one in foreign):
            own = [one for one in foreign if one.language == language]
            said = self.translator.translate([one.text for one in own], language, "en")
            for one, translated in zip(own, said, strict=True):
                text = content(translated, _MAX_CHARACTERS)
                if text and text != one.text:
                    yield _again(one, text, origin)

    def _refined(
        self, foreign: Sequence[Evidence], english: Sequence[Evidence]
    ) -> Iterator[Evidence]:
        assert self.language_model is not None  # checked when made
        origin = origin_of("refined", self.language_model.info.id)
        failures: list[ModelError] = []
        asked = 0
        for one in foreign:
            others = _beside(one, english)
            if not others:
                continue
            asked += 1
            try:
                answer = ask(
                    self.language_model,
                    beside(__file__),
                    Refined,
                    max_tokens=_MAX_TOKENS,
                    timeout_s=_TIMEOUT_S,
                    schema=_bounded(_longest([one.text, *others])),
                    language=one.language or "",
                    original=fence(one.text),
                    english=[fence(text) for text in others],
                )
            except ModelError as error:
                failures.append(error)
                continue
            text = content(answer.english, _MAX_CHARACTERS)
            if text and _made_of(text, [one.text, *others]):
                yield _again(one, text, origin)
        if failures and len(failures) == asked:
            raise failures[-1]


def _again(one: Evidence, text: str, origin: str) -> Evidence:
    spans = (Span(one.start_s, one.end_s, text),)
    return replace(one, text=text, language="en", origin=origin, spans=spans, vectors={})


def _beside(one: Evidence, english: Sequence[Evidence]) -> list[str]:
    """Return what each layer says while `one` is said."""
    said: dict[str, list[str]] = {}
    for other in english:
        lines = [line.text for line in other.spans if _meet(line, one)]
        if lines:
            said.setdefault(other.origin, []).extend(lines)
    return [" ".join(lines) for lines in said.values()]


def _meet(line: Span, one: Evidence) -> bool:
    """Return whether the middle of a line lies in a piece of speech."""
    return one.start_s <= (line.start_s + line.end_s) / 2 <= one.end_s


def _made_of(text: str, sources: Sequence[str]) -> bool:
    """Return whether a text is mostly made of the words of its sources, and not much longer."""
    words = tokens(text)
    known = {token for source in sources for token in tokens(source)}
    shared = sum(word in known for word in words)
    return shared >= _SHARED * len(words) and len(text) <= _longest(sources)


def _longest(sources: Sequence[str]) -> int:
    """Return the length that a text made of these sources may have, in characters."""
    return min(_MAX_CHARACTERS, 40 + int(_LONGER * max(map(len, sources))))


def _bounded(longest: int) -> dict[str, Any]:
    """Return the schema of an answer that has to end in time."""
    schema = schema_of(Refined)
    schema["properties"]["english"]["maxLength"] = longest
    return schema
