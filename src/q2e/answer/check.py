"""Checks what was written against what was shown: nothing is trusted, whoever wrote it.

A citation counts where its quote stands to the letter in evidence that was shown, at that time of
that video. A sentence without one is dropped, and so is one with a number, name or date that does
not stand in what it cites, compared as words are: `٤` is 4, April is 2023-04, Путин is Putin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

from q2e.answer.base import Work
from q2e.answer.lines import Line
from q2e.answer.topic import stands
from q2e.query.parts import words_of_meaning
from q2e.query.slots import month_names
from q2e.text.language import detect
from q2e.text.names import latin_words
from q2e.text.tokens import spaced, tokens
from q2e.types import Citation, Sentence

#: Number words up to twelve, by language.
_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать",
    "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة",
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह",
    "零 一 二 三 四 五 六 七 八 九 十 十一 十二",
    "영 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열 열하나 열둘",
    "ศูนย์ หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด เก้า สิบ สิบเอ็ด สิบสอง",
)
_CAPITAL = re.compile(r"(?<![\w.!?…])[A-ZÀ-ÖØ-ÞА-ЯЁ][\w'’-]+")
_START = re.compile(r"^\W*[\w'’-]+")
#: Letters that two spellings of a name in Latin letters may differ by, as a share.
_DIFFER = 0.3
_BRIEF = 3
#: Names of months that are words of their own; they count beside a number.
_WORDS_TOO = ("may", "mai", "march", "mars")


def check(work: Work) -> Work:
    """Drop what the shown lines do not bear out, and say in the notes how much that was."""
    sentences, uncited, untrue = [], 0, 0
    for sentence in work.draft:
        citations = tuple(one for one in sentence.citations if supported(one, work.lines))
        if not citations:
            uncited += 1
            continue
        whole = [_evidence(one, work.lines) for one in citations]
        if unsupported(sentence.text, whole, work.language, sentence.quoted):
            untrue += 1
            continue
        sentences.append(replace(sentence, citations=citations))
    if uncited:
        work = work.noting(f"dropped {_counted(uncited)} that cited nothing that was shown")
    if untrue:
        work = work.noting(
            f"dropped {_counted(untrue)} with a number, name or date that is not in what they cite"
        )
    if only := sum(_only_seen(one, work.lines) for one in sentences):
        work = work.noting(
            f"{_counted(only)} resting on what a model says it sees in the pictures alone"
        )
    if work.draft and not sentences:
        work = work.noting("nothing here answers: nothing that was written could be borne out")
    return replace(work, draft=tuple(sentences))


def _only_seen(sentence: Sentence, lines: Sequence[Line]) -> bool:
    """Whether nothing but a model's look at the pictures bears a sentence out."""
    told = [line for line in lines if not line.seen]
    return not any(supported(one, told) for one in sentence.citations)


def supported(citation: Citation, lines: Iterable[Line]) -> bool:
    """Whether a quote stands to the letter in a line shown, at that time of that video."""
    return bool(citation.quote.strip()) and any(
        line.overlaps(citation.video.id, citation.start_s, citation.end_s)
        and citation.quote in line.whole
        for line in lines
    )


def unsupported(
    sentence: str, evidence: Sequence[str], language: str | None = None, quoted: bool = False
) -> list[str]:
    """Return the numbers, names and dates of a sentence that stand in none of the texts."""
    if quoted and any(sentence in text for text in evidence):
        return []
    held = set(chain.from_iterable(forms(text) for text in evidence))
    names = set(chain.from_iterable(latin_words(text) for text in evidence))
    missing = [number for number in numbers(sentence) if number not in held]
    for name in _names(sentence, language):
        if forms(name) & held:
            continue
        latin = latin_words(name)
        if latin and not all(_alike(word, names) for word in latin):
            missing.append(name)
    return missing


def unrelated(sentence: str, evidence: Sequence[tuple[str, str | None]]) -> bool:
    """Whether a sentence has no word in common with any text it cites, each with its language.

    Of texts in another language, or one that is not known, that cannot be told: then it is not.
    """
    language = detect(sentence)
    if language is None or any((own or detect(text)) != language for text, own in evidence):
        return False
    held = set(chain.from_iterable(tokens(text) for text, _ in evidence))
    words = [told for word in words_of_meaning(sentence, language) if (told := tokens(word))]
    # A word that is cut in pairs of letters is held where half of them are, or three.
    common = (sum(stands(one, held) for one in told) >= min(3, len(told) / 2) for told in words)
    return bool(words) and not any(common)


def forms(text: str) -> set[str]:
    """Return the words of a text in their normal form, numbers and months in digits beside."""
    own = set(tokens(text))
    found = own | set(filter(str.isdecimal, re.findall(r"\d+", " ".join(own))))
    for word in spaced(text).casefold().split():
        found |= {_small_numbers()[word]} if word in _small_numbers() else set()
    found |= {f"month {month}" for month in _months_in(text)}
    return found | {one.lstrip("0") or "0" for one in found if one.isdecimal()}


def numbers(text: str) -> list[str]:
    """Return the numbers of a text in digits of our own, and its months."""
    found = [one for one in tokens(text) if one[:1].isdigit()]
    bare = [one.lstrip("0") or "0" if one.isdecimal() else one for one in found]
    return [*bare, *(f"month {month}" for month in _named_months(text))]


def _names(text: str, language: str | None) -> list[str]:
    """Return capitalised words past the first; German gives capitals to all nouns."""
    first = _START.match(text)
    start = first.end() if first else 0
    found = [one.group() for one in _CAPITAL.finditer(text) if one.start() >= start]
    if language == "de":
        pairs = re.findall(r"[A-ZÄÖÜ][\w'’-]+(?: [A-ZÄÖÜ][\w'’-]+)+", text)
        found = [word for pair in pairs for word in pair.split() if text.find(pair) >= start]
    months = _month_words(text)
    return [one for one in found if one.casefold() not in months]


def _alike(word: str, names: set[str]) -> bool:
    """Whether a name in Latin letters stands among others, in a like spelling."""
    if word in names:
        return True
    from difflib import SequenceMatcher

    if len(word) <= _BRIEF:
        return False
    return any(
        abs(len(one) - len(word)) <= _BRIEF
        and SequenceMatcher(None, word, one, autojunk=False).ratio() >= 1 - _DIFFER
        for one in names
        if one[:1] == word[:1]
    )


def _evidence(citation: Citation, lines: Iterable[Line]) -> str:
    """Return all that was shown of what a citation points at."""
    own = [
        line.whole
        for line in lines
        if line.overlaps(citation.video.id, citation.start_s, citation.end_s)
    ]
    video = citation.video
    about = (video.title, video.description, video.date or "", *video.tags)
    return "\n".join((*dict.fromkeys(own), *about))


def _months_in(text: str) -> set[int]:
    dated = {int(month) for month in re.findall(r"\b\d{4}-(\d{2})\b", text) if 0 < int(month) < 13}
    eastern = {int(one) for one in re.findall(r"(?<!\d)(1[0-2]|[1-9])\s?[月월]", text)}
    return dated | eastern | _named_months(text)


def _named_months(text: str) -> set[int]:
    return set(_month_words(text).values())


def _month_words(text: str) -> dict[str, int]:
    """Return {name: month} of the months that a text names, in small letters."""
    small = text.casefold()
    words = set(spaced(small).split())
    return {
        name: month
        for name, month in _months().items()
        if name in words and (name not in _WORDS_TOO or _beside_number(name, small))
    }


def _beside_number(name: str, text: str) -> bool:
    return re.search(rf"\d\w{{0,2}}\.? {name}\b|\b{name},? \d", text) is not None


@cache
def _months() -> dict[str, int]:
    """Return {name: month} of the languages whose months have names; short ones are left out."""
    found: dict[str, int] = {}
    for language, months in month_names().items():
        if language in ("ja", "ko", "zh"):
            continue
        for number, names in enumerate(months, 1):
            found |= {name.casefold(): number for name in names if len(name) > _BRIEF}
    return found | {"may": 5, "mai": 5}


@cache
def _small_numbers() -> dict[str, str]:
    return {
        word.casefold(): str(number) for row in _COUNTED for number, word in enumerate(row.split())
    }


def _counted(count: int) -> str:
    return "1 sentence" if count == 1 else f"{count} sentences"
