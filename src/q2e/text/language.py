"""Which language a text is in: scripts decide where they can, statistics where they must."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from threading import Lock
from typing import Any

from q2e.errors import MissingDependency

#: Scripts that stand for one language here; the others are shared by several.
_SCRIPT_LANGUAGE = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
}
_LANGUAGES = [
    "ENGLISH",
    "SPANISH",
    "FRENCH",
    "GERMAN",
    "ITALIAN",
    "PORTUGUESE",
    "DUTCH",
    "POLISH",
    "CZECH",
    "SWEDISH",
    "DANISH",
    "FINNISH",
    "TURKISH",
    "HUNGARIAN",
    "ROMANIAN",
    "INDONESIAN",
    "VIETNAMESE",
    "RUSSIAN",
    "UKRAINIAN",
    "BULGARIAN",
    "SERBIAN",
    "ARABIC",
    "PERSIAN",
    "URDU",
    "HINDI",
    "MARATHI",
]
#: Least distance between the two most likely languages.
_CLEAR = 0.25
_LONGEST = 600
_lock = Lock()


def scripts(text: str) -> Counter[str]:
    """Return how many letters of each script a text has, by the first word of their names."""
    letters = (c for c in text[:_LONGEST] if c.isalpha())
    return Counter(unicodedata.name(c, "UNKNOWN").split(" ")[0] for c in letters)


def detect(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's main language, or None rather than a guess."""
    found = scripts(text)
    if not found:
        return None
    total = found.total()
    if (found["HIRAGANA"] + found["KATAKANA"]) * 10 > total:
        return "ja"
    script, count = found.most_common(1)[0]
    if count * 2 < total:
        return None
    if script == "CJK":
        return "zh"
    if script in _SCRIPT_LANGUAGE:
        return _SCRIPT_LANGUAGE[script]
    if script not in ("LATIN", "CYRILLIC", "ARABIC", "DEVANAGARI"):
        return None
    with _lock:
        language = _detector().detect_language_of(text[:_LONGEST])
    return None if language is None else str(language.iso_code_639_1.name).lower()


@cache
def _detector() -> Any:
    try:
        from lingua import Language, LanguageDetectorBuilder
    except ImportError as error:
        raise MissingDependency(
            "lingua-language-detector", "local", "telling languages apart"
        ) from error
    known = [getattr(Language, name) for name in _LANGUAGES]
    builder = LanguageDetectorBuilder.from_languages(*known)
    # The full models take 15 s to load and tell short texts apart hardly better.
    return builder.with_low_accuracy_mode().with_minimum_relative_distance(_CLEAR).build()
