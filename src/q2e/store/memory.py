"""The exact store in memory: plain loops over plain dictionaries, the oracle of all others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.errors import IndexMissing, StoreError
from q2e.registry import method
from q2e.store.base import NEXT_SPACE, UNKNOWN, Derived, Failure, Item, Remade, StageKey, Table
from q2e.store.catalogue import ALL, Wanted, folder_of
from q2e.types import Evidence, Filters, Segment, Video, in_order


@dataclass(slots=True)
class _Work:
    """What one stage found in one part."""

    config_key: str
    ids: tuple[int, ...]
    segments: tuple[Segment, ...]
    frame_times_s: tuple[float, ...] | None
    derived: Derived


@dataclass(slots=True)
class _Stored:
    evidence: Evidence
    tokens: Counter[str]
    length: int
    vectors: dict[str, Float32]


@dataclass(slots=True)
class MemoryStore:
    """Keeps everything in this process, for tests and small throw-away collections."""

    _videos: dict[str, Video] = field(default_factory=dict)
    _work: dict[StageKey, _Work] = field(default_factory=dict)
    _stored: dict[int, _Stored] = field(default_factory=dict)
    _failures: dict[tuple[str, str | None], Failure] = field(default_factory=dict)
    _settings: dict[str, str] = field(default_factory=dict)
    _dimensions: dict[str, int] = field(default_factory=dict)
    _channels: set[str] = field(default_factory=set)
    _next: int = 1
    _version: int = 0

    # -- writing --------------------------------------------------------------------------------
    def put_video(self, video: Video) -> None:
        self._version += video.id not in self._videos
        self._videos[video.id] = video

    def put_part(
        self,
        key: StageKey,
        config_key: str,
        items: Sequence[Item] = (),
        segments: Sequence[Segment] | None = None,
        frame_times_s: Sequence[float] | None = None,
        derived: Derived = UNKNOWN,
    ) -> None:
        self._check(key, items)
        self._forget(key)
        ids = []
        for item in items:
            vectors = {
                name: np.asarray(vector, np.float16).astype(np.float32)
                for name, vector in item.evidence.vectors.items()
            }
            evidence = replace(item.evidence, vectors={})
            stored = _Stored(evidence, Counter(item.tokens), len(item.tokens), vectors)
            self._stored[self._next] = stored
            ids.append(self._next)
            self._channels.add(evidence.channel)
            self._next += 1
        times = None if frame_times_s is None else tuple(frame_times_s)
        self._work[key] = _Work(config_key, tuple(ids), tuple(segments or ()), times, derived)
        self._clear(key.video, key.stage)
        self._version += bool(ids)

    def _check(self, key: StageKey, items: Sequence[Item]) -> None:
        if key.video not in self._videos:
            raise StoreError(f"video {key.video!r} is not in the index; put_video comes first")
        dimensions = dict(self._dimensions)
        for one in (item.evidence for item in items):
            if (one.video, one.channel) != (key.video, key.channel):
                raise StoreError(f"{key} cannot hold {one}")
            for space, vector in one.vectors.items():
                if dimensions.setdefault(space, len(vector)) != len(vector):
                    raise StoreError(f"space {space!r} cannot hold {len(vector)} dimensions")
                with np.errstate(over="ignore"):
                    if not np.isfinite(np.asarray(vector, np.float16)).all():
                        raise StoreError(f"space {space!r}: a number is not finite")
        self._dimensions = dimensions

    def _forget(self, key: StageKey) -> None:
        work = self._work.pop(key, None)
        for evidence_id in work.ids if work else ():
            del self._stored[evidence_id]
            self._version += 1

    def _clear(self, video_id: str, stage: str) -> None:
        self._failures = {
            name: failure
            for name, failure in self._failures.items()
            if (failure.video, failure.stage) != (video_id, stage)
        }

    def put_derived(self, derived: Derived, remade: Sequence[Remade]) -> None:
        for one in remade:
            work = self._work.get(one.key)
            made = [len(new) for new in (one.tokens, one.vectors) if new is not None]
            if work is None or any(count != len(work.ids) for count in made):
                continue
            work.derived = derived
            stored = [self._stored[number] for number in work.ids]
            for piece, tokens in zip(stored, one.tokens or (), strict=one.tokens is not None):
                piece.tokens, piece.length = Counter(tokens), len(tokens)
            for piece, vector in zip(stored, one.vectors or (), strict=one.vectors is not None):
                piece.vectors.pop(derived.space, None)
                if vector is not None:
                    rounded = np.asarray(vector, np.float16).astype(np.float32)
                    piece.vectors[derived.space] = rounded
                    self._dimensions.setdefault(derived.space, len(rounded))
        self._version += 1

    def adopt(self, kind: str, space: str) -> None:
        names = [f"space.{kind}", *([NEXT_SPACE] if kind == "text" else [])]
        before = {self._settings.pop(name) for name in names if name in self._settings}
        self._settings[names[0]] = space
        bound = {value for name, value in self._settings.items() if name.startswith("space.")}
        for gone in before - bound:
            for piece in self._stored.values():
                piece.vectors.pop(gone, None)
            self._dimensions.pop(gone, None)
        self._version += bool(before - bound)

    def put_failure(self, failure: Failure) -> None:
        self._failures[failure.path, failure.stage] = failure

    def clear_failure(self, path: str) -> None:
        self._failures = {name: one for name, one in self._failures.items() if name[0] != path}

    def remove_video(self, video_id: str) -> bool:
        for key in [key for key in self._work if key.video == video_id]:
            self._forget(key)
        self._version += video_id in self._videos
        return self._videos.pop(video_id, None) is not None

    def forget(self, video: Video) -> bool:
        named = {name for name, value in self._settings.items() if name.startswith("file:")}
        names = {name for name in named if video.id in self._settings[name]}
        paths = {video.path, *(name.removeprefix("file:") for name in names)} - {""}
        gone = {
            key for key, one in self._failures.items() if one.video == video.id or one.path in paths
        }
        names |= {f"file:{path}" for path in paths} & self._settings.keys()
        found = bool(gone or names) or video.id in self._videos
        self._failures = {key: one for key, one in self._failures.items() if key not in gone}
        self._settings = {key: value for key, value in self._settings.items() if key not in names}
        return self.remove_video(video.id) or found

    def set_setting(self, name: str, value: str) -> None:
        self._settings[name] = value

    # -- what is known --------------------------------------------------------------------------
    def videos(
        self, wanted: Wanted = ALL, offset: int = 0, limit: int | None = None
    ) -> Iterator[Video]:
        found = wanted.ordered(filter(wanted.fits, self._videos.values()))
        return iter(found[offset:] if limit is None else found[offset : offset + limit])

    def count(self, wanted: Wanted = ALL) -> int:
        return sum(map(wanted.fits, self._videos.values()))

    def duration_s(self) -> float:
        return sum(video.duration_s for video in self._videos.values())

    def folders(self) -> Mapping[str, int]:
        return Counter(folder_of(one) for one in self._videos.values() if one.path)

    def at(self, path: str) -> list[Video]:
        return [video for video in self._videos.values() if video.path == path != ""]

    def named(self, name: str) -> list[Video]:
        if name in self._videos:
            return [self._videos[name]]
        whole = str(Path(name).resolve())
        return [
            video
            for video in self._videos.values()
            if name in video.path or whole in video.path or video.id.startswith(name)
        ]

    def video(self, video_id: str) -> Video | None:
        return self._videos.get(video_id)

    def several(self, video_ids: Sequence[str]) -> Mapping[str, Video]:
        return {one: self._videos[one] for one in video_ids if one in self._videos}

    def done(self, video_id: str) -> Mapping[tuple[str, int], str]:
        return {
            (key.stage, key.part): work.config_key
            for key, work in self._work.items()
            if key.video == video_id
        }

    def outdated(self, derived: Derived) -> Iterator[tuple[StageKey, Derived]]:
        held = sorted(((work.ids, key) for key, work in self._work.items() if work.ids))
        found = [(key, self._work[key].derived) for _, key in held]
        return ((key, was) for key, was in found if was != derived)

    def count_outdated(self, derived: Derived) -> int:
        return sum(1 for _ in self.outdated(derived))

    def found_by(self, key: StageKey) -> list[Evidence]:
        work = self._work.get(key)
        return [self._stored[one].evidence for one in work.ids] if work else []

    def segments(self, video_id: str) -> list[Segment]:
        found = [(key.part, work) for key, work in self._work.items() if key.video == video_id]
        return [cut for _, work in sorted(found, key=lambda one: one[0]) for cut in work.segments]

    def segments_of(self, video_ids: Sequence[str]) -> Mapping[str, list[Segment]]:
        return {one: cuts for one in video_ids if (cuts := self.segments(one))}

    def frame_times_s(self, video_id: str, part: int) -> list[float]:
        for key, work in self._work.items():
            if (key.video, key.part) == (video_id, part) and work.frame_times_s is not None:
                return list(work.frame_times_s)
        return []

    def failures(self, path: str | None = None) -> Iterator[Failure]:
        found = (one for one in self._failures.values() if path in (None, one.path))
        return iter(sorted(found, key=lambda one: (one.path, one.stage or "")))

    def count_failures(self) -> int:
        return len(self._failures)

    def setting(self, name: str) -> str | None:
        return self._settings.get(name)

    def evidence_of(self, video_id: str) -> list[Evidence]:
        found = [s.evidence for s in self._stored.values() if s.evidence.video == video_id]
        order = in_order(one.channel for one in found)
        return sorted(found, key=lambda one: (one.start_s, order.index(one.channel)))

    # -- searching ------------------------------------------------------------------------------
    @contextmanager
    def snapshot(self) -> Iterator[None]:
        # Nobody else can write to a dictionary of this thread.
        yield

    def table(self) -> Table:
        stored = list(self._stored.values())
        place = {video_id: number for number, video_id in enumerate(self._videos)}
        channels = in_order(self._channels)
        return Table(
            version=self._version,
            evidence_id=np.array(list(self._stored), np.int64),
            video=np.array([place[s.evidence.video] for s in stored], np.int32),
            channel=np.array([channels.index(s.evidence.channel) for s in stored], np.int16),
            start_s=np.array([s.evidence.start_s for s in stored], np.float32),
            end_s=np.array([s.evidence.end_s for s in stored], np.float32),
            length=np.array([s.length for s in stored], np.int32),
            video_ids=tuple(self._videos),
            channels=channels,
        )

    def rows(self, filters: Filters) -> Bool | None:
        if filters == Filters():
            return None
        return np.array([self._allowed(s.evidence, filters) for s in self._stored.values()], bool)

    def _allowed(self, one: Evidence, filters: Filters) -> bool:
        video = self._videos[one.video]
        if filters.channels and one.channel not in filters.channels:
            return False
        if filters.videos and one.video not in filters.videos:
            return False
        if filters.languages and (one.language or video.language) not in filters.languages:
            return False
        if one.channel in filters.without_channels:
            return False
        if (one.language or video.language) in filters.without_languages:
            return False
        if any(tag not in video.tags for tag in filters.tags):
            return False
        if any(tag in video.tags for tag in filters.without_tags):
            return False
        if filters.shortest_s is not None and video.duration_s < filters.shortest_s:
            return False
        if filters.longest_s is not None and video.duration_s > filters.longest_s:
            return False
        if (filters.since or filters.until) and video.date is None:
            return False
        date = video.date or ""
        if filters.since and date < filters.since:
            return False
        return not filters.until or date[: len(filters.until)] <= filters.until

    def dense(
        self, space: str, queries: Float32, *, mask: Bool | None = None, k: int | None = None
    ) -> list[tuple[Int64, Float32]]:
        rows, matrix = self.vectors(space)
        answers = []
        for query in np.asarray(queries, np.float32):
            scores = {
                int(row): float(np.dot(query, vector))
                for row, vector in zip(rows, matrix, strict=True)
                if mask is None or mask[row]
            }
            answers.append(_ranked(scores, k))
        return answers

    def lexical(
        self, tokens: Sequence[str], *, mask: Bool | None = None, k: int | None = None
    ) -> tuple[Int64, Float32]:
        stored = list(self._stored.values())
        scores: dict[int, float] = {}
        for term, asked in Counter(tokens).items():
            for row, one in enumerate(stored):
                count = one.tokens[term]
                if not count:
                    continue
                peers = [s for s in stored if s.evidence.channel == one.evidence.channel]
                spoken = [s for s in peers if s.length]
                holding = sum(term in s.tokens for s in peers)
                idf = math.log(1 + (len(spoken) - holding + 0.5) / (holding + 0.5))
                length = one.length / (sum(s.length for s in spoken) / len(spoken))
                gain = idf * count / (count + 1.2 * (0.25 + 0.75 * length))
                scores[row] = scores.get(row, 0.0) + asked * gain
        return _ranked(
            {row: score for row, score in scores.items() if mask is None or mask[row]}, k
        )

    def languages(self) -> tuple[str, ...]:
        spoken = {one.evidence.language for one in self._stored.values()}
        spoken |= {video.language for video in self._videos.values()}
        return tuple(sorted(filter(None, spoken)))

    def spaces(self) -> Mapping[str, int]:
        found = Counter(space for one in self._stored.values() for space in one.vectors)
        found.pop(self._settings.get(NEXT_SPACE, ""), None)
        return found

    def vectors(self, space: str) -> tuple[Int64, Float32]:
        found = [
            (row, one.vectors[space])
            for row, one in enumerate(self._stored.values())
            if space in one.vectors
        ]
        matrix = np.array([vector for _, vector in found], np.float32)
        shape = (len(found), self._dimensions.get(space, 0))
        return np.array([row for row, _ in found], np.int64), matrix.reshape(shape)

    def times_s(self, rows: Int64) -> Float64:
        found = self.evidence(rows.tolist())
        times = [(o.start_s, o.end_s, np.nan if o.frame_s is None else o.frame_s) for o in found]
        return np.array(times, np.float64).reshape(-1, 3)

    def evidence(self, rows: Iterable[int]) -> list[Evidence]:
        stored = list(self._stored.values())
        return [stored[int(row)].evidence for row in rows]

    def optimise(self) -> Mapping[str, int]:
        return {}

    def scrub(self) -> None:
        """Nothing of what was removed is left."""

    def close(self) -> None:
        """Nothing is to be freed."""


#: What is kept for each index opened with `--store memory`, by its file.
_KEPT: dict[Path, MemoryStore] = {}


@method("store")
def memory(file: Path, read_only: bool, wait_s: float) -> MemoryStore:
    """The memory of one process: exact, slow for many videos, and gone when the process ends."""
    file = file.absolute()
    if read_only and file not in _KEPT:
        raise IndexMissing(f"nothing was indexed into the memory of this process as {file}")
    return _KEPT.setdefault(file, MemoryStore())


def _ranked(scores: dict[int, float], k: int | None) -> tuple[Int64, Float32]:
    """Return rows and scores, highest first in single precision, ties by row."""
    single = {row: np.float32(score) for row, score in scores.items()}
    order = sorted(single, key=lambda row: (-single[row], row))[:k]
    return np.array(order, np.int64), np.array([single[row] for row in order], np.float32)
