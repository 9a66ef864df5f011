"""Names as other scripts write them: Jack Ma and 马云, Moscow and Москва; from a table.

A table knows what letters do not tell: 马云 is read Ma Yun (`q2e.text.names` knows that). It
is made of CC-CEDICT and GeoNames by `scripts/build_names.py`; each line is a key, a tab and the
names it has elsewhere, sorted by key.
"""

from __future__ import annotations

import gzip
import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

from q2e.query.inflected import dictionary_forms, inflected
from q2e.text.folding import MAY_A, MAY_E, fold
from q2e.text.tokens import tokens

#: Words of the longest name in a spaced script, and signs of one in a script without spaces.
_WORDS, _SIGNS = 5, 8
_LONGEST = 300
#: Other names of one that are asked for.
_EACH = 48
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")
#: What may follow a name in a Korean word. 이 is also the end of nouns: 고양이 is no city.
_PARTICLES = ("", "에서", "에", "의", "은", "는", "을", "를", "로", "으로", "까지", "부터")
_SEPARATE = re.compile(r"[^\w\u0300-\u036f\u064b-\u0652\u0900-\u097f\u0e00-\u0e7f]+")


def key_of(name: str) -> str:
    """Return what a name is looked up by: its words in one spelling, in small letters."""
    folded = fold(name, _LONGEST).replace(MAY_E, "").replace(MAY_A, "")
    return " ".join(_SEPARATE.sub(" ", folded).split())


def elsewhere(text: str) -> tuple[tuple[str, ...], ...]:
    """Return for each name in a question the names it has in other scripts, longest names first.

    Where a question has capital letters a name has one; one without any may be all names.
    """
    words = [(word, key_of(word)) for word in _SEPARATE.sub(" ", text[:_LONGEST]).split()]
    words = [(word, key) for word, key in words if key]
    cased = any(map(str.isupper, text[:_LONGEST]))
    found: dict[str, tuple[str, ...]] = {}
    taken: set[int] = set()
    for length in range(min(_WORDS, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            place = range(start, start + length)
            said = [words[number][0] for number in place]
            if not taken.isdisjoint(place) or (cased and all(map(_small, said))):
                continue
            key = " ".join(words[number][1] for number in place)
            if names := _names(key) or _of_form(said, key):
                found[key] = names
                taken.update(place)
    for number, (_, key) in enumerate(words):
        if number not in taken and _UNSPACED.search(key):
            found.update(_inside(key))
    return tuple(found.values())


def _of_form(said: list[str], key: str) -> tuple[str, ...]:
    """Return the names of a word as a sentence has it: Москве, بالقاهره; none of a small one."""
    if len(said) > 1 or _small(said[0]) or said[0].isascii():
        return ()
    return next((names for one in dictionary_forms(key) if (names := _names(one))), ())


def _small(word: str) -> bool:
    return word[:1].islower()


def sought(named: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of all other names of each name, and those of the shortest ones.

    A text that holds the shortest form of each name covers the names of the question.
    """
    every: dict[str, None] = {}
    shortest: list[str] = []
    for names in named:
        spelt = [tuple(dict.fromkeys(tokens(name))) for name in names]
        every |= dict.fromkeys(word for one in spelt for word in one)
        shortest += sorted(spelt, key=len)[0] if spelt else ()
    return tuple(every), tuple(shortest)


def _inside(word: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the names inside a run of signs without spaces, the longest that begin earliest.

    In Korean, whose words have spaces, a word without its particle: 서울에서.
    """
    found, place = [], 0
    korean = "가" <= word[0] <= "힣"
    while place < (1 if korean else len(word) - 1):
        for length in range(min(_SIGNS, len(word) - place), 1, -1):
            part = word[place : place + length]
            if korean and word[length:] not in _PARTICLES:
                continue
            if names := _names(part):
                found.append((part, names))
                place += length
                break
        else:
            place += 1
    return found


def _names(key: str) -> tuple[str, ...]:
    """Return the names of a key, with the forms they take in sentences after them.

    Of a key in another script also those of its Latin name.
    """
    own = _line(key)
    if own and not key.isascii():
        own = (*own, *(name for latin in own[:2] for name in _line(key_of(latin))))
    others = [name for name in dict.fromkeys(own) if key_of(name) != key][:_EACH]
    forms = [form for name in others for form in inflected(name)]
    return tuple(dict.fromkeys((*others, *forms)))


def _line(key: str) -> tuple[str, ...]:
    lines = _table()
    place = bisect_left(lines, f"{key}\t")
    if place < len(lines) and lines[place].startswith(f"{key}\t"):
        return tuple(lines[place].partition("\t")[2].split("|"))
    return ()


@lru_cache(maxsize=1)
def _table() -> list[str]:
    packed = resources.files("q2e").joinpath("data", "names.txt.gz").read_bytes()
    return gzip.decompress(packed).decode("utf-8").splitlines()
