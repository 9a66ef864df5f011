"""What of a question is a name, and how it may be written elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from q2e.query.knowledge import Knowledge
from q2e.text.names import latin_words, word_grams

#: Words from which a question is prose, in which capital letters tell names from other words.
_PROSE = 6
_ENDINGS = re.compile(r"(ings?|ed|es|ies|s|y)$")
_LATIN = re.compile(r"[^a-z0-9]+")


class Names:
    """Finds the names in questions: the words that the event knowledge base does not use.

    Vectors stand for the words it does use, and their letters would only find texts in the
    question's own language.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._general: dict[str, frozenset[str]] = {}

    def grams(self, text: str, language: str | None = None) -> list[str]:
        """Return the distinct letter groups of the names in a question, for BM25.

        Neighbouring names also count as one word, as Korean and Chinese write them, and places
        by all the names they have. `language` is the question's, English where it is None.
        """
        general = self._words(language or "en")
        words = latin_words(_names_of_prose(text))
        named = [word for word in words if not _is_in(word, general)]
        joined = [
            first + second
            for first, second in pairwise(words)
            if not any(word.isdigit() or _is_in(word, general) for word in (first, second))
        ]
        elsewhere = [word for name in places_elsewhere(text) for word in latin_words(name)]
        grams = [gram for word in (*named, *joined, *elsewhere) for gram in word_grams(word)]
        return list(dict.fromkeys(grams))

    def _words(self, language: str) -> frozenset[str]:
        if language not in self._general:
            words = {
                word
                for text in _texts(self._knowledge, language)
                for word in latin_words(text)
                if not word.isdigit()
            }
            self._general[language] = frozenset(words | {_stem(word) for word in words})
        return self._general[language]


def places_elsewhere(text: str) -> list[str]:
    """Return the names in other languages of the places that a question names in English."""
    spaced = f" {_LATIN.sub(' ', text.lower())} "
    found: list[str] = []
    for english, others in _places():
        if f" {english} " in spaced:
            found += others
    return list(dict.fromkeys(found))


def _names_of_prose(text: str) -> str:
    words = text.split()
    names = [word for word in words if word[:1].isupper() or word[:1].isdigit()]
    return " ".join(names) if len(words) >= _PROSE and names else text


def _is_in(word: str, general: frozenset[str]) -> bool:
    return not word.isdigit() and (word in general or _stem(word) in general)


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > 4 else word


def _texts(knowledge: Knowledge, language: str) -> Iterator[str]:
    for questions in knowledge.banks.get(language, {}).values():
        yield from questions
    yield from knowledge.plain.get(language, ())
    for event_type in knowledge.types:
        if language == "en":
            yield event_type.id.replace("_", " ")
        yield from (
            words[language]
            for words in (event_type.name, event_type.definition)
            if language in words
        )
        for said in event_type.phrases.values():
            yield from said.get(language, ())


@lru_cache(maxsize=1)
def place_names() -> tuple[str, ...]:
    """Return the names of countries and cities in every language; from the Unicode CLDR."""
    return tuple(dict.fromkeys(name for row in _rows() for names in row.values() for name in names))


def _rows() -> list[dict[str, list[str]]]:
    content = resources.files("q2e").joinpath("data", "slots.json").read_text(encoding="utf-8")
    rows: list[dict[str, list[str]]] = json.loads(content)["places"]
    return rows


@lru_cache(maxsize=1)
def _places() -> list[tuple[str, list[str]]]:
    """Return (English name, names in other languages) of places; from the Unicode CLDR."""
    return [
        (
            " ".join(_LATIN.sub(" ", english.lower()).split()),
            [name for code, names in row.items() if code != "en" for name in names],
        )
        for row in _rows()
        for english in row.get("en", ())
        if len(english) > 3
    ]
