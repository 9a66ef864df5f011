"""Which language a text is in: scripts decide where they can, statistics where they must."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from importlib import resources
from threading import Lock
from typing import Any

from q2e.text.forms import normalised

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
#: A character of these scripts says as much as three Latin letters.
_DENSE_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_CYRILLIC = "абвгдежзиклмнопрстуфхцчш"
_ARABIC = "ءآأؤئابتثجحخدذرزسشصضطظعغفقكلمنهو"
#: Letters of each language that shares a script; a text with another letter is not in it.
_ALPHABETS = {
    "CYRILLIC": {
        "ru": _CYRILLIC + "йщъыьэюяё",
        "uk": _CYRILLIC + "йщьюяґєії",
        "bg": _CYRILLIC + "йщъьюя",
        "sr": _CYRILLIC + "ђјљњћџ",
    },
    "ARABIC": {
        "ar": _ARABIC + "إةىي",
        "fa": _ARABIC + "ةپچژکگیي",
        "ur": _ARABIC + "ةپچژکگیٹڈڑںھہۂۃےۓ",
    },
}
#: Languages told apart by statistics.
_KNOWN = {
    "LATIN": [
        *("ca", "cs", "da", "de", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "it", "lt"),
        *("lv", "nl", "no", "pl", "pt", "ro", "sk", "sl", "sv", "tr", "vi"),
    ],
    "CYRILLIC": list(_ALPHABETS["CYRILLIC"]),
    "ARABIC": list(_ALPHABETS["ARABIC"]),
    "DEVANAGARI": ["hi", "mr", "ne"],
}
#: How much more often than the others of its script a language is met.
_PRIOR = {"en": 4.0, "ru": 8.0, "ar": 4.0, "hi": 8.0}
#: The same of short texts with a common word.
_SPOKEN = {"de": 2.0, "es": 2.0, "fr": 2.0}
_SPOKEN |= dict.fromkeys(("ca", "et", "hr", "lt", "lv", "no", "sk", "sl"), 0.5)
#: Least probability of a language, and least number of letters, to name it.
_SURE, _PLAINLY = 0.5, 0.45
_SHORTEST = 4
#: Statistics of letters are poor in texts of so few words: common words tell more there, an
#: article (the first so many of a language) more than another, and one of a single language most.
_FEW, _ARTICLES, _ARTICLE, _OTHER, _ONE = 8, 10, 12.0, 6.0, 40.0
_LONGEST = 600
#: Written in Latin letters in every language: addresses of the web and of mail, names of accounts
#: and of topics.
_ADDRESS = re.compile(
    r"\b(?:https?://|www\.)\S+|\S*@\S+|#\w+|\b(?:[a-z0-9-]+\.)+[a-z]{2,6}\b(?:/\S*)?",
    re.ASCII | re.IGNORECASE,
)
_lock = Lock()


def scripts(text: str) -> Counter[str]:
    """Return how many letters of each script a text has, by the first word of their names."""
    letters = (c for c in normalised("NFKC", text[:_LONGEST]) if c.isalpha())
    return Counter(unicodedata.name(c, "UNKNOWN").split(" ")[0] for c in letters)


def detect(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's main language, or None rather than a guess."""
    # Cut before too: a text of many pages is not searched for addresses.
    plain = _ADDRESS.sub(" ", text[: 4 * _LONGEST])
    text = plain if any(map(str.isalpha, plain)) else text
    found = scripts(text)
    for script in _DENSE_SCRIPTS:
        found[script] *= 3
    total = found.total()
    if not total:
        return None
    if (found["HIRAGANA"] + found["KATAKANA"]) * 10 > total:
        return "ja"
    script, count = found.most_common(1)[0]
    if count * 2 < total:
        return None
    if script == "CJK":
        return "zh"
    if script in _SCRIPT_LANGUAGE:
        return _SCRIPT_LANGUAGE[script]
    if script not in _KNOWN or count < _SHORTEST:
        return None
    return _likeliest(text[:_LONGEST], script)


def _likeliest(text: str, script: str) -> str | None:
    possible = set(_KNOWN[script])
    if script in _ALPHABETS:
        alphabets = _ALPHABETS[script]
        letters = {c for c in text.lower() if unicodedata.name(c, "").startswith(script)}
        letters = {c for c in letters if c.isalpha() and c != "\u0640"}
        possible = {name for name in possible if letters <= set(alphabets[name])}
    if len(possible) == 1:
        return possible.pop()
    # Words of another script would be ranked among the languages of that one.
    own = "".join(c if unicodedata.name(c, "").startswith(script) else " " for c in text)
    with _lock:
        ranked = _identifier().rank(" ".join(own.split()))
    told = _told(own)
    shares = {
        str(name): float(share) * told.get(str(name), 1.0)
        for name, share in ranked
        if name in possible
    }
    weighted = {name: share * _PRIOR.get(name, 1.0) for name, share in shares.items()}
    # Where the text itself speaks for one language and the prior turns it over, none is sure.
    found = _sure(weighted)
    return found if _sure(shares, _PLAINLY) in (found, None) else None


def _told(text: str) -> dict[str, float]:
    """Return how many times likelier each language is by the common words of a short text."""
    words = text.split()
    if len(words) > _FEW:
        return {}
    by_word = _telling_words()
    telling = [by_word.get(word.lower(), {}) for word in words]
    factors: dict[str, float] = {}
    for weights in telling:
        for name, weight in weights.items():
            factors[name] = factors.get(name, 1.0) * weight
    # German alone writes a noun after its article with a capital letter.
    if any(
        "de" in weights and word.islower() and after.istitle()
        for weights, word, after in zip(telling, words, words[1:], strict=False)
    ):
        factors["de"] *= _ARTICLE
    if factors:
        factors |= {name: factors.get(name, 1.0) * more for name, more in _SPOKEN.items()}
    return factors


def _sure(shares: dict[str, float], least: float = _SURE) -> str | None:
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best and shares[best] >= least * sum(shares.values()) else None


@cache
def _telling_words() -> dict[str, dict[str, float]]:
    """Return how many times likelier each language is by a word that it has."""
    text = resources.files("q2e").joinpath("data", "telling_words.txt").read_text("utf-8")
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for line in text.splitlines():
        if not line.startswith("#"):
            name, *words = line.split()
            for place, word in enumerate(words):
                found[word].setdefault(name, _ARTICLE if place < _ARTICLES else _OTHER)
    for weights in found.values():
        if len(weights) == 1:
            weights.update(dict.fromkeys(weights, _ONE))
    return found


@cache
def _identifier() -> Any:
    from q2e.text.identifier import identifier

    return identifier([name for names in _KNOWN.values() for name in names])
