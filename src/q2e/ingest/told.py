"""Captions from what is said: a language model reads a transcript and tells what may be seen.

Each caption is moved to where the pictures fit it best, and what fits nowhere is dropped; how
long it is seen is found by `refine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.arrays import Bool, Float32, Float64
from q2e.errors import ModelError
from q2e.models.base import LanguageModel
from q2e.text.answer import content
from q2e.text.fence import clean, fence
from q2e.text.language import detect
from q2e.text.prompt import ask, beside, prompt_version
from q2e.types import Evidence, Span

CHANNEL = "told"
#: Seconds and characters of a block of a transcript, which is more than a sentence.
BLOCK_S, _CHARACTERS = 60.0, 4_000
#: Seconds that a caption is long, and by which it may be moved either way.
LONG_S, WITHIN_S = 8.0, 8.0
#: Share of a video's captions that fit its pictures worst, and are dropped.
WORST = 0.25
_CAPTION, _TOKENS, _TIMEOUT_S = 200, 1_000, 120.0
_VERSION = 2

#: Stretches (n, 2), captions (n, d), times (m,) and vectors (m, d) of frames, and the duration, to
#: stretches.
Refine = Callable[[Float64, Float32, Float64, Float32, float], Float64]

_Time = Annotated[str, StringConstraints(pattern=r"^\d{1,2}:[0-5]\d:[0-5]\d$")]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class Line(BaseModel):
    """A caption with the time at which the model thinks that it is seen."""

    model_config = ConfigDict(extra="forbid")

    start: _Time
    caption: _Text


class Told(BaseModel):
    """The captions of a block."""

    model_config = ConfigDict(extra="forbid")

    captions: list[Line] = Field(max_length=60)


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption at the time that a model names, and what it is kept for."""

    start_s: float
    text: str


def version() -> str:
    """Return what changes where the same speech and pictures would be told of otherwise."""
    return f"told/{_VERSION} {prompt_version(beside(__file__))}"


def blocks(lines: Sequence[Span]) -> Iterator[list[Span]]:
    """Yield lines, in order of time, in blocks of about a minute."""
    open_: list[Span] = []
    size = 0
    for line in lines:
        long = open_ and line.end_s - open_[0].start_s > BLOCK_S
        if open_ and (long or size + len(line.text) > _CHARACTERS):
            yield open_
            open_, size = [], 0
        open_.append(line)
        size += len(line.text) + 12
    if open_:
        yield open_


def captions_of(model: LanguageModel, lines: Sequence[Span]) -> list[Caption]:
    """Return what a model tells of a block; times outside of it are dropped, and empty words.

    Raises ModelError where the model cannot be reached or gives no valid answer.
    """
    first_s, last_s = lines[0].start_s, max(line.end_s for line in lines)
    said = " / ".join(f"{_clock(line.start_s)} {clean(line.text, 400)}" for line in lines)
    told = ask(
        model,
        beside(__file__),
        Told,
        max_tokens=_TOKENS,
        timeout_s=_TIMEOUT_S,
        lines=fence(said, 2 * _CHARACTERS),
        first=_clock(first_s),
        last=_clock(last_s),
    )
    found = []
    for one in told.captions:
        hours, minutes, seconds = map(int, one.start.split(":"))
        start_s = float(hours * 3600 + minutes * 60 + seconds)
        # A clock counts whole seconds: what begins at 4.9 s is said at 0:00:04.
        if int(first_s) <= start_s <= last_s and (text := content(one.caption, _CAPTION)):
            found.append(Caption(start_s, text))
    return found


def aligned(
    start_s: Float64, captions: Float32, frame_s: Float64, frames: Float32
) -> tuple[Float64, Float64]:
    """Return when captions (n, d) begin and how well they fit there, (n,) each.

    Of the windows of `LONG_S` that begin within `WITHIN_S` of `start_s`, with a frame of
    `frames` (m, d) at `frame_s` first in it, the one whose frames are most like the caption on
    average is taken, ties to the nearest. Without any frame there the fit is NaN.
    """
    begin, fit = start_s.copy(), np.full(len(start_s), np.nan)
    cosine = np.asarray(captions, np.float64) @ np.asarray(frames, np.float64).T
    for number, middle in enumerate(start_s.tolist()):
        near = np.flatnonzero(np.abs(frame_s - middle) <= WITHIN_S)
        windows = [(frame_s >= frame_s[one]) & (frame_s < frame_s[one] + LONG_S) for one in near]
        worth = [
            (float(cosine[number][on].mean()), -abs(frame_s[one] - middle), one)
            for one, on in zip(near.tolist(), windows, strict=True)
        ]
        if worth:
            fit[number], _, best = max(worth)
            begin[number] = frame_s[best]
    return begin, fit


def kept(fit: Float64) -> Bool:
    """Return (n,) which captions stay: all but the `WORST` share of a video, and none unseen."""
    known = np.isfinite(fit)
    if not known.any():
        return known
    least = float(np.quantile(fit[known], WORST))
    return np.asarray(known & (np.where(known, fit, -np.inf) >= least))


def told(
    video: str,
    duration_s: float,
    lines: Sequence[Span],
    model: LanguageModel,
    frame_s: Float64,
    frames: Float32,
    encode: Callable[[Sequence[str]], Float32],
    refine: Refine,
) -> list[Evidence]:
    """Return the captions of a video by what is said in it, in order of time.

    `refine` finds from where to where each is seen, beginning with the `LONG_S` that fit it best.
    A block without a valid answer has none. Raises ModelError where no block has one.
    """
    found: list[Caption] = []
    failures: list[ModelError] = []
    asked = 0
    for block in blocks(lines):
        asked += 1
        try:
            found += captions_of(model, block)
        except ModelError as error:
            failures.append(error)
    if asked and len(failures) == asked:
        raise failures[-1]
    found = list(dict.fromkeys(found))
    if not found or not len(frames):
        return []
    starts = np.array([one.start_s for one in found])
    vectors = encode([one.text for one in found])
    begin, fit = aligned(starts, vectors, frame_s, frames)
    stays = np.flatnonzero(kept(fit))
    windows = np.stack([begin, np.minimum(begin + LONG_S, np.maximum(duration_s, begin))], axis=1)
    windows[stays] = refine(windows[stays], vectors[stays], frame_s, frames, duration_s)
    rows = sorted(stays.tolist(), key=lambda row: (*windows[row], row))
    return [
        Evidence(
            video=video,
            channel=CHANNEL,
            start_s=float(windows[row, 0]),
            end_s=float(windows[row, 1]),
            text=found[row].text,
            language=detect(found[row].text),
            origin=f"told/{model.info.id}",
            frame_s=float(np.clip(begin[row], *windows[row])),
        )
        for row in rows
    ]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"
