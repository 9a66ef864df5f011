"""Tells questions about an event from plain ones, at a stated rate of error.

A logistic regression on the vector of a question, on how near it lies to the words of the knowledge
base, and on whether it states a time, place or name. It is fitted to every second row of the lists
in `data/events/reading` (names of events; nouns, things that are seen or said, and everyday
questions) and to the knowledge base itself; the other rows are what the stated rates were measured
on. The weights in the space of the `local` profile come with the package; for another encoder they
are fitted once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.cache import ARRAY, ResultCache, fingerprint
from q2e.query.slots import find_slots

#: Log-odds above which a question is one about an event: at most 2 in 100 plain ones are above.
LEVEL = 1.5
#: Changes when features or the fit do.
VERSION = 2
_RIDGE = 3e-4
#: How much more a plain sentence, and a name in English alone, counts in the fit than a noun.
_SENTENCE, _ENGLISH = 6.0, 3.0
#: Source of the questions and words of the knowledge base.
KNOWN = "known"
_NEAREST = 3
_YEARS = re.compile(r"พ\.ศ\.\s*\d+|[()（）]|年|년")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question of the lists; `row` tells which half it is in, `weight` how much it counts."""

    source: str
    language: str
    text: str
    event: bool
    row: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Vectors (n, d) of the words a question is compared with; `types` (n,), -1 where plain."""

    vectors: Float32
    types: Int64

    def near(self, query: Float32) -> Float64:
        """Return (3,) the best type's advantage over plain words, its nearness, and its lead.

        A type's nearness is the mean cosine of its three nearest words.
        """
        cosines = (self.vectors @ query).astype(np.float64)
        # A question that is one of the words says nothing by lying near itself.
        cosines[cosines > 0.9999] = -1.0
        kinds, means = means_of_best(cosines, self.types)
        plain = float(means[kinds < 0].sum())
        best = np.sort(means[kinds >= 0])[::-1]
        return np.array([best[0] - plain, best[0], best[0] - best[1]])


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Fitted weights: `centre` (d,) of vectors, `mean` and `deviation` (3,) of what is near."""

    weights: Float64
    centre: Float64
    mean: Float64
    deviation: Float64

    def level(self, text: str, language: str | None, query: Float32, anchors: Anchors) -> float:
        """Return the log-odds that a question is about an event."""
        near = anchors.near(query)
        row = features(query[None], near[None], [(text, language)], self)[0]
        return float(row @ self.weights[:-1] + self.weights[-1])

    def packed(self) -> Float32:
        """Return all numbers as one row, for keeping."""
        whole = np.concatenate((self.weights, self.centre, self.mean, self.deviation))
        return whole.astype(np.float32)

    @classmethod
    def unpacked(cls, row: Float32) -> Reading:
        """Return what `packed` was made from. Raises ValueError for another length."""
        size = (len(row) - 6 - 7 - 1) // 2
        if row.ndim != 1 or len(row) != 2 * size + 14:
            raise ValueError(f"{row.shape} numbers are no reading")
        parts = np.split(row.astype(np.float64), np.cumsum([size + 8, size, 3]))
        return cls(*parts)


def features(
    vectors: Float32, near: Float64, asked: Sequence[tuple[str, str | None]], reading: Reading
) -> Float64:
    """Return (n, d + 7) what questions are judged by, on scales that a ridge treats alike."""
    stated = np.array([_stated(text, language) for text, language in asked], dtype=np.float64)
    return np.hstack(
        (
            10.0 * (vectors.astype(np.float64) - reading.centre),
            2.0 * stated.reshape(-1, 4),
            2.0 * (near - reading.mean) / reading.deviation,
        )
    )


def _stated(text: str, language: str | None) -> tuple[bool, ...]:
    slots = find_slots(text, language)
    said = (bool(slots.time), bool(slots.place), bool(slots.subject))
    return (*said, any(said))


def fit(asked: Sequence[Labelled], vectors: Float32, anchors: Callable[[str], Anchors]) -> Reading:
    """Return weights fitted to questions with their vectors (n, d).

    `anchors` gives what questions in a language are compared with. Both classes count alike: a
    ridge regression of the log-odds, by Newton's method.
    """
    near = np.array([anchors(one.language).near(v) for one, v in zip(asked, vectors, strict=True)])
    words = np.array([one.source == KNOWN for one in asked])
    start = Reading(
        np.zeros(0),
        vectors[words].mean(axis=0, dtype=np.float64),
        near[words].mean(axis=0),
        near[words].std(axis=0),
    )
    rows = features(vectors, near, [(one.text, one.language) for one in asked], start)
    event = np.array([one.event for one in asked], dtype=np.float64)
    weight = np.array([one.weight for one in asked])
    weight[event == 1] *= weight[event == 0].sum() / weight[event == 1].sum()
    return replace(start, weights=_logistic(rows, event, weight))


def _logistic(rows: Float64, event: Float64, weight: Float64, rounds: int = 30) -> Float64:
    """Return (d + 1,) the weights, the last of them constant, of a ridge logistic regression."""
    table = np.hstack((rows, np.ones((len(rows), 1))))
    share = weight / weight.sum()
    ridge = np.full(table.shape[1], 2 * _RIDGE)
    ridge[-1] = 0.0
    found = np.zeros(table.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(table @ found, -40, 40)))
        slope = table.T @ (share * (chance - event)) + ridge * found
        bend = (table * (share * chance * (1 - chance))[:, None]).T @ table + np.diag(ridge)
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
        found -= step
        if np.abs(step).max() < 1e-6:
            break
    return found


def means_of_best(values: Float64, kinds: Int64, count: int = _NEAREST) -> tuple[Int64, Float64]:
    """Return the kinds (k,) there are of (n,) values, and the mean of the largest of each."""
    order = np.lexsort((-values, kinds))
    own, sorted_values = kinds[order], values[order]
    starts = np.flatnonzero(np.append(True, own[1:] != own[:-1])[: len(own)])
    sizes = np.diff(np.append(starts, len(own)))
    place = np.arange(len(own)) - np.repeat(starts, sizes)
    sums = np.bincount(np.repeat(np.arange(len(starts)), sizes), sorted_values * (place < count))
    return own[starts], np.asarray(sums / np.minimum(sizes, count), np.float64)


# -- lists --------------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def examples() -> tuple[Labelled, ...]:
    """Return all questions of the lists; even rows are fitted to, odd ones judge the fit."""
    found = list(_listed("names.tsv", True))
    found += [
        Labelled("bare", one.language, bare, True, one.row)
        for one in found
        if (bare := _without_year(one.text, one.language)) not in ("", one.text)
    ]
    found += [
        Labelled("small", one.language, one.text.lower(), True, one.row)
        for one in found
        if one.text.lower() != one.text
    ]
    for one in _listed("names_en.tsv", True, _ENGLISH):
        small = Labelled("english", one.language, one.text.lower(), True, one.row, _ENGLISH)
        found += [Labelled("english", one.language, one.text, True, one.row, _ENGLISH), small]
    found += _listed("nouns.tsv", False)
    found += _listed("plain.tsv", False, _SENTENCE)
    found += _listed("asked.tsv", False, _SENTENCE)
    return tuple(found)


def _listed(name: str, event: bool, weight: float = 1.0) -> Iterator[Labelled]:
    file = resources.files("q2e") / "data" / "events" / "reading" / name
    with file.open(encoding="utf-8") as opened:
        for number, row in enumerate(
            csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE)
        ):
            for language, text in row.items():
                if text:
                    yield Labelled(name.removesuffix(".tsv"), language, text, event, number, weight)


def _without_year(text: str, language: str) -> str:
    for time in find_slots(text, language).time:
        text = text.replace(time, "")
    text = re.sub(r"\b(?:de|of|в|года|en)\s*$", "", _YEARS.sub("", text).strip())
    return " ".join(text.split())


def known(language: str, words: Sequence[str], types: Int64) -> list[Labelled]:
    """Return the words of the knowledge base in a language as questions to fit to."""
    return [
        Labelled(KNOWN, language, text, bool(one >= 0), 0, 1.0 if one >= 0 else _SENTENCE)
        for text, one in zip(words, types.tolist(), strict=True)
    ]


# -- keeping ------------------------------------------------------------------------------------
def shipped(space: str) -> Reading | None:
    """Return the reading of a space that comes with the package, of all languages; else None."""
    file = resources.files("q2e") / "data" / "events" / "reading" / file_name(space)
    if not file.is_file():
        return None
    with file.open("rb") as opened:
        return Reading.unpacked(np.load(opened, allow_pickle=False))


def file_name(space: str) -> str:
    """Return the name of the file in which the reading of a space is shipped."""
    return f"{fingerprint(method='reading', version=VERSION, space=space).key}.npy"


def kept(
    space: str, languages: Sequence[str], version: str, make: Callable[[], Reading]
) -> Reading:
    """Return the reading of some languages in another space, which `make` fits where none is."""
    which = fingerprint(version, *languages, method="reading", version=VERSION, space=space)
    row = ResultCache("reading", ARRAY).of(which, lambda: make().packed())
    return Reading.unpacked(row)
