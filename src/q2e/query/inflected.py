"""Names as sentences have them: `в Киеве` of Киев, `بالقاهرة` of القاهرة, `وموسكو` of موسكو.

Russian nouns take the ending of their case, Arabic words what is written together before them. Each
form is made by rule, of its last letters; a form that nobody writes finds nothing.
"""

from __future__ import annotations

import re

#: The last letters of a Russian name, and what takes their place in other cases (the singular).
_CASES = (
    ("ский", ("ского", "скому", "ским", "ском")),
    ("цкий", ("цкого", "цкому", "цким", "цком")),
    ("ная", ("ной", "ную")),
    ("ия", ("ии", "ию", "ией")),
    ("ка", ("ки", "ке", "ку", "кой")),
    ("га", ("ги", "ге", "гу", "гой")),
    ("а", ("ы", "е", "у", "ой")),
    ("я", ("и", "е", "ю", "ей")),
    ("й", ("я", "ю", "ем", "е")),
    ("ь", ("и", "ью", "я", "ю", "ем", "е")),
    ("ов", ("ова", "ову", "овым", "овом", "ове")),
    ("ев", ("ева", "еву", "евым", "евом", "еве")),
    ("ин", ("ина", "ину", "иным", "ине", "ином")),
)
_CONSONANT = ("а", "у", "ом", "е")
_CONSONANTS = frozenset("бвгджзклмнпрстфхцчшщ")
_CYRILLIC = re.compile("[а-яёА-ЯЁ-]+")
_ARABIC = re.compile("[\u0621-\u064a]+")
#: What is written together with an Arabic word before it: and, in, to.
_AND = "و"
_BEFORE = (_AND, "ب", "ل")
_ARTICLE = "ال"
#: Letters of the shortest name of which forms are made, or that forms are led back to.
_SHORTEST = 4


def inflected(name: str) -> tuple[str, ...]:
    """Return the other forms that a name of one word takes in sentences; none in other scripts."""
    if len(name) < _SHORTEST:
        return ()
    if _CYRILLIC.fullmatch(name):
        for ending, others in _CASES:
            if name.endswith(ending):
                stem = name.removesuffix(ending)
                return tuple(stem + other for other in others)
        return tuple(name + other for other in _CONSONANT) if name[-1] in _CONSONANTS else ()
    if _ARABIC.fullmatch(name):
        forms = [before + name for before in _BEFORE]
        if name.startswith(_ARTICLE):
            forms += ["لل" + name.removeprefix(_ARTICLE)]
        return tuple(forms)
    return ()


def dictionary_forms(word: str) -> tuple[str, ...]:
    """Return the words of which a word of a question may be a form, the likeliest first."""
    found: list[str] = []
    if _CYRILLIC.fullmatch(word):
        for ending, others in _CASES:
            found += [word.removesuffix(one) + ending for one in others if word.endswith(one)]
        found += [stem for one in _CONSONANT if (stem := word.removesuffix(one)) != word]
    elif _ARABIC.fullmatch(word) and word.startswith(_AND):
        # `in` and `to` stand before words far more often than before names (بالصور, للخبر).
        found.append(word.removeprefix(_AND))
    kept = (one for one in found if len(one) >= _SHORTEST and word in inflected(one))
    return tuple(dict.fromkeys(kept))
