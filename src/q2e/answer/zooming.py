"""A search in time: windows are asked about, and halved where an answer is likely but not sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import looking, written
from q2e.answer.base import Tools, Work
from q2e.answer.clips import Clip
from q2e.answer.lines import seen
from q2e.answer.quotes import NOTHING
from q2e.arrays import UInt8
from q2e.errors import ModelError
from q2e.text.fence import clean, fence
from q2e.text.prompt import beside

#: Seconds of a window from which a language model is asked where to go on, of one that is not
#: halved any more, and of one that may be returned.
REASON_S, LEAST_S, RETURNED_S = 8.0, 2.0, 60.0
#: Windows that the language model names.
SCENES = 5
#: How sure an answer must be: in words of its own, and of options.
OPEN, OPTIONS = 0.8, 0.9
#: Frames a second, and of one window that is asked about.
RATE_HZ, ANSWERED = 0.5, (1, 32)
LETTERS = "ABCDEFGHIJ"

_Why = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


class Scene(BaseModel):
    """A window by its number, and why it may hold the answer."""

    model_config = ConfigDict(extra="forbid")

    window: int = Field(ge=1, le=10_000)
    why: _Why


class Scenes(BaseModel):
    """Where to look, the likeliest first."""

    model_config = ConfigDict(extra="forbid")

    scenes: list[Scene] = Field(max_length=10)


class Final(BaseModel):
    """Whether one of the answers is final, and which."""

    model_config = ConfigDict(extra="forbid")

    enough: bool
    answer: int = Field(ge=0, le=10_000)


@dataclass(frozen=True, slots=True)
class Tried:
    """What was answered about a window, and how sure it is."""

    clip: Clip
    text: str
    sure: float

    @property
    def seconds(self) -> float:
        return self.clip.end_s - self.clip.start_s


@dataclass(slots=True)
class _Search:
    """One search in time: what may be asked, and what was."""

    work: Work
    tools: Tools
    most: int
    options: tuple[str, ...]
    asked: int = 0
    tried: list[Tried] = field(default_factory=list)

    @property
    def least(self) -> float:
        return OPTIONS if self.options else OPEN

    @property
    def left(self) -> bool:
        return self.asked < self.most


def frames_of(seconds: float, bounds: tuple[int, int]) -> int:
    """Return how many frames of a window are shown: one each two seconds, within bounds."""
    return max(bounds[0], min(bounds[1], round(seconds * RATE_HZ)))


def images_of(clip: Clip, bounds: tuple[int, int], shift: float = 0.0) -> list[UInt8]:
    """Return frames of a window; `shift` moves them by a share of the time between two."""
    many = frames_of(clip.end_s - clip.start_s, bounds)
    step = (clip.end_s - clip.start_s) / many
    times_s = [
        min(clip.end_s, max(clip.start_s, at_s + shift * step))
        for at_s in looking.times_in(clip.start_s, clip.end_s, many)
    ]
    return [frame.image for frame in looking.frames(clip.video, times_s)]


def choose(work: Work, tools: Tools) -> Work:
    """Keep the windows that the language model names; the first, where it names none."""
    if len(work.clips) < 2:
        return work
    try:
        named = _named(work.clips, work.question, [_told(one) for one in work.clips], tools)
    except ModelError as error:
        work, named = work.noting(f"the windows were not chosen: {error}"), []
    return replace(work, clips=tuple(named or work.clips[:SCENES]))


def _named(clips: Sequence[Clip], question: str, told: Sequence[str], tools: Tools) -> list[Clip]:
    """Return the clips that the language model names, those it was not shown left out."""
    said = tools.ask(
        beside(__file__, "zooming_scenes"),
        Scenes,
        600,
        question=written.asked(question),
        windows=_numbered(clips, told),
        most=SCENES,
    )
    numbers = dict.fromkeys(one.window for one in said.scenes)
    return [clips[number - 1] for number in numbers if number <= len(clips)][:SCENES]


def _told(clip: Clip) -> str:
    return clip.told() or "nothing is said"


def _numbered(clips: Sequence[Clip], told: Sequence[str]) -> str:
    each = max(60, written.ALL // max(1, len(clips)) - 30)
    texts = (
        f"({number}) {clip.start_s:.0f} to {clip.end_s:.0f} s: {clean(text, each)}"
        for number, (clip, text) in enumerate(zip(clips, told, strict=True), 1)
    )
    return fence(" ".join(texts), 2 * written.ALL)


def search(work: Work, tools: Tools, most: int, options: tuple[str, ...]) -> Work:
    """Ask about windows and halves of windows until an answer is sure or nothing is left."""
    run = _Search(work, tools, most, options)
    final = None
    try:
        final = _explore(run)
    except ModelError as error:
        run.work = run.work.noting(f"the search in time ended early: {error}")
    if not run.left:
        run.work = run.work.noting(f"all {most} questions were asked")
    if final is None:
        final = _best(run)
    if final is None or not final.text:
        return replace(run.work, clips=()).noting(f"{NOTHING}: no window shows an answer")
    line = seen(final.clip.video, final.clip.start_s, final.clip.end_s, final.text)
    if final.sure < run.least:
        run.work = run.work.noting(f"no answer was sure: the best is so to {final.sure:.2f}")
    lines = (*run.work.lines, line)
    return replace(run.work, clips=(final.clip,), lines=lines, kept=(line,), confidence=final.sure)


def _explore(run: _Search) -> Tried | None:
    """Return the first answer that is sure and final; None where none is."""
    queue = list(run.work.clips)
    known: set[tuple[str, float, float]] = set()
    while queue and run.left:
        level: list[Tried] = []
        for clip in queue:
            known.add(_key(clip))
            if not run.left:
                break
            told = _answered(run, clip)
            if told is None:
                continue
            level.append(told)
            run.tried.append(told)
            fits = told.text and told.sure >= run.least and told.seconds <= RETURNED_S
            if fits and (run.options or _final(run, level) is not None):
                return told
        queue = [
            half
            for one in _promising(run, level)
            for half in halves(one)
            if _key(half) not in known
        ]
    return None


def _key(clip: Clip) -> tuple[str, float, float]:
    return clip.video.id, clip.start_s, clip.end_s


def halves(clip: Clip, least_s: float = LEAST_S) -> list[Clip]:
    """Return both halves of a window; none where they would be shorter than `least_s`."""
    middle_s = (clip.start_s + clip.end_s) / 2
    if middle_s - clip.start_s < least_s:
        return []

    def part(start_s: float, end_s: float) -> Clip:
        lines = tuple(one for one in clip.lines if one.overlaps(clip.video.id, start_s, end_s))
        return replace(clip, start_s=start_s, end_s=end_s, lines=lines)

    return [part(clip.start_s, middle_s), part(middle_s, clip.end_s)]


def _answered(run: _Search, clip: Clip) -> Tried | None:
    """Return what the vision model answers about a window; None where it cannot be read."""
    shifts = (0.0, -1 / 3, 1 / 3)[: max(1, run.most - run.asked)]
    looks = (images for shift in shifts if (images := images_of(clip, ANSWERED, shift)))
    letters = zip(LETTERS, run.options, strict=False)
    listed = [f"{letter}. {clean(one, 80)}" for letter, one in letters]
    text, sure, asked = looking.surely(
        run.tools,
        looks,
        beside(__file__),
        64,
        question=written.asked(run.work.question),
        options=listed,
    )
    if not asked:
        return None
    run.asked += asked
    if run.options:
        letter = text[:1].upper()
        at = LETTERS.find(letter) if letter else -1
        text = run.options[at] if 0 <= at < len(run.options) else ""
    return Tried(clip, text, sure if text else 0.0)


def _final(run: _Search, level: Sequence[Tried]) -> int | None:
    """Return which of some answers the language model takes for final; None for none."""
    said = run.tools.ask(
        beside(__file__, "zooming_final"),
        Final,
        100,
        question=written.asked(run.work.question),
        answers=_numbered([one.clip for one in level], [_said(one) for one in level]),
        last=False,
    )
    return said.answer if said.enough else None


def _said(one: Tried) -> str:
    return f"{one.text or 'nothing'} (sure to {one.sure:.2f}); {_told(one.clip)}"


def _promising(run: _Search, level: Sequence[Tried]) -> list[Clip]:
    """Return the windows to go on with: named by the language model, the short ones by how sure."""
    long = [one for one in level if one.seconds > REASON_S]
    short = sorted((one for one in level if one.seconds <= REASON_S), key=lambda one: -one.sure)
    found = [one.clip for one in short[:SCENES]]
    if long:
        clips = [one.clip for one in long]
        try:
            named = _named(clips, run.work.question, [_said(one) for one in long], run.tools)
        except ModelError as error:
            run.work = run.work.noting(f"the windows were not chosen: {error}")
            named = []
        surest = sorted(long, key=lambda one: -one.sure)
        found = (named or [one.clip for one in surest[:SCENES]]) + found
    return found


def _best(run: _Search) -> Tried | None:
    """Return the answer that the language model chooses of all, else the surest."""
    told = [one for one in run.tried if one.text and one.seconds <= RETURNED_S]
    if not told:
        return None
    best = max(told, key=lambda one: one.sure)
    if run.options or len(told) == 1:
        return best
    try:
        said = run.tools.ask(
            beside(__file__, "zooming_final"),
            Final,
            100,
            question=written.asked(run.work.question),
            answers=_numbered([one.clip for one in told], [_said(one) for one in told]),
            last=True,
        )
    except ModelError as error:
        run.work = run.work.noting(f"the surest answer was taken: {error}")
        return best
    return told[said.answer - 1] if 1 <= said.answer <= len(told) else best
