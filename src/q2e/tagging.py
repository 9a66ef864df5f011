"""Labels of a user's own, read from a file and given to the videos that deserve them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.ingest.tagged import put_set
from q2e.methods.label.base import Collection, Label, Labelled, Labeller
from q2e.models.language import language_model
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.search.search import Searcher
from q2e.settings import Settings
from q2e.store.base import Searched, Store
from q2e.store.listed import Listed
from q2e.text.clean import clean
from q2e.text.layers import is_layer
from q2e.types import Query, Video

#: Characters of a label, of a sentence of one, and labels of a file.
_NAME, _SENTENCE, _MOST = 60, 300, 1_000
#: Rows of scores that are no meaning.
_WORDS = ("words", "names", "elsewhere")


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a set of labels gave: `labels` has its labels with how many videos have each."""

    name: str
    how: str
    labels: Mapping[str, int]
    videos: Labelled
    changed: int
    """Videos that have other tags than before."""


def read_labels(file: Path) -> list[Label]:
    """Return the labels of a file of lines `LABEL`, or `LABEL<TAB>SENTENCE`, in any language.

    A label may have several lines, one a sentence; without any its own words tell what it means.
    Lines that begin with `#` are left out. Raises ConfigError for a file that cannot be read so.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as labels: {error}; write it in UTF-8") from None
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        given, _, sentence = line.partition("\t")
        name = clean(given, _NAME)
        if not name or len(given.strip()) > _NAME:
            raise ConfigError(
                f"{file}: line {number}: a label has 1 to {_NAME} characters; write "
                "LABEL, tab, SENTENCE"
            )
        told = found.setdefault(name, [])
        if said := clean(sentence, _SENTENCE):
            told.append(said)
    if not 0 < len(found) <= _MOST:
        raise ConfigError(
            f"{file} holds {len(found)} labels; write 1 to {_MOST:,}, a line each: LABEL, tab, "
            "SENTENCE"
        )
    return [Label(name, tuple(told) or (name,)) for name, told in found.items()]


def labelled(
    labels: list[Label],
    how: str,
    searcher: Searcher,
    models: Models,
    settings: Settings,
    watch: Callable[[int, int], None] | None,
) -> tuple[str, Labelled]:
    """Return by which way labels are given, written out, and what each video gets.

    Raises ConfigError for an unknown way, or one whose language model nobody names.
    """
    choice = registry().one("label", how)
    store = searcher.store
    known = Collection(
        scores=partial(_scores, searcher, settings),
        videos=Listed(store, store.videos()),
        texts=partial(_texts, store),
        model=partial(language_model, settings, models),
        watch=watch or (lambda done, of: None),
    )
    way: Labeller = choice.bound
    return str(choice), way.label(labels, known)


def give(store: Store, name: str, how: str, labels: list[Label], found: Labelled) -> Tagged:
    """Write a set of labels into an index, in place of what it gave before."""
    return tagged(name, how, labels, found, put_set(store, name, how, found))


def tagged(name: str, how: str, labels: list[Label], found: Labelled, changed: int) -> Tagged:
    """Return what a set of labels gives, counted."""
    count = Counter(label for own in found.values() for label in own)
    return Tagged(name, how, {one.name: count[one.name] for one in labels}, found, changed)


def name_of(text: str) -> str:
    """Return the name of a set of labels as it is kept. Raises ConfigError where none is left."""
    name = clean(text, _NAME)
    if not name:
        raise ConfigError(f"{text[:_NAME]!r} names no set of labels; write a word")
    return name


def _scores(searcher: Searcher, settings: Settings, sentence: str, ids: Sequence[str]) -> Float64:
    rows = searcher.rows(Query(sentence), settings).rows
    place = {video: number for number, video in enumerate(searcher.table.video_ids)}
    best = np.full(len(place) + 1, np.nan)
    for row in rows:
        if row.how not in _WORDS:
            best[:-1] = np.fmax(best[:-1], row.video)
    return best[[place.get(video, len(place)) for video in ids]]


def _texts(store: Searched, video: Video) -> list[str]:
    return list(dict.fromkeys(_told(store, video)))


def _told(store: Searched, video: Video) -> Iterator[str]:
    for one in store.evidence_of(video.id):
        if one.text and not is_layer(one):
            yield one.text
        yield from (tag.label for tag in one.tags)
