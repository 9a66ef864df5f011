"""What each kind of model must offer; nothing here loads one.

A model's `space` names the vectors it makes: model, revision and preprocessing version. Two
vectors are comparable exactly when their spaces are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from q2e.arrays import Float32, UInt8
from q2e.types import Audio, Span


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts about one model, shown by `q2e models list` and `q2e doctor`."""

    id: str
    task: str
    source: str
    licence: str
    languages: str
    size_bytes: int = 0
    dimension: int | None = None
    citation: str = ""
    note: str = ""
    scale: float | None = None
    """What a cosine is multiplied with before a softmax, where the model was trained so."""


class TextEncoder(Protocol):
    """Turns text in any language into vectors; questions and passages have their own form."""

    info: ModelInfo
    space: str

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of passages."""
        ...


class ImageTextEncoder(Protocol):
    """Puts pictures and text into one space; a CLIP-class model and the tag bridge both fit."""

    info: ModelInfo
    space: str

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures of shape (h, w, 3)."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of descriptions or questions."""
        ...


class VideoEncoder(Protocol):
    """Puts clips and text into one space; `info` holds dimension, scale, languages and licence."""

    info: ModelInfo
    space: str

    def encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        """Return (n, d) unit vectors of clips, each some RGB uint8 pictures in order of time."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of descriptions or questions."""
        ...


@dataclass(frozen=True, slots=True)
class Transcript:
    """Recognised speech; `language` is None where nobody speaks."""

    lines: tuple[Span, ...]
    language: str | None


class SpeechRecognizer(Protocol):
    """Turns sound into timed lines in the language spoken."""

    info: ModelInfo

    def transcribe(self, audio: Audio, language: str | None = None) -> Transcript:
        """Return lines whose times count from the start of the video, not of `audio`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Scores (n, c) in 0 to 1 of the classes of a model in n windows, one each `hop_s`."""

    scores: Float32
    embeddings: Float32 | None
    """(n, d) of the windows, where the model gives them."""
    hop_s: float
    window_s: float


class SoundTagger(Protocol):
    """Says which of its classes of sounds are heard, window by window."""

    info: ModelInfo
    labels: tuple[str, ...]
    version: str
    """Changes exactly when the same sound would get other scores."""
    space: str | None
    """The space of its embeddings, where it gives them."""

    def hear(self, audio: Audio) -> Heard:
        """Return the scores of the windows of a sound; the first begins where it does.

        Raises ModelError where the model cannot score it.
        """
        ...


@dataclass(frozen=True, slots=True)
class TextBox:
    """A line of text found in a picture; `box` is (left, top, right, bottom) in [0, 1]."""

    text: str
    box: tuple[float, float, float, float]
    confidence: float


class TextReader(Protocol):
    """Reads the text written in a picture."""

    info: ModelInfo

    def read(self, image: UInt8) -> list[TextBox]:
        """Return the lines of an RGB picture in reading order."""
        ...


@runtime_checkable
class ReadsSideBySide(Protocol):
    """A reader of text that may be asked by as many threads at once as `side_by_side` says."""

    side_by_side: int


class Translator(Protocol):
    """Translates text into English or another language."""

    info: ModelInfo

    def translate(self, texts: Sequence[str], source: str | None, target: str) -> list[str]:
        """Return `texts` in the language `target`; a text in a language it does not know as it is.

        `source` and `target` are ISO 639-1 codes; without `source` the language is recognised.
        """
        ...


class LanguageModel(Protocol):
    """Completes a prompt; with `schema` the answer is meant to be JSON of that schema.

    Callers validate: an implementation only promises text within the given bounds.
    """

    info: ModelInfo

    def complete(
        self,
        prompt: str,
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        timeout_s: float = 30.0,
    ) -> str:
        """Return the whole answer.

        Raises ModelError where none is complete within `max_tokens` and `timeout_s`.
        """
        ...


class WeighingModel(LanguageModel, Protocol):
    """A language model that also says how probable answers are, not only which it prefers."""

    def probability(
        self, prompt: str, options: Sequence[str], *, timeout_s: float = 30.0
    ) -> tuple[float, ...]:
        """Return the probability that the answer begins with each option; they sum to 1."""
        ...

    def likelihood(self, prompt: str, answer: str, *, timeout_s: float = 30.0) -> float:
        """Return the mean log probability, in nats a token, of `answer` after `prompt`."""
        ...


class Reranker(Protocol):
    """Reads a question and a passage together and says how well the one answers the other."""

    info: ModelInfo

    def score(self, question: str, passages: Sequence[str]) -> Float32:
        """Return (n,) scores, the higher the better; only those of one call are compared."""
        ...


class TokenEncoder(Protocol):
    """Turns a text into one vector for each of its tokens, for late interaction."""

    info: ModelInfo

    def encode_query_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return (tokens, d) unit vectors of each question."""
        ...

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return (tokens, d) unit vectors of each passage."""
        ...


class VisionLanguageModel(Protocol):
    """Answers a prompt about pictures."""

    info: ModelInfo

    def describe(
        self, images: Sequence[UInt8], prompt: str, *, max_tokens: int = 256, timeout_s: float = 60
    ) -> str:
        """Return the whole answer about RGB uint8 pictures (h, w, 3), given in order of time.

        Raises ModelError where none is complete within `max_tokens` and `timeout_s`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """An answer, and how probable it was to the model that gave it."""

    text: str
    probability: float | None
    """Geometric mean of the probabilities of its tokens; None where they are not given."""


class WeighingVisionModel(VisionLanguageModel, Protocol):
    """A vision model that also says how probable its answer was."""

    def weighed(
        self, images: Sequence[UInt8], prompt: str, *, max_tokens: int = 64, timeout_s: float = 60
    ) -> Weighed:
        """Return the whole answer about pictures as `describe` does, with its probability."""
        ...


#: Stands in a text for the gap that a masked model fills.
MASK = "[MASK]"


class MaskedModel(Protocol):
    """Fills a gap in a text: says how probable each of some answers is there."""

    info: ModelInfo
    features: int | None
    """Numbers of a frame vector that it can be shown before the text; None where it sees none."""
    frames: int
    """Frames that it is shown, at most."""

    def fill(
        self, text: str, answers: Sequence[str], frames: Float32 | None = None
    ) -> tuple[float, ...]:
        """Return the probability of each answer at the `MASK` of a text; they sum to 1.

        `frames` (n, features) are vectors of frames that stand before the text. Raises ModelError
        for a text without one gap, and for frames of another size.
        """
        ...
