"""Chapters that a language model tells in two passes, from what is said and then what is seen."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.methods.chapters.base import Chapterer, Collected, Line, stretches, within
from q2e.methods.chapters.titles import titled
from q2e.models.base import LanguageModel
from q2e.registry import method
from q2e.text.clean import clean as harmless
from q2e.text.fence import clean, fence
from q2e.text.language import detect
from q2e.text.prompt import ask, beside
from q2e.types import Chapter

#: Characters of a line that the model is shown, and of a title.
_LINE, _TITLE = 240, 100
#: Descriptions that stand for a video in which nothing is said: seconds between them, and most.
_EVERY_S, _MOST = 10.0, 100
#: Seconds within which a time that a model names is moved to the start of a line.
_NEAR_S = 5.0
#: Tokens of an answer.
_TOKENS = 1_500

_Time = Annotated[str, StringConstraints(pattern=r"^\d{1,2}:[0-5]\d:[0-5]\d$")]
_Form = TypeVar("_Form", bound=BaseModel)


class Times(BaseModel):
    """Where the model thinks that another subject begins."""

    model_config = ConfigDict(extra="forbid")

    times: list[_Time] = Field(max_length=200)


class Titled(BaseModel):
    """A chapter as the model tells it."""

    model_config = ConfigDict(extra="forbid")

    start: _Time
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Told(BaseModel):
    """The chapters of a window."""

    model_config = ConfigDict(extra="forbid")

    chapters: list[Titled] = Field(max_length=100)


@method(
    "chapters",
    source="Chapter-Llama: Efficient Chaptering in Hour-Long Videos with LLMs, Ventura et al. 2025",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Llama(Chapterer):
    """A language model proposes borders from speech, then reads what is seen there and titles.

    Chapter-Llama's two passes without its training: the first reads `ASR hh:mm:ss: words` alone and
    names times; the second reads the same lines with `Caption hh:mm:ss: words` at those times, from
    the descriptions and screen texts of the index, and names chapters. A long video is read in
    windows, one after the other. Where nothing is said, descriptions every 10 s stand for speech.
    """

    characters: Annotated[
        int, Field(ge=500, le=1_000_000, description="Characters of a window, at most.")
    ] = 24_000
    seconds: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that the model may take for a window.")
    ] = 120.0

    def chapters(self, known: Collected) -> tuple[Chapter, ...]:
        said = [line for line in known.lines if line.channel == "speech"]
        seen = [line for line in known.lines if line.channel != "speech"]
        if not said:
            said, seen = _spread(seen), []
        model = known.model()
        found: dict[float, str] = {}
        for window in _windows(said, self.characters):
            found.update(self._read(model, window, seen, known.duration_s))
        if not found:
            return titled(stretches((), known.duration_s), known.lines, known.name)
        starts = sorted(found)
        titles = [found[one] for one in starts]
        spans = stretches(starts[1:], known.duration_s)
        return tuple(
            Chapter(*span, title, detect(title)) for span, title in zip(spans, titles, strict=True)
        )

    def _read(
        self, model: LanguageModel, said: Sequence[Line], seen: Sequence[Line], duration_s: float
    ) -> dict[float, str]:
        """Return {start: title} of the chapters that begin in a window."""
        first_s, last_s = said[0].start_s, min(said[-1].end_s, duration_s)
        speech = [(line.start_s, f"ASR {_clock(line.start_s)}: {line.text}") for line in said]
        times = self._ask(model, "llama_borders", Times, speech).times
        starts = [line.start_s for line in said]
        borders = [_snapped(time, starts) for time in times]
        shown = _nearest([first_s, *borders], within(seen, first_s, last_s))
        looks = [(line.start_s, f"Caption {_clock(line.start_s)}: {line.text}") for line in shown]
        told = self._ask(model, "llama_titles", Told, sorted([*speech, *looks]))
        found: dict[float, str] = {}
        for one in told.chapters:
            title = harmless(one.title, _TITLE)
            start_s = _snapped(one.start, starts)
            # What lies outside of what the model was shown it made up.
            if title and first_s - _NEAR_S <= start_s <= last_s:
                found.setdefault(start_s, title)
        return found

    def _ask(
        self,
        model: LanguageModel,
        prompt: str,
        form: type[_Form],
        lines: Sequence[tuple[float, str]],
    ) -> _Form:
        text = " / ".join(clean(line, _LINE) for _, line in lines)
        return ask(
            model,
            beside(__file__, prompt),
            form,
            max_tokens=_TOKENS,
            timeout_s=self.seconds,
            lines=fence(text, 2 * self.characters),
        )


def _spread(seen: Sequence[Line]) -> list[Line]:
    """Return descriptions at least so far apart, and no more than so many."""
    kept: list[Line] = []
    for line in seen:
        if not kept or line.start_s - kept[-1].start_s >= _EVERY_S:
            kept.append(line)
    step = max(1, -(-len(kept) // _MOST))
    return kept[::step]


def _windows(lines: Sequence[Line], characters: int) -> Iterator[list[Line]]:
    """Yield lines in windows of at most so many characters as the model reads them."""
    window: list[Line] = []
    size = 0
    for line in lines:
        own = min(len(line.text), _LINE) + 20
        if window and size + own > characters:
            yield window
            window, size = [], 0
        window.append(line)
        size += own
    if window:
        yield window


def _nearest(times_s: Sequence[float], seen: Sequence[Line]) -> list[Line]:
    """Return the description nearest to each time, each once."""
    if not seen:
        return []
    near = (min(seen, key=lambda line: abs(line.start_s - time)) for time in times_s)
    return list(dict.fromkeys(near))


def _snapped(time: str, starts: Sequence[float]) -> float:
    """Return a time `h:mm:ss` in seconds, moved to the line that begins nearest if one is near."""
    hours, minutes, seconds = map(int, time.split(":"))
    time_s = float(hours * 3600 + minutes * 60 + seconds)
    place = bisect_left(starts, time_s)
    best = min(starts[max(place - 1, 0) : place + 1], key=lambda one: abs(one - time_s))
    return best if abs(best - time_s) <= _NEAR_S else time_s


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"
