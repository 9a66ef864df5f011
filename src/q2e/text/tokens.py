"""Lexical tokens of text in any script, the same for questions and for what is indexed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: Characters of one text that are read; what is longer is not a text but a file.
LONGEST = 200_000
#: Characters of one word that tell it apart from others.
_LONGEST_WORD = 64

# Scripts written without spaces between words, or whose words carry endings without a space.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Kana, Han
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\U00020000-\U0003134f"  # Hangul, Han extensions
)
# `\w` knows no combining marks, without which Hindi and Thai fall apart.
_MARKS = "".join(
    character
    for character in map(chr, range(0x300, 0x2000))
    if unicodedata.category(character).startswith("M")
)
_RUNS = re.compile(rf"((?:(?=[\w{_MARKS}])[{_UNSPACED}])+)|(?:(?![{_UNSPACED}_])[\w{_MARKS}])+")

# Characters that readers do not see, and marks that writers of Arabic and Hebrew leave out.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0640\u064b-\u065f\u0670\u06d6-\u06ed]"
)
# Letters that are written one for the other: alef, ya, waw, kaf and ta forms; Turkish i; yo.
_SAME = str.maketrans("أإآٱىیئؤکةıё", "ااااييي" + "وكهiе")
# Marks over and under Latin letters, which askers leave out: México, Łódź, Đà Lạt.
_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_STROKES = str.maketrans({"ł": "l", "đ": "d", "ð": "d", "ø": "o", "ħ": "h", "ŧ": "t"})
_STROKES |= str.maketrans({"æ": "ae", "œ": "oe", "þ": "th"})
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, in order.

    NFKC, casefolded, Latin letters without their accents. Words in spaced scripts; overlapping
    pairs of characters in Han, Kana, Hangul, Thai, Lao, Khmer and Myanmar, and a single character
    where it stands alone.
    """
    found: list[str] = []
    for run, unspaced in _runs(text):
        if not unspaced:
            found.append(run[:_LONGEST_WORD])
        elif len(run) == 1:
            found.append(run)
        else:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return found


def characters(text: str) -> list[str]:
    """Return the Han characters inside longer runs, each once, in order.

    A text is found by them where a question holds such a character alone (火, 雪), whose pairs
    in the text are other tokens. Questions themselves have only `tokens`.
    """
    inside = (run for run, unspaced in _runs(text) if unspaced and len(run) > 1)
    return list(dict.fromkeys(character for run in inside for character in _HAN.findall(run)))


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield stretches of letters, folded, and whether their script has no spaces."""
    for match in _RUNS.finditer(_folded(text)):
        yield match.group(), match.group(1) is not None


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST].casefold()
    apart = unicodedata.normalize("NFD", folded).translate(_STROKES)
    folded = unicodedata.normalize("NFC", _ACCENTS.sub("", apart))
    return _UNSEEN.sub("", folded).translate(_SAME)
