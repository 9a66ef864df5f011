"""What is kept of a collection and added to is what is made of the whole of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.methods.calibrate.bank import Sampled, scale_of
from q2e.search.duplicates import Pairs, merged, twins
from q2e.search.kept import Kept
from q2e.search.rank import without_copies
from q2e.store import searching
from q2e.store.base import Item, StageKey, Table
from q2e.store.growing import Growing
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video

LENGTHS_S = (10.0, 10.2, 30.0)


def _add(
    store: SqliteStore, name: str, vectors: np.ndarray, length_s: float, part: int = 0
) -> None:  # type: ignore[type-arg]
    store.put_video(Video(name, f"{name}.mp4", duration_s=length_s))
    for channel, space in (("speech", "said"), ("frame", "seen")):
        items = [
            Item(Evidence(name, channel, place, place + 1, vectors={space: vector}))
            for place, vector in enumerate(vectors.astype(np.float32))
        ]
        store.put_part(StageKey(name, channel, part), "v1", items)


def _same(kept: Kept, path: Path) -> None:
    """Compare what grew with what another reader makes of the file."""
    with SqliteStore(path, read_only=True) as reader:
        fresh = Kept(reader)
        for space in reader.spaces():
            for ours, theirs in zip(kept.store.vectors(space), reader.vectors(space), strict=True):
                assert np.array_equal(ours, theirs)
            assert kept.mean_vectors(space) == pytest.approx(fresh.mean_vectors(space), abs=1e-5)
            ours, theirs = kept.centred_means(space), fresh.centred_means(space)
            assert ours == pytest.approx(theirs, abs=1e-4)
        every = np.arange(len(reader.table().video_ids))
        assert kept.copies_of(every) == fresh.copies_of(every)
        assert kept.store.spaces() == reader.spaces()
        rows = np.arange(len(reader.table()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(searching, "_MANY", -1)  # those of all are kept
            times_s = kept.store.times_s(rows)
        assert np.array_equal(times_s, reader.times_s(rows), equal_nan=True)


@pytest.mark.parametrize("seed", range(3))
def test_what_grew_with_the_store_is_what_a_new_one_says(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    path = tmp_path / "s.sqlite"
    drawn = random.standard_normal((4, 5, 8))
    seen = set()
    with SqliteStore(path) as store, SqliteStore(path, read_only=True) as reader:
        kept = Kept(reader)
        for number in range(24):
            vectors = drawn[random.integers(4)]
            _add(store, f"v{number}", vectors, float(random.choice(LENGTHS_S)))
            if number % 5 == 3:
                # An older video goes on, and is no copy any more.
                more = random.standard_normal((3, 8))
                _add(store, f"v{random.integers(number)}", more, 10.0, part=1)
            if number % 7 == 6:
                store.remove_video(f"v{number - 2}")
            if number % 2:
                _same(kept, path)
                every = np.arange(len(reader.table().video_ids))
                seen.add(len(kept.copies_of(every)))
        rows, matrix = reader.vectors("said")
        owner = reader.table().video[rows]
        for video in range(len(reader.table().video_ids)):
            total = matrix[owner == video].sum(axis=0)
            mean = total / (float(np.linalg.norm(total)) or 1.0)
            assert kept.mean_vectors("said")[video] == pytest.approx(mean, abs=1e-5)
    assert len(seen) > 3


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    with SqliteStore(tmp_path / "s.sqlite") as store:
        for number in range(6):
            _add(store, f"v{number}", random.standard_normal((3, 8)), 10.0)
        kept, some = Kept(store), np.arange(3)
        kept.copies_of(some)
        asked: list[int] = []
        lengths = store.durations_s
        monkeypatch.setattr(store, "durations_s", lambda n: asked.append(n) or lengths(n))
        monkeypatch.setattr(store, "videos", lambda: pytest.fail("all videos were read again"))
        _add(store, "new", random.standard_normal((3, 8)), 10.0)
        kept.copies_of(some)
        kept.copies_of(some)
        assert asked == [6]


def test_a_search_that_began_before_a_commit_finds_its_own_state() -> None:
    def table(version: int, rows: int) -> Table:
        numbers = np.arange(rows)
        columns = (numbers,) * 5
        return Table(version, numbers, *columns, ("v",) * rows, ("x",))  # type: ignore[arg-type]

    made: list[tuple[int, int]] = []

    def ask(growing: Growing[int], one: Table) -> int:
        def make(before: tuple[Table, int] | None) -> int:
            made.append((one.version, 0 if before is None else before[0].version))
            return len(one)

        return growing.of(one, make)

    growing: Growing[int] = Growing()
    states = [table(version, 2 * version) for version in range(1, 6)]
    for number in (0, 1, 0, 2, 1, 4, 3, 4):
        assert ask(growing, states[number]) == len(states[number])
    # Version 3 is still known when 4 is asked for after 5, and 5 is not forgotten for it.
    assert made == [(1, 0), (2, 1), (3, 2), (5, 3), (4, 3)]


@given(st.integers(2, 30), st.integers(0, 2**32 - 1), st.data())
def test_copies_of_some_are_those_among_the_copies_of_all(
    videos: int, seed: int, data: st.DataObject
) -> None:
    random = np.random.default_rng(seed)
    means = np.eye(4, dtype=np.float32)[random.integers(0, 4, videos)]
    means[random.random(videos) < 0.1] = 0
    length = random.choice([0.0, 9.6, 10.0, 10.4, 10.8, 60.0, 60.5, 61.2], videos)
    asked = data.draw(st.lists(st.integers(0, videos - 1), unique=True))
    every = twins(length, [means])
    some = twins(length, [means], np.array(asked, np.int64))
    for video, copies in every.items():
        wanted = copies if video in asked else tuple(one for one in copies if one in asked)
        assert some.get(video, ()) == wanted
    assert some.keys() <= every.keys()


@given(st.integers(2, 30), st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_first_hits_are_those_of_all_copies_joined(videos: int, seed: int, wanted: int) -> None:
    random = np.random.default_rng(seed)
    means = np.eye(4, dtype=np.float32)[random.integers(0, 4, videos)]
    length = random.choice([10.0, 60.0], videos)
    ranking = random.permutation(videos)[: int(random.integers(1, videos + 1))]

    class Few:
        def copies_of(self, asked: np.ndarray) -> Pairs:  # type: ignore[type-arg]
            return twins(length, [means], asked)

    order, also = without_copies(Few(), ranking, wanted)  # type: ignore[arg-type]
    every, left_out = merged(ranking, twins(length, [means]))
    assert order[:wanted].tolist() == every[:wanted].tolist()
    for hit in order[:wanted].tolist():
        assert also.get(hit, []) == left_out.get(hit, [])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_a_scale_grows_into_that_of_all_scores(sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    blocks = [random.normal(0.8, 0.05, (size, 3)).astype(np.float32) for size in sizes]
    grown = Sampled(1)
    for block in blocks:
        grown = grown.with_scores(block)
    whole = np.concatenate(blocks)
    if len(whole) > 1:
        assert grown.scale.mean == pytest.approx(float(whole.mean()), abs=1e-5)
        assert grown.scale.deviation == pytest.approx(float(whole.std()), rel=1e-3)
    assert grown.scale.deviation == pytest.approx(scale_of(whole).deviation, rel=1e-6)
