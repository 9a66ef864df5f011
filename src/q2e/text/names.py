"""Names as letter groups that are alike in every script: Pohang, 포항 and Пхохан share some.

Text is written in Latin letters, word by word, and cut into overlapping groups of four. They
are kept in the lexical index beside the tokens of the same text, marked so that neither meets
the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from q2e.errors import MissingDependency

#: Stands before every group, and in no token.
MARK = "~"
_SIZE = 4
#: Characters of one text that are read: names stand near the beginning.
_LONGEST = 8_192
_WORD = re.compile(r"[a-z0-9]+")
_SEPARATE = re.compile(r"[\s\-–—/]+")
_HAN_KANA = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def name_grams(text: str) -> list[str]:
    """Return the marked letter groups of what may be names in a text, with repetitions.

    In scripts with capital letters these are the words that have one, and numbers; a text
    without any capital letter, or of another script, gives all its words.
    """
    text = text[:_LONGEST]
    if any(character.isupper() for character in text):
        text = " ".join(word for word in _SEPARATE.split(text) if _may_name(word))
    return [gram for word in latin_words(text) for gram in word_grams(word)]


def _may_name(word: str) -> bool:
    first = next(filter(str.isalnum, word), "")
    return bool(first) and not first.islower()


def latin_words(text: str) -> list[str]:
    """Return the words of a text in small Latin letters.

    Han and Kana runs, which have no spaces, give the reading of each pair of characters: most
    names in them are two characters long.
    """
    latin = _transliterator()
    text = text[:_LONGEST]
    words = _WORD.findall(latin(_HAN_KANA.sub(" ", text)).lower().replace("'", ""))
    for run in _HAN_KANA.findall(text):
        readings = [reading(character) for character in run]
        paired = [first + second for first, second in pairwise(readings)]
        words += paired if len(run) > 1 else readings
    return [word for word in words if word]


def reading(character: str) -> str:
    """Return how a character of Han or Kana is read, in small Latin letters: 李 is li."""
    return "".join(_WORD.findall(_transliterator()(character).lower()))


def word_grams(word: str) -> list[str]:
    """Return the marked groups of one word in Latin letters, its ends counted as letters."""
    edged = f"_{word}_"
    starts = range(max(1, len(edged) - _SIZE + 1))
    return [MARK + edged[start : start + _SIZE] for start in starts]


@cache
def _transliterator() -> Callable[[str], str]:
    try:
        from anyascii import anyascii
    except ImportError as error:
        raise MissingDependency("anyascii", "local", "matching names across scripts") from error
    latin: Callable[[str], str] = anyascii
    return latin
