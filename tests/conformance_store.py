"""What every store must do, told by comparing it with the exact store in memory.

`tests/test_store.py` runs it; a store from elsewhere passes its own `make` to `Conformance`.
Vectors have few, short numbers, so that sums are exact and ties are common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q2e.errors import StoreError
from q2e.store.base import NEXT_SPACE, UNKNOWN, Derived, Failure, Item, Remade, StageKey, Store
from q2e.store.bulk import Part, put_all
from q2e.store.catalogue import Order, Wanted
from q2e.store.listed import Listed
from q2e.store.memory import MemoryStore
from q2e.types import Evidence, Filters, Segment, Span, Tag, Video

Step = Callable[[Store], Any]
WORDS = ["fire", "lake", "산불", "地震", "пожар", "the"]
IDS = ["a" * 32, "b" * 32, "c" * 32]
CHANNELS_USED = ["speech", "frame", "objects", "screen_text"]
SPACES = {"text": 4, "image": 3, "text/2": 4}
DERIVED = (Derived("1", "text"), Derived("2", "text"), Derived("2", "text/2"))

PATHS = ("one.mp4", "/v/zwei.mp4", "/v/b/三.mp4", "/v/bad\udcff.mp4", "s3://v/b/x.mp4", "")
LISTS = (
    *(Wanted(sort=one) for one in get_args(Order)),
    *(Wanted(folder=one) for one in ("/v", "/v/b/", "/", ".", "s3://v", "v", "/v/b")),
    *(Wanted(find=one, sort="path") for one in ("fire", "été 地", "भूकंप", "BAD", "a", "_")),
    Wanted("mp4", "/v", "title"),
)

numbers = st.integers(-8, 8).map(lambda n: n / 8)
languages = st.sampled_from([None, "de", "ko"])
videos = st.builds(
    Video,
    id=st.sampled_from(IDS),
    path=st.sampled_from(PATHS),
    duration_s=st.sampled_from([0.0, 1.5, 60.0]),
    title=st.sampled_from(["", "Ｆire ÉTÉ", "भूकंप", "ข่าว 地震"]),
    date=st.sampled_from([None, "2019-12-31", "2020-05-01", "2020-06-30", "2021"]),
    language=languages,
    tags=st.lists(st.sampled_from(["news", "été"]), unique=True).map(tuple),
)


def _lines(start_s: float, confidence: float | None = None) -> tuple[Span, ...]:
    words = ((0, start_s),) if confidence else ()
    return (Span(start_s, start_s + 1, "行", confidence, words),)


@st.composite
def read(draw: st.DrawFn) -> Part:
    key = StageKey(
        draw(st.sampled_from(IDS)), draw(st.sampled_from(CHANNELS_USED)), draw(st.integers(0, 1))
    )
    items = []
    for _ in range(draw(st.integers(0, 4))):
        words = tuple(draw(st.lists(st.sampled_from(WORDS), max_size=5)))
        vectors = {
            space: np.array(draw(st.lists(numbers, min_size=d, max_size=d)), np.float32)
            for space, d in SPACES.items()
            if draw(st.booleans())
        }
        start_s = draw(st.integers(0, 3)) / 2
        items.append(
            Item(
                Evidence(
                    key.video,
                    key.stage,
                    start_s,
                    start_s + 1.5,
                    text=" ".join(words) + "\udc80",
                    language=draw(languages),
                    origin="test",
                    frame_s=draw(st.sampled_from([None, start_s + 0.25])),
                    spans=draw(st.sampled_from([(), _lines(start_s), _lines(start_s, 0.875)])),
                    tags=(Tag("cat", 0.1),) if draw(st.booleans()) else (),
                    vectors=vectors,
                ),
                words,
            )
        )
    derived = draw(st.sampled_from([UNKNOWN, *DERIVED]))
    return Part(key, "v1", items, derived=derived)


def parts() -> st.SearchStrategy[Step]:
    return read().map(
        lambda one: lambda store: store.put_part(one.key, "v1", one.items, derived=one.derived)
    )


def together(given: tuple[Video, list[Part]]) -> Step:
    """Put several parts together, of one of which the video may be put with them."""
    video, own = given

    def step(store: Store) -> None:
        known = {video.id, *(one for one in IDS if store.video(one) is not None)}
        put_all(store, [video], [one for one in own if one.key.video in known])

    return step


@st.composite
def again(draw: st.DrawFn) -> Step:
    """Make tokens and text vectors of some work again, as often as it has pieces."""
    keys = [StageKey(video, channel, 0) for video in IDS[:2] for channel in CHANNELS_USED[:2]]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3, unique=True))
    derived = draw(st.sampled_from(DERIVED))
    words = draw(st.lists(st.sampled_from(WORDS), max_size=3))
    vector = np.array(draw(st.lists(numbers, min_size=4, max_size=4)), np.float32)
    parts = draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    wrong = draw(st.integers(0, 9)) == 0

    def step(store: Store) -> None:
        remade = []
        for key in chosen:
            count = len(store.found_by(key)) + wrong
            tokens = tuple((*words, str(n)) for n in range(count)) if parts[0] else None
            vectors = tuple(vector if n % 2 else None for n in range(count)) if parts[1] else None
            remade.append(Remade(key, tokens, vectors))
        store.put_derived(derived, remade)

    return step


def shots(video_id: str, part: int) -> Step:
    cuts = [Segment(part * 10.0, part * 10 + 4.5), Segment(part * 10 + 4.5, part * 10 + 10.0)]
    times = [part * 10.0 + 0.1, part * 10 + 7.7]
    return lambda store: store.put_part(StageKey(video_id, "shots", part), "k", (), cuts, times)


failures = st.builds(
    Failure,
    st.sampled_from(["one.mp4", "bad\udcff.mp4"]),
    st.just("no room"),
    st.sampled_from([None, IDS[0]]),
    st.sampled_from([None, "speech"]),
)
steps = st.one_of(
    parts(),
    parts(),
    st.tuples(videos, st.lists(read(), min_size=1, max_size=4)).map(together),
    videos.map(lambda video: lambda store: store.put_video(video)),
    st.sampled_from(IDS).map(lambda one: lambda store: store.remove_video(one)),
    videos.map(lambda video: lambda store: store.forget(video)),
    st.tuples(st.sampled_from(IDS), st.sampled_from(["one.mp4", "elsewhere.mp4"])).map(
        lambda pair: lambda store: store.set_setting(f"file:{pair[1]}", f'[1, "{pair[0]}"]')
    ),
    again(),
    st.sampled_from(["text", "text/2"]).map(lambda one: lambda store: store.adopt("text", one)),
    st.sampled_from(["text", "text/2"]).map(
        lambda one: lambda store: store.set_setting(NEXT_SPACE, one)
    ),
    st.builds(shots, st.sampled_from(IDS), st.integers(0, 1)),
    failures.map(lambda failure: lambda store: store.put_failure(failure)),
    st.just(lambda store: store.clear_failure("one.mp4")),
    st.just(lambda store: store.set_setting("größe \udcff", "漢")),
)
filters = st.builds(
    Filters,
    channels=st.lists(st.sampled_from([*CHANNELS_USED, "sound"]), max_size=2).map(tuple),
    videos=st.lists(st.sampled_from([*IDS, "nobody"]), max_size=2).map(tuple),
    languages=st.lists(st.sampled_from(["de", "ko"]), max_size=1).map(tuple),
    since=st.sampled_from([None, "2020", "2020-05", "2020-05-02"]),
    until=st.sampled_from([None, "2020", "2020-05", "2021"]),
    tags=st.lists(st.sampled_from(["news", "été"]), max_size=2).map(tuple),
)


def attempt(step: Step, store: Store) -> Any:
    """Return what a step answers, or that it was refused."""
    try:
        return step(store)
    except StoreError:
        return StoreError


def compare_known(store: Store, oracle: Store, lists: Sequence[Wanted], name: str) -> None:
    assert list(store.videos()) == list(oracle.videos())
    for wanted in lists:
        whole = list(oracle.videos(wanted))
        assert list(store.videos(wanted)) == whole, wanted
        assert store.count(wanted) == oracle.count(wanted) == len(whole)
        assert list(store.videos(wanted, 1, 1)) == whole[1:2]
    assert store.duration_s() == oracle.duration_s()
    assert dict(store.folders()) == dict(oracle.folders())
    assert store.at(name) == oracle.at(name)
    assert store.named(name) == oracle.named(name)
    for path in (None, "one.mp4", "bad\udcff.mp4", "nothing.mp4"):
        assert list(store.failures(path)) == list(oracle.failures(path)), path
    assert store.count_failures() == oracle.count_failures() == len(list(oracle.failures()))
    assert store.setting("größe \udcff") == oracle.setting("größe \udcff")
    assert store.spaces() == oracle.spaces()
    for name in ("space.text", "file:one.mp4", "file:elsewhere.mp4"):
        assert store.setting(name) == oracle.setting(name)
    for derived in (UNKNOWN, *DERIVED):
        left = list(oracle.outdated(derived))
        assert list(store.outdated(derived)) == left
        assert store.count_outdated(derived) == oracle.count_outdated(derived) == len(left)
    several = [*IDS, "nobody", IDS[0]]
    assert store.several(several) == {one.id: one for one in oracle.videos()}
    cuts = {one: oracle.segments(one) for one in IDS}
    assert store.segments_of(several) == {one: own for one, own in cuts.items() if own}
    assert store.several([]) == store.segments_of([]) == {}
    listed = Listed(store, store.videos(), at_once=2)
    assert list(listed) == listed[:] == list(oracle.videos())
    for video_id in IDS:
        assert store.video(video_id) == oracle.video(video_id)
        assert store.done(video_id) == oracle.done(video_id)
        for key in (StageKey(video_id, name, 0) for name in CHANNELS_USED):
            assert store.found_by(key) == oracle.found_by(key)
        assert store.segments(video_id) == oracle.segments(video_id)
        assert store.evidence_of(video_id) == oracle.evidence_of(video_id)
        for part in (0, 1):
            assert store.frame_times_s(video_id, part) == oracle.frame_times_s(video_id, part)


def compare_table(store: Store, oracle: Store) -> None:
    ours, theirs = store.table(), oracle.table()
    assert (ours.video_ids, ours.channels) == (theirs.video_ids, theirs.channels)
    for column in ("video", "channel", "start_s", "end_s", "length"):
        assert np.array_equal(getattr(ours, column), getattr(theirs, column)), column
        assert getattr(ours, column).dtype == getattr(theirs, column).dtype
    assert (np.diff(ours.evidence_id) > 0).all()
    everything = range(len(theirs))
    assert store.evidence(everything) == oracle.evidence(everything)
    backwards = np.arange(len(theirs))[::-1]
    assert np.array_equal(store.times_s(backwards), oracle.times_s(backwards), equal_nan=True)
    for space in (*SPACES, "unknown"):
        for mine, other in zip(store.vectors(space), oracle.vectors(space), strict=True):
            assert np.array_equal(mine, other)


def compare_search(
    store: Store, oracle: Store, chosen: Filters, words: list[str], k: int | None
) -> None:
    mask, expected = store.rows(chosen), oracle.rows(chosen)
    assert (mask is None) == (expected is None)
    if mask is not None:
        assert mask.tolist() == expected.tolist()  # type: ignore[union-attr]
    for ours, theirs in zip(
        store.lexical(words, mask=mask, k=k),
        oracle.lexical(words, mask=mask, k=k),
        strict=True,
    ):
        assert ours.tolist() == theirs.tolist()
        assert ours.dtype == theirs.dtype
    for space, dimension in SPACES.items():
        asked = np.eye(dimension, dtype=np.float32)[:2] - 0.5
        found = store.dense(space, asked, mask=mask, k=k)
        for one, other in zip(found, oracle.dense(space, asked, mask=mask, k=k), strict=True):
            assert one[0].tolist() == other[0].tolist()
            assert one[1].tolist() == other[1].tolist()


def follow(
    store: Store,
    reader: Store,
    oracle: Store,
    work: list[list[Step]],
    chosen: Filters,
    words: list[str],
    k: int | None,
    lists: Sequence[Wanted],
    name: str,
) -> None:
    """Do the same work in a store and the oracle, comparing after each batch."""
    for video_id in IDS[:2]:
        for one in (store, oracle):
            one.put_video(Video(video_id, "x.mp4", language="de"))
    for batch in work:
        for step in batch:
            assert attempt(step, store) == attempt(step, oracle)
        for one in {id(store): store, id(reader): reader}.values():
            compare_known(one, oracle, lists, name)
            compare_table(one, oracle)
            compare_search(one, oracle, chosen, words, k)


@dataclass(frozen=True)
class Conformance:
    """The suite for one kind of store: `make` returns a fresh one, `again` opens a reader of it."""

    make: Callable[[], Store]
    again: Callable[[Store], Store] | None = None
    examples: int = 80
    """How often random work is drawn: less where each call asks a server."""

    def random_work(self) -> None:
        """Random writes are answered as the oracle answers, by the writer and by old readers."""

        @settings(
            max_examples=self.examples,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(
            work=st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=4),
            chosen=filters,
            words=st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=5),
            k=st.sampled_from([None, 0, 1, 3]),
            lists=st.lists(st.sampled_from(LISTS), min_size=1, max_size=2),
            name=st.sampled_from([*PATHS, "mp4", "三", "a" * 32, "bb", "nobody"]),
        )
        def check(
            work: list[list[Step]],
            chosen: Filters,
            words: list[str],
            k: int | None,
            lists: list[Wanted],
            name: str,
        ) -> None:
            store, oracle = self.make(), MemoryStore()
            reader = self.again(store) if self.again else store
            with closing(store), closing(reader):
                follow(store, reader, oracle, work, chosen, words, k, lists, name)

        check()

    def pages(self) -> None:
        """What is listed is read as asked for, of one state, whatever is written meanwhile."""
        with closing(self.make()) as store, pytest.MonkeyPatch.context() as patch:
            for module in ("known", "derived"):
                patch.setattr(f"q2e.store.{module}._AT_ONCE", 16)
            self._check_pages(store)

    def _check_pages(self, store: Store) -> None:
        many = 40
        names = [f"{number:032d}" for number in range(many)]
        old = DERIVED[0]
        store.put_video(Video(names[0], "x.mp4"))
        for number in range(many):
            one = Evidence(names[0], "speech", number, number + 1.0, "fire")
            key = StageKey(names[0], "speech", number)
            store.put_part(key, "v1", [Item(one, ("fire",))], derived=old)
            store.put_failure(Failure(f"{number:04d}.mp4", "no room"))
        failures, left = store.failures(), store.outdated(DERIVED[1])
        first, (key, was) = next(failures), next(left)
        assert (first.path, key.part, was) == ("0000.mp4", 0, old)
        store.clear_failure("0001.mp4")
        store.put_derived(DERIVED[1], [Remade(StageKey(names[0], "speech", 1), (("lake",),))])
        assert [one.path for one in failures] == [f"{n:04d}.mp4" for n in range(1, many)]
        assert [key.part for key, _ in left] == list(range(1, many))
        assert store.count_failures() == store.count_outdated(DERIVED[1]) == many - 1
        assert len(list(store.failures())) == len(list(store.outdated(DERIVED[1]))) == many - 1

    def versions(self) -> None:
        """The table's version tells whether rows came or went, and nothing else changes it."""
        with closing(self.make()) as store:
            self._check_versions(store)

    def _check_versions(self, store: Store) -> None:
        video = Video(IDS[0], "x.mp4")
        store.put_video(video)
        key = StageKey(video.id, "speech", 0)
        seen = [store.table().version]
        store.put_part(key, "v1", [Item(Evidence(video.id, "speech", 0, 1, "fire"), ("fire",))])
        seen.append(store.table().version)
        store.set_setting("name", "value")
        store.put_video(Video(video.id, "renamed.mp4"))
        assert store.table().version == seen[-1]
        store.put_part(key, "v2")
        seen.append(store.table().version)
        store.remove_video(video.id)
        seen.append(store.table().version)
        assert sorted(set(seen)) == seen

    def refusals(self) -> None:
        """What would damage the index is refused and leaves no trace."""
        with closing(self.make()) as store:
            self._check_refusals(store)

    def _check_refusals(self, store: Store) -> None:
        store.put_video(Video(IDS[0], "x.mp4"))
        key = StageKey(IDS[0], "frame", 0)

        def item(vector: list[float], **changed: Any) -> Item:
            facts = {"video": IDS[0], "channel": "frame", "start_s": 0.0, "end_s": 1.0, **changed}
            return Item(Evidence(vectors={"s": np.array(vector, np.float32)}, **facts))

        store.put_part(key, "v1", [item([1, 2])])
        for items in (
            [item([1, 2, 3])],
            [item([1, 2]), item([1, 2, 3])],
            [item([1, float("nan")])],
            [item([1, 70_000.0])],
            [item([1, 2], channel="speech")],
            [item([1, 2], video=IDS[1])],
        ):
            with pytest.raises(StoreError):
                store.put_part(key, "v2", items)
        with pytest.raises(StoreError):
            store.put_part(StageKey(IDS[1], "frame", 0), "v1")
        assert store.done(IDS[0]) == {("frame", 0): "v1"}
        assert store.vectors("s")[1].tolist() == [[1, 2]]
