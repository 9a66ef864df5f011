"""Has a language model write the answer from numbered lines; what it says is a typed object.

The model names lines by number and copies words from them. What it writes is a draft: the check
that follows keeps only what the lines bear out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer.base import Tools, Work
from q2e.answer.check import unrelated
from q2e.answer.collect import unsaid
from q2e.answer.lines import Line, seen
from q2e.answer.quotes import NOTHING, cited
from q2e.query.parts import words_of_meaning
from q2e.text.clean import clean as harmless
from q2e.text.fence import clean, fence
from q2e.text.prompt import MAX_QUESTION_CHARACTERS, beside
from q2e.types import Sentence, Video

#: A picture that a model is shown: its video and time.
Picture = tuple[Video, float]

#: Lines that a model is shown, characters of one and of all.
SHOWN, LINE, ALL = 12, 500, 8_000
#: Log-odds under which a line is not worth showing.
LEAST = -4.0
#: Tokens of an answer.
MAX_TOKENS = 800

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Cite(BaseModel):
    """A line by its number, and words copied from it."""

    model_config = ConfigDict(extra="forbid")

    line: int = Field(ge=1, le=300)
    quote: _Text


class Told(BaseModel):
    """One sentence and the lines that say it."""

    model_config = ConfigDict(extra="forbid")

    text: _Text
    cites: list[Cite] = Field(max_length=4)


class Written(BaseModel):
    """What a model may answer; without sentences, that no line answers."""

    model_config = ConfigDict(extra="forbid")

    sentences: list[Told] = Field(max_length=12)


def keep(work: Work, tools: Tools, most: int = SHOWN, least: float = LEAST) -> Work:
    """Keep the first lines, whatever they are worth but for those that surely say nothing."""
    del tools
    kept = tuple(line for line in work.lines if line.worth >= least)[:most]
    if not kept and not work.pictures:
        work = work.noting(f"{NOTHING}: the search found nothing")
    return replace(work, kept=kept, confidence=sure(kept))


def sure(kept: Sequence[Line]) -> float:
    """Return the chance that the best of some lines answers."""
    return 1.0 / (1.0 + math.exp(-max(line.worth for line in kept))) if kept else 0.0


def write(work: Work, tools: Tools, most: int = 4) -> Work:
    """Have the model answer from the kept lines. Raises ModelError where it does not."""
    if not work.kept:
        return work
    said = tools.ask(
        beside(__file__),
        Written,
        MAX_TOKENS,
        question=asked(work.question),
        lines=numbered(work.kept),
        most=most,
    )
    return drafted(work, said, most)


def drafted(work: Work, said: Written, most: int, pictures: Sequence[Picture] = ()) -> Work:
    """Return what a model wrote as a draft; pictures are numbered after the kept lines.

    What it says that a picture shows becomes a line of that video.
    """
    shown = [
        _shown(one, work.kept, pictures) for told in said.sentences[:most] for one in told.cites
    ]
    work = replace(work, lines=(*work.lines, *(one for one in shown if one and one.seen)))
    made = (_sentence(one, work.kept, pictures) for one in said.sentences[:most])
    cited_some = [one for one in made if one is not None]
    lost = min(len(said.sentences), most) - len(cited_some)
    if lost:
        work = work.noting(f"dropped {lost} of the model's sentences that cited no line")
    draft = tuple(one for one in cited_some if not _strays(one, work.lines))
    if strayed := len(cited_some) - len(draft):
        work = work.noting(
            f"dropped {strayed} of the model's sentences that share no word with what they cite"
        )
    if not said.sentences:
        work = work.noting(f"{NOTHING}: the model finds no answer in what it was shown")
    told = [(line.whole, line.language) for line in work.kept]
    return replace(
        work, draft=draft, not_found=() if draft else unsaid(work.question, work.language, told)
    )


def asked(question: str) -> str:
    """Return a question as a prompt may hold it."""
    return clean(question, MAX_QUESTION_CHARACTERS)


def numbered(lines: Sequence[Line]) -> str:
    """Return lines between marks, each with its number."""
    told = (f"({number}) {clean(line.text, LINE)}" for number, line in enumerate(lines, 1))
    return fence(" ".join(told), ALL)


def _sentence(told: Told, lines: Sequence[Line], pictures: Sequence[Picture]) -> Sentence | None:
    # Of a picture the words are those that were made a line; of a line they must stand in it.
    shown = [
        (line, line.text if line is not None and one.line > len(lines) else one.quote)
        for one in told.cites
        for line in (_shown(one, lines, pictures),)
    ]
    cites = tuple(
        cited(line, quote)
        for line, quote in shown
        if line is not None and words_of_meaning(quote, line.language)
    )
    text = harmless(told.text, LINE)
    return Sentence(text, cites, quoted=False) if cites and text else None


def _strays(sentence: Sentence, lines: Sequence[Line]) -> bool:
    """Whether a sentence has nothing to do with what was shown of what it cites."""
    own = [
        (f"{line.whole} {line.video.title} {line.video.description}", line.language)
        for one in sentence.citations
        for line in lines
        if line.overlaps(one.video.id, one.start_s, one.end_s)
    ]
    return bool(own) and unrelated(sentence.text, own)


def _shown(cite: Cite, lines: Sequence[Line], pictures: Sequence[Picture]) -> Line | None:
    """Return the line that a model cites; None where it was shown none of that number."""
    if cite.line <= len(lines):
        return lines[cite.line - 1]
    if cite.line <= len(lines) + len(pictures):
        video, time_s = pictures[cite.line - len(lines) - 1]
        return seen(video, time_s, time_s, cite.quote)
    return None


def keep_all(work: Work, tools: Tools) -> Work:
    """Keep all lines that were collected."""
    return keep(work, tools, most=len(work.lines), least=-math.inf)
