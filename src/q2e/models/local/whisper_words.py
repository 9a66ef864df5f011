"""When Whisper hears each word, and the sentences that words of several windows make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.text.chunk import UNSPACED_LETTER
from q2e.text.sentences import Word, sentences
from q2e.types import Span

#: Seconds between two times that the decoder knows.
STEP_S = 0.02
#: Share of a window's loud places under which a word is not being said, and the least loudness.
_QUIET = 0.08
_SILENCE_RMS = 1e-3


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens between two times that Whisper wrote, counting from the start of its window."""

    start_s: float
    end_s: float
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a window that begins at `start_s`; times of words count from there."""

    start_s: float
    language: str
    words: tuple[Word, ...] = ()
    confidence: float | None = None


def aligned(
    model: Any,
    encoded: Any,
    prompt: Sequence[int],
    tokens: Sequence[int],
    duration_s: float,
    loudness: Float32,
    text: Callable[[Sequence[int]], str],
) -> Iterator[Word]:
    """Yield words, or parts of them, with the times at which the decoder listens to them.

    These are found by dynamic time warping over its attention. `encoded` is one window of
    `duration_s`, `prompt` what its `tokens` were written after; `loudness` is of every `STEP_S`.
    """
    import ctranslate2

    if not tokens:
        return
    (found,) = model.align(
        ctranslate2.StorageView.from_array(encoded),
        list(prompt),
        [list(tokens)],
        # Frames of the spectrogram, of which two make a step.
        [round(2 * duration_s / STEP_S)],
    )
    begins = np.full(len(tokens) + 1, np.nan)
    begins[-1] = duration_s
    for token, step in reversed(found.alignments):
        if token < len(tokens):
            begins[token] = min(step * STEP_S, duration_s)
    known = np.flatnonzero(np.isfinite(begins))
    begins = np.interp(np.arange(len(begins)), known, begins[known])
    for first, last, part in parts(tokens, text):
        yield Word(*voiced(loudness, float(begins[first]), float(begins[last])), part)


def parts(
    tokens: Sequence[int], text: Callable[[Sequence[int]], str]
) -> Iterator[tuple[int, int, str]]:
    """Yield from which to which token a part of a word goes, and its text.

    What is written and not said, such as a full stop, goes with the part before it.
    """
    first = 0
    for place in range(1, len(tokens) + 1):
        part = text(tokens[first:place])
        # A letter may be several tokens; until it is whole it reads as one that is not known.
        if "\ufffd" in part and place < len(tokens):
            continue
        following = text(tokens[place : place + 1])
        if place < len(tokens) and not re.search(r"[\w\ufffd]", following):
            continue
        yield first, place, part
        first = place


def loudness_of(samples: Float32, rate_hz: int) -> Float32:
    """Return the root mean square of every `STEP_S` of a sound."""
    step = round(STEP_S * rate_hz)
    padded = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    return np.asarray(np.sqrt((padded**2).mean(axis=1)), np.float32)


def voiced(loudness: Float32, start_s: float, end_s: float) -> tuple[float, float]:
    """Return a stretch of a window without the silence at its ends, where it is not all silence."""
    first = round(start_s / STEP_S)
    limit = max(_SILENCE_RMS, _QUIET * float(np.quantile(loudness, 0.95)))
    loud = np.flatnonzero(loudness[first : max(round(end_s / STEP_S), first + 1)] >= limit)
    if not len(loud):
        return start_s, max(start_s, end_s)
    begin_s = max(start_s, (first + int(loud[0])) * STEP_S)
    return begin_s, max(begin_s, min(end_s, (first + int(loud[-1]) + 1) * STEP_S))


def sentences_of(windows: Sequence[Heard]) -> list[Span]:
    """Return the sentences of windows in any order, as sure as the windows that they end in.

    A sentence goes on from one window to the next of the same language.
    """
    in_time = sorted(windows, key=lambda one: one.start_s)
    found: list[Span] = []
    for _, group in groupby(in_time, key=lambda one: one.language):
        together = list(group)
        found += [
            replace(line, confidence=_sure(together, line)) for line in sentences(_joined(together))
        ]
    return found


def _joined(together: Sequence[Heard]) -> list[Word]:
    words: list[Word] = []
    for window in together:
        for number, one in enumerate(window.words):
            text = one.text
            if not number:
                text = text.lstrip()
                text = f" {text}" if words and not UNSPACED_LETTER.match(text) else text
            words.append(Word(one.start_s + window.start_s, one.end_s + window.start_s, text))
    return words


def _sure(together: Sequence[Heard], line: Span) -> float | None:
    begun = [window for window in together if window.start_s <= line.end_s]
    return (begun or [*together])[-1].confidence
