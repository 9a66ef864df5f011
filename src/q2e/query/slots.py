"""Finds the time, place and subject that a question states, without a model and without guessing.

Everything returned is a piece of the question itself, except the English names of places, which
are looked up. The names of months, countries and cities come from the Unicode CLDR
(`data/slots.json`, written by `scripts/slot_words.py`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from q2e.text.forms import normalised


@dataclass(frozen=True, slots=True)
class Slots:
    """What a question says of its event; `place_english` holds names for `place`, where known."""

    time: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    place_english: tuple[str, ...] = ()


#: Scripts written without spaces, where names are found as parts of longer strings.
_UNSPACED = ("ja", "th", "zh")
_LATIN = ("en", "de", "es", "fr")
_BY_SCRIPT: Mapping[str, tuple[str, ...]] = {
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
    "HANGUL": ("ko",),
    "CJK": ("zh", "ja"),
    "ARABIC": ("ar",),
    "CYRILLIC": ("ru",),
    "DEVANAGARI": ("hi",),
    "THAI": ("th",),
}
#: Names that are ordinary words when written small.
_ORDINARY = frozenset(
    {"central", "chad", "china", "easter", "georgia", "guinea", "jersey", "jordan", "man"}
    | {"mobile", "nome", "oral", "peru", "reunion", "sun", "troll", "turkey"}
)
_BEFORE = {"ar": r"(?:[وفبلك]|ال|وال|بال|لل|فال)?", "ru": ""}
_AFTER = {
    "ar": "",
    "de": "s?",
    "ko": r"(?:에서|에게|에서의|에|의|은|는|이|가|을|를|과|와|도|으로|로)?",
    "ru": r"[а-яё]{0,3}",
}
#: Endings that the name of a month may take.
_MAY_END = {"ru": r"\w{0,2}"}
_NUMBER_YEAR = r"(?<!\d)(?:1[4-9]\d\d|20\d\d)(?!\d)"
_EAST_ASIAN = (
    r"\d{2,4}\s*[年년](?:\s*\d{1,2}\s*[月월](?:\s*\d{1,2}\s*[日일])?)?"
    r"|(?<!\d)\d{1,2}\s*[月월]\s*\d{1,2}\s*[日일]"
)
_NUMERIC = r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?!\d)"
_THAI_YEAR = r"(?:พ\.?\s?ศ\.?\s?|ค\.?\s?ศ\.?\s?|ปี\s?)\d{4}"
_PREPOSITIONS = frozenset(
    {
        "in",
        "at",
        "near",
        "from",
        "bei",
        "aus",
        "nach",
        "en",
        "cerca",
        "de",
        "à",
        "au",
        "aux",
        "près",
    }
    | {"в", "во", "на", "из", "около", "под", "возле"}
)
_CAPITAL = "[A-ZÀ-ÖØ-ÞА-ЯЁ]"
_CAPITAL_RUN = re.compile(
    rf"(?<![\w]){_CAPITAL}[\w'’.-]*"
    rf"(?:\s+(?:(?:of|the|de|la|von|der|and|&)\s+)?(?={_CAPITAL})[\w'’.-]+)*"
)
_QUOTED = re.compile(r"[\"“«「『《‘]([^\"”»」』》’]{2,60})[\"”»」』》’]")


@lru_cache(maxsize=64)
def find_slots(text: str, language: str | None = None) -> Slots:
    """Return the time, place and subject stated in `text`; `language` narrows the words tried."""
    text = normalised("NFC", text)
    western = _western_digits(text)
    times = _spans(_time_pattern(western), western)
    places = _places(text, language, times)
    taken = times + [(start, end) for start, end, _ in places]
    after, subjects = _capitalised(text, taken, language)
    quoted = [match.group(1).strip() for match in _QUOTED.finditer(text)]
    return Slots(
        time=_distinct(_pieces(text, times)),
        place=_distinct([text[start:end] for start, end, _ in places] + after),
        subject=_distinct(quoted + subjects),
        place_english=_distinct([english for _, _, english in places]),
    )


def _western_digits(text: str) -> str:
    """Return `text` with every digit in any script as 0-9; no character moves."""
    return "".join(
        str(unicodedata.digit(letter)) if letter.isdigit() and not letter.isascii() else letter
        for letter in text
    )


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    file = resources.files("q2e") / "data" / "slots.json"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def month_names() -> Mapping[str, list[list[str]]]:
    """Return by language the names of the twelve months, each in its forms."""
    found: Mapping[str, list[list[str]]] = _words()["months"]
    return found


@lru_cache(maxsize=1)
def _months() -> tuple[tuple[str, str], ...]:
    """Return the names of months, the longest pattern first: as they are found, and the pattern."""
    months = {
        (form.casefold(), re.escape(form) + _MAY_END.get(language, "") * (len(form) > 3))
        for language, forms in _words()["months"].items()
        if language not in ("ja", "ko", "zh")
        for names in forms
        for form in names
        if len(form) > 2
    }
    return tuple(sorted(months, key=lambda one: len(one[1]), reverse=True))


def _time_pattern(text: str) -> re.Pattern[str]:
    """Return what finds the times in a text."""
    within = _folded(text)
    named = dict.fromkeys(pattern for key, pattern in _months() if _is_in(key, within))
    return _time_pattern_of(tuple(named))


@lru_cache(maxsize=64)
def _time_pattern_of(months: tuple[str, ...]) -> re.Pattern[str]:
    plain = rf"{_NUMBER_YEAR}(?:\s*[–-]\s*{_NUMBER_YEAR})?"
    if not months:
        return re.compile("|".join((_EAST_ASIAN, _NUMERIC, _THAI_YEAR, plain)), re.IGNORECASE)
    month = "(?:" + "|".join(months) + ")"
    day = r"(?:\d{1,2}(?:st|nd|rd|th|\.|er)?\s+(?:de\s+)?)?"
    # A month counts only beside a number: "March 2011", "11 de marzo", but not "people march".
    with_year = rf"\b{day}{month}\.?,?\s+(?:\d{{1,2}},?\s+)?(?:de\s+|г\.\s*)?{_NUMBER_YEAR}"
    with_day = rf"\b\d{{1,2}}(?:st|nd|rd|th|\.|er)?\s+(?:de\s+)?{month}\b|\b{month}\s+\d{{1,2}}\b"
    whole = "|".join((_EAST_ASIAN, _NUMERIC, _THAI_YEAR, with_year, with_day, plain))
    return re.compile(whole, re.IGNORECASE)


def _folded(text: str) -> tuple[str, str]:
    """Return a text as names are looked for in it, whatever their case.

    The dotted and the dotless i are one letter to regular expressions and two to `casefold`.
    """
    return text.casefold(), text.replace("İ", "i").replace("ı", "i").casefold()


def _is_in(key: str, folded: tuple[str, str]) -> bool:
    return key in folded[0] or key in folded[1]


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


@lru_cache(maxsize=16)
def _place_names(language: str) -> Mapping[str, str]:
    """Return the English names of places by their names in a language, as they are found."""
    english: dict[str, str] = {}
    for row in _words()["places"]:
        for name in row.get(language, ()):
            if len(name) < 2 or name.casefold() in english:
                continue
            stem = name.rstrip("аеёиоуыэюяйь") if language == "ru" else name
            key = (stem if len(stem) > 3 else name).casefold()
            english.setdefault(key, row["en"][0])
    return english


def _place_pattern(language: str, text: str) -> re.Pattern[str] | None:
    """Return what finds the places named in a text, None where there are none.

    A pattern of all names there are would take longer to make than a search.
    """
    within = _folded(text)
    return _pattern_of(language, tuple(k for k in _place_names(language) if _is_in(k, within)))


@lru_cache(maxsize=256)
def _pattern_of(language: str, names: tuple[str, ...]) -> re.Pattern[str] | None:
    if not names:
        return None
    alternatives = sorted(map(re.escape, names), key=len, reverse=True)
    body = f"({'|'.join(alternatives)})"
    if language not in _UNSPACED:
        before, after = _BEFORE.get(language, ""), _AFTER.get(language, "")
        body = rf"(?<![^\W_]){before}{body}{after}(?![^\W_])"
    return re.compile(body, re.IGNORECASE)


def _places(
    text: str, language: str | None, taken: list[tuple[int, int]]
) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    known = _words()["months"]
    spans = list(taken)
    own = (language,) if language in known else languages_by_script(text)
    for candidate in dict.fromkeys((*own, "en")):
        pattern, english = _place_pattern(candidate, text), _place_names(candidate)
        for match in pattern.finditer(text) if pattern else ():
            start, end = match.span(1)
            name = match.group(1)
            small = name == name.lower() and name.casefold() in _ORDINARY
            if not small and not _overlaps(start, end, spans):
                named = next((english[one] for one in _folded(name) if one in english), name)
                # Keep the ending of an inflected name, as it is the user's own word.
                stop = match.end() if candidate == "ru" else end
                found.append((start, stop, named))
                spans.append((start, stop))
    return sorted(found)


def languages_by_script(text: str) -> tuple[str, ...]:
    """Return our languages that are written in the script of `text`, to choose word lists by."""
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha()}
    return next((found for script, found in _BY_SCRIPT.items() if script in names), _LATIN)


def _capitalised(
    text: str, taken: list[tuple[int, int]], language: str | None
) -> tuple[list[str], list[str]]:
    """Return runs of capitalised words: those after a preposition of place, and the others.

    A capital at the very start says nothing, nor do capitals in German, where nouns have them;
    there, and where the language is unknown, a name needs two words.
    """
    places: list[str] = []
    subjects: list[str] = []
    for match in _CAPITAL_RUN.finditer(text):
        start, end = match.span()
        if _overlaps(start, end, taken):
            continue
        run = re.sub(r"['’]s$", "", match.group()).strip(" .,'’-")
        before = text[:start].split()
        long_run = len(run.split()) > 1 or (run.isupper() and len(run) > 1)
        if before and before[-1].casefold() in _PREPOSITIONS and (language != "de" or long_run):
            places.append(run)
        elif long_run or (before and language not in (None, "de")):
            subjects.append(run)
    return places, subjects


def _overlaps(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(start < stop and begin < end for begin, stop in spans)


def _pieces(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end].strip() for start, end in spans]


def _distinct(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
