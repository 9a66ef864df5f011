"""Ends for a question that is being typed, out of what the collection itself says.

Titles, tags, places, events and frequent words, each as the collection writes it, so that what is
offered is there to be found, in the language in which one types.
"""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from q2e.query.knowledge import load
from q2e.query.names import place_names
from q2e.store.base import Searched
from q2e.text.folding import fold

SuggestionKind = Literal["title", "tag", "place", "event", "word"]
KINDS: tuple[SuggestionKind, ...] = get_args(SuggestionKind)

#: Pieces of text that are read, evenly over the collection, and characters of each.
PIECES, LONGEST = 20_000, 400
#: Words that are kept, how often one has to be said, and texts of which once is enough.
WORDS, LEAST, FEW = 20_000, 2, 2_000
#: How sure one has to be of what a picture shows.
_SEEN = 0.3
#: Words that are counted at a time; beyond, those said once are let go.
_HELD = 400_000
#: Words of a question that one suggestion may replace.
_REPLACED = 4
#: Seconds for which a collection that is being added to is not read again.
FRESH_S = 60.0

_WORD = re.compile(r"[^\W\d_][\w\u0300-\u036f\u064b-\u0652\u0900-\u097f\u0e31-\u0e4e'’-]*")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
#: Characters of a word in a script without spaces.
_GRAMS = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question with its end written out; `phrase` is what was put in, of one kind."""

    text: str
    phrase: str
    kind: SuggestionKind


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases in order of their folded spelling, so that those with one beginning lie together."""

    keys: tuple[str, ...]
    entries: tuple[tuple[float, SuggestionKind, str], ...]
    """(weight, kind, phrase) of each key."""

    def starting(self, beginning: str, most: int) -> list[tuple[float, SuggestionKind, str]]:
        """Return the `most` weightiest entries whose key has a folded beginning."""
        first = bisect_left(self.keys, beginning)
        last = bisect_left(self.keys, beginning + "\U0010ffff")
        return sorted(self.entries[first:last], key=lambda one: (-one[0], one[2]))[:most]


class Suggestions:
    """Suggestions out of one collection, read when first asked for and again when it changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[Searched, int, float, Phrases] | None = None

    def phrases(self, store: Searched) -> Phrases:
        """Return the phrases of the collection; those of a moment ago while it is added to."""
        with self._lock, store.snapshot():
            version, now = store.table().version, time.monotonic()
            if self._known is not None:
                of, known, made, phrases = self._known
                if of is store and (known == version or now - made < FRESH_S):
                    return phrases
            phrases = phrases_of(store)
            self._known = (store, version, now, phrases)
            return phrases

    def of(self, store: Searched, text: str, limit: int = 8) -> list[Suggestion]:
        """Return at most `limit` ways to go on with a question, the likeliest first.

        The longest end of the question that begins a phrase is written out; the rest stays.
        """
        phrases = self.phrases(store)
        found: dict[str, Suggestion] = {}
        for start in _starts(text):
            beginning = _folded(text[start:])
            for _, kind, phrase in phrases.starting(beginning, limit) if beginning else ():
                whole = text[:start] + phrase
                if whole.casefold() != text.casefold():
                    found.setdefault(whole.casefold(), Suggestion(whole, phrase, kind))
        return list(found.values())[:limit]


_SHARED = Suggestions()


def suggest(store: Searched, text: str, limit: int = 8) -> list[Suggestion]:
    """Return at most `limit` ways to go on with a question; a collection's phrases are kept."""
    return _SHARED.of(store, text, limit)


def phrases_of(store: Searched) -> Phrases:
    """Return what the titles, tags and texts of a collection offer to be asked for."""
    entries: dict[tuple[str, str], tuple[float, SuggestionKind, str]] = {}

    def put(phrase: str, kind: SuggestionKind, weight: float, keys: Iterable[str]) -> None:
        for key in keys:
            entries.setdefault((key, _folded(phrase)), (weight, kind, phrase))

    tags: Counter[str] = Counter()
    titles: list[str] = []
    for video in store.videos():
        tags.update(video.tags)
        titles.extend([video.title] if video.title else ())
    texts, shown = _read(store)
    texts = titles + texts
    least = 1 if len(texts) <= FEW else LEAST
    words = frequent(texts)
    said = {_folded(word) for word in (*words, *tags, *shown)}
    most = max([*words.values(), *tags.values(), *shown.values(), 1])
    for name in _occurring(place_names(), said):
        put(name, "place", 3.0, [_folded(name)])
    for name in _occurring(_event_names(), said):
        put(name, "event", 3.0, [_folded(name)])
    for tag, times in tags.items():
        put(tag, "tag", 2.0 + times / most, [_folded(tag)])
    for title in titles:
        put(title, "title", 1.5, _inside(title))
    for label, times in shown.items():
        put(label, "word", 1.0 + times / most, [_folded(label)])
    for word, times in words.items():
        if times >= least:
            put(word, "word", times / most, [_folded(word)])
    rows = sorted((key, *entry) for (key, _), entry in entries.items())
    return Phrases(tuple(row[0] for row in rows), tuple(row[1:] for row in rows))


def frequent(texts: Sequence[str]) -> Counter[str]:
    """Return the commonest words of texts with the number of texts that say them.

    Each is spelt as it is spelt most often. In scripts without spaces these are runs of two to
    four characters, without those that are only ever part of one longer run.
    """
    spelt: dict[str, Counter[str]] = {}
    times: Counter[str] = Counter()
    for text in texts:
        seen = set()
        for word in _words(text[:LONGEST]):
            key = _folded(word)
            spelt.setdefault(key, Counter())[word] += 1
            seen.add(key)
        times.update(seen)
        if len(times) > _HELD:
            times = Counter({key: n for key, n in times.items() if n >= LEAST})
            spelt = {key: spelt[key] for key in times}
    inner = {
        part
        for word, n in times.items()
        if n >= LEAST and _UNSPACED.fullmatch(word)
        for part in (word[:-1], word[1:])
        if times.get(part) == n
    }
    common = [(key, n) for key, n in times.most_common(2 * WORDS) if key not in inner][:WORDS]
    return Counter({spelt[key].most_common(1)[0][0]: n for key, n in common})


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = match[0]
        runs = _UNSPACED.findall(word)
        if not runs:
            if len(word) > 3:
                yield word.lower() if word.isupper() else word
            continue
        for run in runs:
            whole = [at for at, one in enumerate(run) if unicodedata.category(one)[0] != "M"]
            whole.append(len(run))
            for size in _GRAMS:
                for at, end in zip(whole, whole[size:], strict=False):
                    yield run[at:end]


def _read(store: Searched) -> tuple[list[str], Counter[str]]:
    """Return texts of a collection, evenly over it, and the names of what its pictures show."""
    texts: list[str] = []
    shown: Counter[str] = Counter()
    table = store.table()
    step = max(1, -(-len(table) // PIECES))
    for piece in store.evidence(range(0, len(table), step)):
        if piece.text:
            texts.append(piece.text)
        shown.update(tag.label for tag in piece.tags[:1] if tag.probability >= _SEEN)
    return texts, shown


def _occurring(names: Iterable[str], said: set[str]) -> Iterator[str]:
    """Yield the names whose every word the collection says."""
    for name in names:
        folded = _folded(name)
        parts = folded.split()
        if len(folded) > 1 and (folded in said or (parts and all(one in said for one in parts))):
            yield name


def _event_names() -> Iterator[str]:
    """Yield the names of the kinds of events, in every language."""
    for kind in load().types:
        for name in kind.name.values():
            yield from re.split(r"\s*[,;/、،]\s*", name)


def _inside(title: str) -> Iterator[str]:
    """Yield the folded title from each of its words on."""
    yield _folded(title)
    for match in re.finditer(r"\s+", title.strip()):
        yield _folded(title.strip()[match.end() :])


def _starts(text: str) -> list[int]:
    """Return where the last words of a question begin, the most words first."""
    starts = [match.start() for match in re.finditer(r"(?<!\S)\S", text)]
    last = _UNSPACED.search(text[starts[-1] :]) if starts else None
    inner = []
    if last is not None:
        end = len(text)
        inner = [end - size for size in (3, 2, 1) if end - size > starts[-1]]
    return starts[-_REPLACED:] + inner


def _folded(text: str) -> str:
    return " ".join(fold(text, LONGEST).casefold().split())
