"""Evidence made of what an index holds after videos were read: words, chapters, what is told.

No medium is opened. What was made stays until what it was made of changes, so that a run repeats
nothing; a video that is read anew has it made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.export import spoken
from q2e.ingest import told
from q2e.ingest.derive import derived, items
from q2e.ingest.told import CHANNEL as TOLD
from q2e.ingest.words import CHANNEL as WORD
from q2e.ingest.words import Words, nearest
from q2e.methods import scene_graph
from q2e.methods.chapters.collected import chaptered
from q2e.methods.masked import refined
from q2e.models.language import language_model
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.search.localise import shown_cuts
from q2e.settings import Settings
from q2e.store.base import StageKey, Store
from q2e.store.listed import Listed
from q2e.text.language import detect
from q2e.text.prompt import beside, prompt_version
from q2e.types import Evidence, Tag, Video

#: The channel of chapters, and its least number that is kept: one chapter tells nothing.
CHAPTER = "chapter"
#: The channel of things that several captions of a video name.
SEEN = "seen"
_FEWEST = 2
_CHANNELS = (WORD, CHAPTER, TOLD, SEEN)
#: What work is marked with that was taken back.
_OFF = "off"
#: Videos whose evidence is made before it is written; fewer where models take long for each.
_TOGETHER: Mapping[str, int] = {WORD: 4096, CHAPTER: 64, TOLD: 16, SEEN: 16}


class Maker(Protocol):
    """Makes the evidence of one channel."""

    key: str
    """Changes exactly when the same evidence would give other evidence."""

    def __call__(self, store: Store, video: Video) -> Sequence[Evidence]: ...


def wanted(store: Store) -> dict[str, str]:
    """Return what each of these channels is made by, of those that are wanted."""
    named = ((channel, store.setting(_name(channel))) for channel in _CHANNELS)
    return {channel: by for channel, by in named if by}


def want(store: Store, channel: str, by: str) -> None:
    """Note by what a channel is made from now on; empty for none."""
    store.set_setting(_name(channel), by)


def make(
    store: Store,
    models: Models,
    settings: Settings,
    watch: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Make what is wanted and is not there, take back what is no longer, and count the pieces.

    Raises ConfigError and ModelError where a way of making chapters does.
    """
    found: dict[str, int] = {}
    noted = [channel for channel in _CHANNELS if store.setting(_name(channel)) is not None]
    if not noted:
        return found
    by = wanted(store)
    makers = {channel: _maker(channel, how, models, settings) for channel, how in by.items()}
    total, done = store.count() * len(noted), 0
    for channel in noted:
        left = iter(Listed(store, store.videos()))
        while videos := tuple(islice(left, _TOGETHER[channel])):
            ready = list(_made(store, channel, makers.get(channel), videos))
            for key, config_key, evidence in ready:
                ready_items = items(evidence, models.text.space, models.text.encode_passages)
                store.put_part(key, config_key, ready_items, derived=derived(models.text.space))
                found[channel] = found.get(channel, 0) + len(evidence)
            done += len(videos)
            if watch is not None:
                watch(done, total)
    return found


def _made(
    store: Store, channel: str, maker: Maker | None, videos: Sequence[Video]
) -> Iterator[tuple[StageKey, str, Sequence[Evidence]]]:
    of = _held(store)
    for video in videos:
        before = store.done(video.id).get((channel, 0))
        if maker is None:
            if before not in (None, _OFF):
                yield StageKey(video.id, channel, 0), _OFF, ()
            continue
        held = of.get(video.id, (0, 0))
        made_of = hashlib.sha256(repr((maker.key, held)).encode()).hexdigest()[:24]
        if before != made_of:
            yield StageKey(video.id, channel, 0), made_of, maker(store, video)


def _held(store: Store) -> dict[str, tuple[int, int]]:
    """Return of each video how much other evidence it has and the newest: both change with it."""
    table = store.table()
    other = ~table.of_channels(_CHANNELS)
    count = np.bincount(table.video[other], minlength=len(table.video_ids))
    newest = np.zeros(len(table.video_ids), np.int64)
    np.maximum.at(newest, table.video[other], table.evidence_id[other])
    pairs = zip(count.tolist(), newest.tolist(), strict=True)
    return dict(zip(table.video_ids, pairs, strict=True))


def _maker(channel: str, by: str, models: Models, settings: Settings) -> Maker:
    if channel == WORD:
        return _Words(by, models)
    if channel == CHAPTER:
        return _Chapters(by, models, settings)
    return _Told(by, models, settings) if channel == TOLD else _Seen(by, models, settings)


class _Frames:
    """The vectors of frames by video, by the encoder of pictures."""

    def __init__(self, models: Models) -> None:
        self.encoder = models.image
        self._of: tuple[int, Mapping[str, Int64]] | None = None

    def of(self, store: Store, video: Video) -> tuple[Float64, Float32] | None:
        """Return a video's times (n, 3), as `times_s` of a store, and vectors (n, d), in order."""
        if self.encoder.space not in store.spaces():
            return None
        rows, vectors = store.vectors(self.encoder.space)
        own = self._rows(store, rows).get(video.id)
        if own is None:
            return None
        times_s = store.times_s(rows[own])
        order = np.lexsort((times_s[:, 2], times_s[:, 0]))
        return times_s[order], np.asarray(vectors, np.float32)[own][order]

    def _rows(self, store: Store, rows: Int64) -> Mapping[str, Int64]:
        """Return where the vectors of each video are; kept for one state of the store."""
        table = store.table()
        if self._of is None or self._of[0] != table.version:
            video = table.video[rows]
            order = np.argsort(video, kind="stable")
            ends = np.flatnonzero(np.diff(video[order], append=-1)) + 1
            parts = np.split(order, ends[:-1]) if len(order) else []
            self._of = table.version, {table.video_ids[video[one[0]]]: one for one in parts}
        return self._of[1]


class _Words:
    """The words of a list that are nearest to what is seen."""

    def __init__(self, by: str, models: Models) -> None:
        self._known = Words.unpacked(by)
        self._frames = _Frames(models)
        self._encoded: Float32 | None = None
        self.key = f"{by} {self._frames.encoder.space}"

    def __call__(self, store: Store, video: Video) -> Sequence[Evidence]:
        seen = self._frames.of(store, video)
        if seen is None:
            return ()
        encoder = self._frames.encoder
        if self._encoded is None:
            self._encoded = encoder.encode_texts(list(self._known.words))
        times_s, vectors = seen
        stretches = [(float(one[0]), float(one[1])) for one in times_s]
        origin = f"words/{encoder.info.id}"
        return list(nearest(video.id, stretches, vectors, self._known, self._encoded, origin))


class _Told:
    """What a language model tells of pictures by what is said, where the pictures bear it out."""

    def __init__(self, by: str, models: Models, settings: Settings) -> None:
        self._frames = _Frames(models)
        self._model = language_model(settings, models)
        self.key = f"{by} {told.version()} {self._model.info.source} {self._frames.encoder.space}"

    def __call__(self, store: Store, video: Video) -> Sequence[Evidence]:
        seen = self._frames.of(store, video)
        lines = spoken(store.evidence_of(video.id))
        if seen is None or not lines:
            return ()
        times_s, vectors = seen
        at_s = np.where(np.isfinite(times_s[:, 2]), times_s[:, 2], times_s[:, 0])
        encode = self._frames.encoder.encode_texts
        return told.told(
            video.id, video.duration_s, lines, self._model, at_s, vectors, encode, refined
        )


class _Seen:
    """Things and relations that several captions of a video agree on."""

    def __init__(self, by: str, models: Models, settings: Settings) -> None:
        self._models, self._settings = models, settings
        self.key = (
            f"{by} seen/1 {prompt_version(beside(scene_graph.__file__))} {models.image.space}"
        )

    def __call__(self, store: Store, video: Video) -> Sequence[Evidence]:
        held = store.evidence_of(video.id)
        captions = [
            one
            for one in held
            if one.channel == "caption" and one.text and one.origin != "composed"
        ]
        graph = scene_graph.consolidated(
            captions,
            lambda: language_model(self._settings, self._models),
            self._models.image.encode_texts,
        )
        relations = graph.relations
        return [
            Evidence(
                video=video.id,
                channel=SEEN,
                start_s=min(start_s for start_s, _ in node.stretches),
                end_s=max(end_s for _, end_s in node.stretches),
                text=". ".join([node.name, *(one for one in relations if node.name in one)][:4]),
                language=detect(node.name),
                origin="seen",
                tags=(Tag(node.name, round(len(node.stretches) / len(captions), 3)),),
            )
            for node in (graph.nodes[number] for number in graph.kept)
        ]


class _Chapters:
    """The titles of chapters, each over its time."""

    def __init__(self, how: str, models: Models, settings: Settings) -> None:
        self._how, self._models, self._settings = how, models, settings
        self.key = registry().one("chapters", how).fingerprint

    def __call__(self, store: Store, video: Video) -> Sequence[Evidence]:
        cuts_s = shown_cuts(store.segments(video.id), self._settings)
        found = chaptered(
            self._how,
            store,
            self._models,
            video,
            cuts_s,
            lambda: language_model(self._settings, self._models),
        )
        if len(found) < _FEWEST:
            return ()
        return [
            Evidence(
                video=video.id,
                channel=CHAPTER,
                start_s=one.start_s,
                end_s=one.end_s,
                text=one.title,
                language=one.language,
                origin=f"chapters/{found.how}",
            )
            for one in found
            if one.title
        ]


def _name(channel: str) -> str:
    return f"made.{channel}"
