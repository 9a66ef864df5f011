"""Services that a declared pipeline puts together: each takes a step, with own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import looking, quotes, written
from q2e.answer.base import Tools, Work
from q2e.answer.clips import videos_of
from q2e.answer.collect import collect, weigh
from q2e.answer.lines import Line, lines_of, seen
from q2e.answer.quotes import NOTHING, cited
from q2e.errors import ConfigError, ModelError
from q2e.text.fence import clean, fence
from q2e.text.prompt import beside
from q2e.types import Sentence

_Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
_Some = Annotated[int, Field(ge=1, le=200)]
#: Seconds before and behind a line that its description is of.
_AROUND_S = 2.0


class Texts(BaseModel):
    """Texts in the order that was asked for."""

    model_config = ConfigDict(extra="forbid")

    texts: list[_Query] = Field(max_length=200)


class Service(BaseModel):
    """One step of a pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    use: str

    def run(self, work: Work, tools: Tools) -> Work:
        """Return what the step makes of the work. Raises ModelError where a model fails."""
        raise ConfigError(f"service {self.use!r} does nothing")


class Reword(Service):
    """A language model writes more queries to search by."""

    step = "plan"
    needs = ("language",)
    use: Literal["reword"]
    queries: Annotated[int, Field(ge=1, le=8)] = 3

    def run(self, work: Work, tools: Tools) -> Work:
        prompt = beside(__file__, "services_reword")
        asked = written.asked(work.question)
        said = tools.ask(prompt, Texts, 200, question=asked, most=self.queries)
        queries = (work.question, *said.texts[: self.queries])
        return replace(work, queries=tuple(dict.fromkeys(queries)))


class Search(Service):
    """The lines that each query finds, best first."""

    step = "collect"
    use: Literal["search"]

    def run(self, work: Work, tools: Tools) -> Work:
        return collect(work, tools)


class Speech(Service):
    """All that is said in the best videos, in order of time."""

    step = "collect"
    use: Literal["speech"]
    videos: Annotated[int, Field(ge=1, le=20)] = 1
    lines: _Some = 100

    def run(self, work: Work, tools: Tools) -> Work:
        results = tools.find(work.question)
        work = replace(work, unfolded=results.decomposition, language=results.query.language)
        lines = [
            line
            for video in videos_of(results, self.videos)
            for piece in tools.store.evidence_of(video.id)
            if piece.channel == "speech"
            for line in lines_of(video, piece)
        ][: self.lines]
        told = tuple(weigh(work, work.question, results, lines, tools))
        return replace(work, lines=told, kept=told, confidence=written.sure(told))


class Best(Service):
    """The best lines, of some channels or all."""

    step = "filter"
    use: Literal["best"]
    lines: _Some = written.SHOWN
    channels: tuple[Annotated[str, Field(max_length=40)], ...] = ()
    least: Annotated[float, Field(ge=-50, le=10)] = written.LEAST
    """Log-odds from which a line is kept."""

    def run(self, work: Work, tools: Tools) -> Work:
        if self.channels:
            lines = tuple(one for one in work.lines if one.channel in self.channels)
            work = replace(work, lines=lines)
        return written.keep(work, tools, self.lines, self.least)


class Describe(Service):
    """A vision model describes the moments of the kept lines."""

    step = "look again"
    needs = ("vision",)
    use: Literal["describe"]
    moments: Annotated[int, Field(ge=1, le=50)] = 4
    frames: Annotated[int, Field(ge=1, le=32)] = 4

    def run(self, work: Work, tools: Tools) -> Work:
        added: list[Line] = []
        for line in work.kept[: self.moments]:
            start_s = max(0.0, line.start_s - _AROUND_S)
            end_s = min(max(line.video.duration_s, line.end_s), line.end_s + _AROUND_S)
            times_s = looking.times_in(start_s, end_s, self.frames)
            images = [frame.image for frame in looking.frames(line.video, times_s)]
            if not images:
                continue
            prompt = beside(__file__, "services_describe")
            try:
                said = looking.look(tools, images, prompt, 120, said=fence(line.text, 500))
            except ModelError as error:
                work = work.noting(f"a moment was not described: {error}")
                break
            if said:
                added.append(seen(line.video, start_s, end_s, said))
        return replace(work, lines=(*work.lines, *added), kept=(*work.kept, *added))


class Answer(Service):
    """A language model answers from the kept lines."""

    step = "write"
    needs = ("language",)
    use: Literal["answer"]
    sentences: Annotated[int, Field(ge=1, le=12)] = 4

    def run(self, work: Work, tools: Tools) -> Work:
        return written.write(work, tools, self.sentences)


class Quote(Service):
    """The kept lines that say something new, as they are."""

    step = "write"
    use: Literal["quote"]
    sentences: Annotated[int, Field(ge=1, le=12)] = quotes.SENTENCES

    def run(self, work: Work, tools: Tools) -> Work:
        return quotes.write(work, tools, self.sentences)


class Translate(Service):
    """The kept lines in another language, each citing the original."""

    step = "write"
    needs = ("translator or language",)
    use: Literal["translate"]
    to: Annotated[str, Field(pattern="^([a-z]{2,3})?$")] = ""
    """ISO code; empty for the language of the question."""
    sentences: Annotated[int, Field(ge=1, le=50)] = 6

    def run(self, work: Work, tools: Tools) -> Work:
        kept = work.kept[: self.sentences]
        target = self.to or work.language or "en"
        if not kept:
            return work if work.notes else work.noting(f"{NOTHING}: nothing is said about it")
        foreign = [one for one in kept if one.language != target]
        texts = iter(_translated([one.text for one in foreign], foreign, target, tools))
        draft = []
        for line in kept:
            if line.language == target:
                draft.append(quotes.quoted(line))
            elif text := clean(next(texts), 1_000):
                draft.append(Sentence(text, (cited(line),), quoted=False))
        return replace(work, draft=tuple(draft))


def _translated(texts: list[str], lines: list[Line], target: str, tools: Tools) -> list[str]:
    """Return texts in another language, by the translator or else the language model."""
    if not texts:
        return []
    if tools.models.has("translator"):
        found = []
        for text, line in zip(texts, lines, strict=True):
            found += tools.models.translator.translate([text], line.language, target)
        return found
    told = " ".join(f"({n}) {clean(text, 500)}" for n, text in enumerate(texts, 1))
    said = tools.ask(
        beside(__file__, "services_translate"),
        Texts,
        1_200,
        lines=fence(told, 8_000),
        many=len(texts),
        target=target,
    )
    if len(said.texts) != len(texts):
        raise ModelError(f"{len(said.texts)} translations of {len(texts)} lines")
    return said.texts


#: What a step of a pipeline may use.
AnyService = Annotated[
    Reword | Search | Speech | Best | Describe | Answer | Quote | Translate,
    Field(discriminator="use"),
]


def services() -> Mapping[str, type[Service]]:
    """Return the services by name."""
    kinds = (Reword, Search, Speech, Best, Describe, Answer, Quote, Translate)
    return {kind.__name__.lower(): kind for kind in kinds}


def missing(needs: tuple[str, ...], tools: Tools) -> None:
    """Raise ConfigError where a model is missing that services need."""
    tools.refuse(needs)
    either = "translator or language" in needs and not tools.models.has("translator")
    if either:
        _ = tools.model  # refuses
