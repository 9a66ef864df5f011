"""Where a sentence leaves something out: words such as `without`, `ohne`, `sans`, `sin`, `без`.

They stand before what is left out, between words that have spaces. Some say so by themselves
(`ohne`); others only after a comma, a word that joins (`aber kein`), or in a question of few words
(`Tier nicht Hund`), as they belong to the verb elsewhere. A name, a title or a saying that has such
a word stays what it is: `Sin City`, `sans serif`, `ohne dich`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Protocol

from q2e.query.negation_words import LANGUAGES, NOT, WITHOUT, Language

#: Longest sentence that leaves something out, in words; a longer one describes.
LONGEST = 14
#: Pieces of the longest question in the query language that may.
_PIECES = 100
_COMMAS = (",", "،", ";", "؛")
_ENDS = (*_COMMAS, ".", "!", "?", "؟", ":")


class Word(Protocol):
    """A piece of a question, as `q2e.query.marks.Mark`."""

    @property
    def kind(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def text(self) -> str: ...


#: Verbs, after which and before which a word says no of what is done: `он не спит`.
_RUSSIAN_VERB = ("ет", "ёт", "ит", "ют", "ут", "ят", "ат", "ть", "тся", "ться", "ил", "ал", "или")
_APOSTROPHES = ("'m", "'s", "'re", "'ve", "'ll", "'d", "n't")


def exclusion(
    found: Sequence[Word], number: int, done: Sequence[Word], text: str
) -> tuple[int, int] | None:
    """Return from where to where words at `number` say that something is left out, or None.

    `found` are all pieces of the text, `done` those before, as they were read.
    """
    if len(found) > _PIECES:
        return None
    for language, phrases in _by_first_word().get(_plain(found[number]), ()):
        length = _said(phrases, found, number)
        if length and (start := _begins(language, found, number, length, done)) is not None:
            spoken = _spoken(text)
            if spoken is None or spoken == language.code:
                return start, found[number + length - 1].end
    return None


@cache
def _by_first_word() -> dict[str, list[tuple[Language, list[list[str]]]]]:
    """Return the phrases of each language by their first word."""
    known: dict[str, list[tuple[Language, list[list[str]]]]] = {}
    for language in LANGUAGES:
        own: dict[str, list[list[str]]] = {}
        for phrase in (*language.things, *language.weak, *language.clauses):
            parts = phrase.split("_")
            own.setdefault(parts[0], []).append(parts)
        for first, phrases in own.items():
            known.setdefault(first, []).append((language, phrases))
    return known


def _plain(word: Word) -> str:
    return word.text.replace("’", "'")


def reach(words: Sequence[str], said: str) -> int:
    """Return how many of the words after `said` are left out, at least 1.

    They end at a comma, and where a thing is left out, before the words of a place: of `a hat on
    a beach` after `without` the hat alone.
    """
    last = said.lower().split()[-1:]
    ends: frozenset[str] = frozenset()
    for language in LANGUAGES:
        things = {phrase.split("_")[-1] for phrase in language.things}
        if set(last) & things and not said.isupper():
            ends |= language.places
    for number, word in enumerate(words):
        if number and (word in ends or word in _COMMAS):
            return number
        if word.endswith(_COMMAS) and word not in _COMMAS:
            return number + 1
    return len(words)


def bare(text: str) -> str:
    """Return words without the comma or full stop at their end."""
    return text.rstrip("".join(_COMMAS) + ". ")


def _said(phrases: Sequence[Sequence[str]], found: Sequence[Word], number: int) -> int:
    """Return of how many words the longest phrase at `number` is, 0 where none is there."""
    best = 0
    for parts in phrases:
        there = found[number : number + len(parts)]
        if all(one.kind == "word" for one in there) and [*map(_plain, there)] == [*parts]:
            best = max(best, len(parts))
    return best


def _begins(
    language: Language, found: Sequence[Word], number: int, length: int, done: Sequence[Word]
) -> int | None:
    """Return at which character it begins, with what joins; None where it leaves nothing out."""
    phrase = "_".join(map(_plain, found[number : number + length]))
    after = found[number + length :]
    if not done or not after or after[0].kind == "close":
        return None
    start, before = found[number].start, list(done)
    if after[0].kind == "field":
        return start
    if before[-1].kind in ("operator", "minus", "open"):
        return None
    joined = before[-1].kind == "word" and before[-1].text.lower() in language.joins
    if joined and (len(before) == 1 or before[-2].text.lower() == language.both):
        return None
    if joined:
        start = before.pop().start
    if before[-1].kind == "word":
        if not _wanted(language, before):
            return None
        joined |= before[-1].text.endswith(_COMMAS)
    if after[0].kind == "word" and _qualifies(language, phrase, after[0].text):
        return None
    words = sum(one.kind == "word" for one in found)
    if phrase in language.weak and not _plainly(language, before, after, joined):
        return None
    old = phrase in ("not", "without")
    return start if old or words <= LONGEST else None


def _wanted(language: Language, before: Sequence[Word]) -> bool:
    """Whether the words before are something to look for, and no beginning of a sentence."""
    last = before[-1].text.lower().replace("’", "'")
    if last in language.sentence or last.endswith(_APOSTROPHES):
        return False
    rest = (one for one in before if one.kind != "word" or one.text.lower() not in language.joins)
    return any(one.kind != "word" or _bare(one) not in language.sentence for one in rest)


def _qualifies(language: Language, phrase: str, following: str) -> bool:
    after = following.lower().strip(".,;!?،؟")
    if phrase in ("not", "without"):  # what either qualifies is not what the other does
        return after in (NOT if phrase == "not" else WITHOUT)
    return after in language.idioms


def _plainly(
    language: Language, before: Sequence[Word], after: Sequence[Word], joined: bool
) -> bool:
    """Whether a weak word leaves out what follows, all of it to the end of the question."""
    if any(one.kind not in ("word", "phrase", "field") for one in after):
        return False
    if any(one.text.endswith(_ENDS) for one in after[:-1] if one.kind == "word"):
        return False
    if language.code == "ru" and _bare(after[0]).endswith(_RUSSIAN_VERB):
        return False
    if joined:
        return True
    few = len(before) <= 2 and len(after) <= 2
    return few and not any(_bare(one) in language.sentence for one in (*before, *after))


def _bare(word: Word) -> str:
    return word.text.lower().strip(".,;:!?،؟؛")


@lru_cache(maxsize=16)
def _spoken(text: str) -> str | None:
    """Return the language: `not` is a note in Turkish and distress in German, `sin` is English."""
    from q2e.text.language import detect

    return detect(text)
