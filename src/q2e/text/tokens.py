"""Lexical tokens of text in any script, the same for questions and for what is indexed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from q2e.text.folding import MAY_A, MAY_E, fold

#: Characters of one text that are read; what is longer is not a text but a file.
LONGEST = 200_000
#: Characters of one word that tell it apart from others.
_LONGEST_WORD = 64

# Scripts written without spaces between words, or whose words carry endings without a space.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Kana, Han
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Hangul
)
_HAN_BEYOND = "\U00020000-\U0003134f"
# `\w` knows no combining marks, without which Hindi and Thai fall apart.
_MARKS, _RARE_MARKS = (
    "".join(char for char in map(chr, codes) if unicodedata.category(char).startswith("M"))
    for codes in ((*range(0x300, 0x2000), *range(0xA600, 0xAC00)), range(0x10A00, 0x12000))
)
_FLAGS = "\U0001f1e6-\U0001f1ff"
_EMOJI = "\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b05-\u2b55"
_SYMBOL = re.compile(f"[{_EMOJI}{_FLAGS}\U0001f000-\U0001faff]")
# Classes with characters beyond the first plane are slow and stand apart.
_RUNS = re.compile(
    rf"((?:(?=[\w{_MARKS}])[{_UNSPACED}]|[{_HAN_BEYOND}])+)"
    rf"|(?:(?![{_UNSPACED}_]|[{_HAN_BEYOND}])[\w{_MARKS}{MAY_E}{MAY_A}]|[{_RARE_MARKS}])+"
    rf"|[{_FLAGS}]{{1,2}}|[{_EMOJI}]|[\U0001f000-\U0001faff]"
)
#: Without a character of the first, the second finds the same, several times as fast.
_SPECIAL = re.compile(f"[_{_UNSPACED}{_MARKS}{_EMOJI}]|[\U00010000-\U0010ffff]")
_PLAIN = re.compile(rf"[\w{MAY_E}{MAY_A}]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, in order: its words in all their spellings.

    Words in spaced scripts; overlapping pairs of characters in Han, Kana, Hangul, Thai, Lao,
    Khmer and Myanmar, and a single character where it stands alone; emoji one by one.
    """
    return [token for word in spellings(text) for token in word]


def spellings(text: str) -> list[tuple[str, ...]]:
    """Return the words of a text, in order, each in all its spellings: `müller`, `mueller`.

    Two words are the same where they share a spelling.
    """
    found: list[tuple[str, ...]] = []
    for run, unspaced in _runs(text):
        if not unspaced:
            found.append(_spelt(run) if MAY_E in run or MAY_A in run else (run[:_LONGEST_WORD],))
        elif len(run) == 1:
            found.append((run,))
        else:
            found.extend((run[i : i + 2],) for i in range(len(run) - 1))
    return found


def says_something(text: str) -> bool:
    """Return whether a text has a letter, a digit or an emoji."""
    return any(map(str.isalnum, text)) or _SYMBOL.search(text) is not None


def spaced(text: str) -> str:
    """Return a text, composed, with spaces for all that is neither letter, digit nor mark."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        one if one.isalnum() or unicodedata.category(one)[0] == "M" else " " for one in composed
    )


def _spelt(word: str) -> tuple[str, ...]:
    plain = word.replace(MAY_E, "").replace(MAY_A, "")
    full = word.replace(MAY_E, "e").replace(MAY_A, "a")
    return tuple(dict.fromkeys((plain[:_LONGEST_WORD], full[:_LONGEST_WORD])))


def characters(text: str) -> list[str]:
    """Return the Han characters inside longer runs, each once, in order.

    A text is found by them where a question holds such a character alone (火, 雪), whose pairs
    in the text are other tokens. Questions themselves have only `tokens`.
    """
    inside = (run for run, unspaced in _runs(text) if unspaced and len(run) > 1)
    return list(dict.fromkeys(character for run in inside for character in _HAN.findall(run)))


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield stretches of letters, folded, and whether their script has no spaces."""
    folded = fold(text, LONGEST)
    if not _SPECIAL.search(folded):
        yield from ((run, False) for run in _PLAIN.findall(folded))
        return
    for match in _RUNS.finditer(folded):
        yield match.group(), match.group(1) is not None
