"""An answer as an article: sections before, during and after, and a source for every sentence.

Titles and texts are by strangers. In Markdown every sign that would mark anything up is escaped,
in HTML the template escapes all, and a page's policy lets nothing run or load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from q2e.answer.quotes import NOTHING
from q2e.errors import ConfigError
from q2e.paths import shown_name
from q2e.text.clean import clean
from q2e.types import Answer, Citation, Place, Sentence

if TYPE_CHECKING:
    import jinja2

#: The forms of an article, by the ending of a file's name.
FORMS = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html"}
#: Characters of a heading, and of a sentence or quote.
_TITLE, _TEXT = 300, 2_000


class Headings(NamedTuple):
    """The words of an article that are its own, in one language."""

    before: str
    during: str
    after: str
    sources: str
    nothing: str


HEADINGS = {
    "ar": Headings("قبل ذلك", "الحدث", "بعد ذلك", "المصادر", "لا شيء هنا يتحدث عن ذلك."),
    "de": Headings("Vorher", "Das Ereignis", "Danach", "Quellen", "Davon wird hier nichts gesagt."),
    "en": Headings("Before", "The event", "After", "Sources", "Nothing here tells of it."),
    "es": Headings("Antes", "El hecho", "Después", "Fuentes", "Aquí nada habla de ello."),
    "fr": Headings("Avant", "L’événement", "Après", "Sources", "Rien ici n’en parle."),
    "hi": Headings("पहले", "घटना", "बाद में", "स्रोत", "यहाँ इसके बारे में कुछ नहीं कहा गया है।"),
    "ja": Headings("以前", "出来事", "その後", "出典", "これについて語るものはありません。"),
    "ko": Headings("이전", "사건", "이후", "출처", "여기에는 이에 대한 말이 없습니다."),
    "ru": Headings("До", "Событие", "После", "Источники", "Здесь об этом ничего не говорится."),
    "th": Headings("ก่อนหน้า", "เหตุการณ์", "หลังจากนั้น", "แหล่งที่มา", "ไม่มีสิ่งใดที่นี่กล่าวถึงเรื่องนี้"),
    "zh": Headings("之前", "事件", "之后", "来源", "这里没有提到此事。"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A cited stretch of a video with its number."""

    number: int
    title: str
    channel: str
    when: str
    quote: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence with its place and sources."""

    text: str
    language: str | None
    quoted: bool
    sources: tuple[Source, ...]


def written(answer: Answer, form: str) -> str:
    """Return an answer as an article in `markdown` or `html`. Raises ConfigError for others."""
    if form == "markdown":
        return markdown(answer)
    if form == "html":
        return html(answer)
    allowed = ", ".join(dict.fromkeys(FORMS.values()))
    raise ConfigError(f"an article has no form {form!r}; it may be: {allowed}")


def markdown(answer: Answer) -> str:
    """Return an answer as Markdown; nothing that a stranger wrote marks anything up."""
    words = headings(answer.language)
    sections = list(_sections(answer))
    lines = [f"# {escaped(answer.question, _TITLE)}", ""]
    if not sections:
        lines += [words.nothing, ""]
    for place, told in sections:
        if place:
            lines += [f"## {getattr(words, place)}", ""]
        for one in told:
            text = f"“{escaped(one.text)}”" if one.quoted else escaped(one.text)
            lines += [text + " " + "".join(f"\\[{source.number}\\]" for source in one.sources), ""]
    sources = [source for _, told in sections for one in told for source in one.sources]
    if sources:
        lines += [f"## {words.sources}", ""]
    for source in dict.fromkeys(sources):
        where = f"{source.number}. {escaped(source.title, _TITLE)}, {source.when}, "
        lines += [f"{where}{escaped(source.channel)}: “{escaped(source.quote)}”"]
    lines += [""] if sources else []
    lines += [f"*{escaped(note)}*\n" for note in _notes(answer)]
    return "\n".join(lines).rstrip() + "\n"


def html(answer: Answer) -> str:
    """Return an answer as one page of HTML that runs and loads nothing."""
    sections = list(_sections(answer))
    sources = [source for _, told in sections for one in told for source in one.sources]
    page = _template().render(
        title=clean(answer.question, _TITLE),
        language=answer.language or "",
        words=headings(answer.language),
        sections=sections,
        sources=list(dict.fromkeys(sources)),
        notes=_notes(answer),
    )
    return page + "\n"


def headings(language: str | None) -> Headings:
    """Return an article's own words in a language, in English where it is not one of those."""
    return HEADINGS.get((language or "en").partition("-")[0], HEADINGS["en"])


def escaped(text: str, most: int = _TEXT) -> str:
    """Return text as Markdown that shows it to the letter, as one line without links."""
    plain = clean(text, most)
    plain = re.sub(r"([\\`*_{}\[\]<>|~#$^=])", r"\\\1", plain).replace("&", "&amp;")
    plain = re.sub(r"^([-+]|\d+(?=[.)]))", lambda found: _entity(found.group()), plain)
    # Addresses are made links where they stand, by their `://` and their `www.`.
    return plain.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def clock(seconds: float) -> str:
    """Return 83.4 as `1:23`, and 3683 as `1:01:23`."""
    whole = int(seconds)
    minutes = f"{whole // 60 % 60:02d}" if whole >= 3600 else str(whole // 60)
    hours = f"{whole // 3600}:" if whole >= 3600 else ""
    return f"{hours}{minutes}:{whole % 60:02d}"


def _notes(answer: Answer) -> list[str]:
    """Return the notes on an article; that nothing answers is told already."""
    told = (clean(note, _TEXT) for note in answer.notes)
    return [note for note in told if answer.sentences or not note.startswith(NOTHING)]


def _entity(signs: str) -> str:
    return f"&#{ord(signs[0])};{signs[1:]}"


def _sections(answer: Answer) -> Iterator[tuple[Place | None, list[Told]]]:
    """Yield the sentences by place, in their order; a place is told once where they are sorted."""
    numbers: dict[Citation, Source] = {}
    for place, own in groupby(answer.sentences, lambda one: one.place):
        yield place, [_told(one, numbers) for one in own]


def _told(sentence: Sentence, numbers: dict[Citation, Source]) -> Told:
    for one in sentence.citations:
        if one not in numbers:
            numbers[one] = _source(len(numbers) + 1, one)
    language = sentence.citations[0].language if sentence.quoted else None
    sources: Sequence[Source] = [numbers[one] for one in sentence.citations]
    return Told(clean(sentence.text, _TEXT), language, sentence.quoted, tuple(sources))


def _source(number: int, cited: Citation) -> Source:
    video = cited.video
    title = video.title or shown_name(video.path) or video.id
    when = f"{clock(cited.start_s)}–{clock(cited.end_s)}"
    if video.date:
        when = f"{video.date}, {when}"
    quote = clean(cited.quote, _TEXT)
    channel = cited.channel.replace("_", " ")
    return Source(number, clean(title, _TITLE), channel, when, quote, cited.language)


@cache
def _template() -> jinja2.Template:
    from importlib import resources

    import jinja2

    text = resources.files("q2e.answer").joinpath("article.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
