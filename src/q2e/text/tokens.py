"""Lexical tokens of text in any script, the same for questions and for what is indexed."""

from __future__ import annotations

import re
import unicodedata

#: Characters of one text that are read; what is longer is not a text but a file.
LONGEST = 200_000

_ARABIC_MARKS = re.compile("[\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_ARABIC_FORMS = str.maketrans("أإآٱىةؤئکی", "ااااىهويكي".replace("ى", "ي"))
# Scripts written without spaces between words, or whose words carry endings without a space.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Kana, Han
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\U00020000-\U0003134f"  # Hangul, Han extensions
)
_RUNS = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[\w\u0900-\u0dff\u200c\u200d])+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, in order.

    NFKC and casefolded. Words in spaced scripts; overlapping pairs of characters in Han, Kana,
    Hangul, Thai, Lao, Khmer and Myanmar, and a single character where it stands alone.
    """
    folded = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    folded = unicodedata.normalize("NFC", folded)
    folded = _ARABIC_MARKS.sub("", folded).translate(_ARABIC_FORMS)
    found: list[str] = []
    for match in _RUNS.finditer(folded):
        run = match.group()
        if not _IS_UNSPACED.match(run):
            word = run.strip("_\u200c\u200d")
            if word:
                found.extend(part for part in word.split("_") if part)
        elif len(run) == 1:
            found.append(run)
        else:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return found
