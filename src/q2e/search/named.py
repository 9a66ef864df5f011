"""Finds what names a question has in other scripts: by a table, and by how texts are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import numpy as np

from q2e.arrays import Int64
from q2e.query.elsewhere import elsewhere
from q2e.query.pinyin import families, people
from q2e.store.base import Searched
from q2e.text.folding import fold
from q2e.text.names import reading, word_grams

#: Texts that are read for one name, and ways of writing it that are kept, the most usual first.
_TEXTS, _FORMS = 200, 4
_HAN = re.compile("[\u3400-\u9fff]+")


def named(store: Searched, question: str) -> tuple[tuple[str, ...], ...]:
    """Return for each name in a question the names it has in other scripts."""
    told: dict[str, list[str]] = {}
    for family, given in people(question):
        told.setdefault(family, []).extend(_written(store, family, given))
    return (*elsewhere(question), *(tuple(dict.fromkeys(own)) for own in told.values() if own))


def _written(store: Searched, family: str, given: Sequence[str]) -> list[str]:
    """Return how texts write, in Han letters, a name that is read so."""
    counted: Counter[str] = Counter()
    size = 1 + len(given)
    for first in {reading(one) for one in families()[family]}:
        sounds = (first, *given)
        rows = _rows_read(store, sounds)[:_TEXTS]
        for one in store.evidence(rows.tolist()):
            for run in _HAN.findall(fold(one.text, len(one.text))):
                for start in range(len(run) - size + 1):
                    name = run[start : start + size]
                    if name[0] in families()[family] and tuple(map(reading, name)) == sounds:
                        counted[name] += 1
    return [name for name, _ in counted.most_common(_FORMS)]


def _rows_read(store: Searched, sounds: Sequence[str]) -> Int64:
    """Return the evidence in whose letter groups all neighbours of some sounds are."""
    grams = dict.fromkeys(
        gram for one, other in pairwise(sounds) for gram in word_grams(one + other)
    )
    found = (np.sort(store.lexical([gram])[0]) for gram in grams)
    return reduce(lambda kept, own: np.intersect1d(kept, own, assume_unique=True), found)
