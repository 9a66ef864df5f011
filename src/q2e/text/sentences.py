"""Puts recognised words together to sentences, each with the time its first word is said at.

Recognisers cut what they hear into segments of their own, in the middle of sentences or with two
in one. A sentence ends at its mark; where a script has none, as Thai, or none was written, at a
pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category

from q2e.text.chunk import SENTENCE, UNSPACED_LETTER, count_words
from q2e.types import Span

#: Silence after which a sentence is over though no mark ends it, and in scripts without spaces,
#: whose writing has few marks or none.
PAUSE_S = 0.8
UNSPACED_PAUSE_S = 0.3
#: Words and seconds over which a sentence is divided at its longest pause.
MOST_WORDS = 40
MOST_S = 20.0
#: Seconds that a pause counts for more where a clause ends.
_CLAUSE_S = 0.5
_CLAUSES = ",;:，、；：،؛"
#: Share of a sentence at either end in which it is not divided.
_EDGE = 0.2


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a part of one, as it is written: with the space before it where there is one."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter with its time, and how long nothing was said before it."""

    start_s: float
    end_s: float
    text: str
    pause_s: float
    first: bool
    """Whether its word begins with it."""


def sentences(words: Sequence[Word]) -> list[Span]:
    """Return the sentences of words given in order of time, from first to last letter said.

    A word that holds the end of one sentence and the start of another is divided in proportion to
    its letters. Without any letter or digit there is no sentence.
    """
    letters = _letters(words)
    text = "".join(one.text for one in letters)
    ends = {found.end() for found in SENTENCE.finditer(text)}
    cuts = [place for place in range(1, len(letters)) if place in ends or _paused(letters, place)]
    found = []
    for first, last in zip([0, *cuts], [*cuts, len(letters)], strict=True):
        for piece in _divided(letters[first:last]):
            said = [one for one in piece if _is_said(one.text)]
            if said:
                whole = "".join(one.text for one in piece)
                begins = _beginnings(piece, len(whole) - len(whole.lstrip()))
                found.append(Span(said[0].start_s, said[-1].end_s, whole.strip(), words=begins))
    return found


def _beginnings(piece: Sequence[_Letter], before: int) -> tuple[tuple[int, float], ...]:
    """Return the place and the second of each word's first letter, after `before` blanks."""
    return tuple(
        (place - before, round(one.start_s, 2)) for place, one in enumerate(piece) if one.first
    )


def _letters(words: Sequence[Word]) -> list[_Letter]:
    found: list[_Letter] = []
    said_s = words[0].start_s if words else 0.0
    for word in words:
        own = [_is_said(letter) for letter in word.text]
        each_s = (word.end_s - word.start_s) / max(sum(own), 1)
        for place, letter in enumerate(word.text):
            start_s = word.start_s + sum(own[:place]) * each_s
            end_s = min(start_s + own[place] * each_s, word.end_s)
            pause_s = max(start_s - said_s, 0.0) if _begins(letter) else 0.0
            first = own[place] and not any(own[:place])
            found.append(_Letter(start_s, end_s, letter, pause_s, first))
            said_s = max(said_s, end_s) if own[place] else said_s
    return found


def _is_said(letter: str) -> bool:
    """Return whether a letter is said: vowels over or under another one are, marks are not."""
    return category(letter)[0] in "LMN"


def _begins(letter: str) -> bool:
    """Return whether a letter may be the first of a sentence."""
    return category(letter)[0] in "LN"


def _paused(letters: Sequence[_Letter], place: int) -> bool:
    one, before = letters[place], letters[place - 1].text
    if not _begins(one.text):
        return False
    if UNSPACED_LETTER.match(one.text):
        return one.pause_s >= UNSPACED_PAUSE_S
    return not _is_said(before) and one.pause_s >= PAUSE_S


def _divided(letters: Sequence[_Letter]) -> list[Sequence[_Letter]]:
    """Return a sentence in pieces that are not too long, cut where the pauses are longest."""
    if not letters:
        return []
    text = "".join(one.text for one in letters)
    if count_words(text) <= MOST_WORDS and letters[-1].end_s - letters[0].start_s <= MOST_S:
        return [letters]
    edge = max(1, int(_EDGE * len(letters)))
    places = [
        place
        for place in range(edge, len(letters) - edge)
        if _begins(letters[place].text)
        and (letters[place - 1].text.isspace() or UNSPACED_LETTER.match(letters[place].text))
    ]
    if not places:
        return [letters]
    cut = max(places, key=lambda place: _worth(letters, place))
    return [*_divided(letters[:cut]), *_divided(letters[cut:])]


def _worth(letters: Sequence[_Letter], place: int) -> tuple[float, float]:
    before = "".join(one.text for one in letters[max(place - 2, 0) : place]).rstrip()
    clause = _CLAUSE_S if before[-1:] and before[-1] in _CLAUSES else 0.0
    spaced = 0.1 if letters[place - 1].text.isspace() else 0.0
    return letters[place].pause_s + clause + spaced, -abs(place - len(letters) / 2)
