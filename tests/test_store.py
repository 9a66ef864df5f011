"""All stores pass the conformance suite, and real sizes agree with the oracle."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import q2e
from conformance_store import Conformance
from q2e.errors import ConfigError, IndexMissing, StoreError
from q2e.plugins import registry
from q2e.store.base import Item, Opener, StageKey, Store
from q2e.store.memory import MemoryStore
from q2e.store.rank import best, top
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Filters, Video

CHECKS = ("random_work", "pages", "versions", "refusals")
#: Stores that need no server; the others have tests of their own, marked `scale`.
HERE = [one for one in registry().names("store") if not registry().get("store", one).needs]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", HERE)
def test_every_store_conforms(name: str, check: str, tmp_path: Path) -> None:
    opener: Opener = registry().one("store", name).bound
    files = (tmp_path / f"{number}.sqlite" for number in itertools.count())
    made: dict[int, Path] = {}

    def make() -> Store:
        file = next(files)
        store = opener(file, False, 0.0)
        made[id(store)] = file
        return store

    def again(store: Store) -> Store:
        return opener(made[id(store)], True, 0.0)

    getattr(Conformance(make, again), check)()


@pytest.mark.parametrize("name", HERE)
def test_a_store_is_chosen_by_name(name: str, tmp_path: Path, samples: Path) -> None:
    place, clip = tmp_path / "i", samples / "clips" / "call-06.mp4"
    with q2e.open(place, store=name, channels=("metadata",)) as index:
        assert not index.exists
        with pytest.raises(IndexMissing, match="make one with  q2e index"):
            index.search("phone")
        assert index.add(clip).ok and index.exists and len(index) == 1
        hit = index.search("phone call", confidence=0)[0]
        assert Path(hit.video.path).name == clip.name
        index.remove(clip.name, forget=True)
        assert not index.videos() and index.store.setting("space.text")
    other = next(one for one in HERE if one != name)
    with q2e.open(place, store=other) as index, pytest.raises(ConfigError, match="another index"):
        index.add(clip)
    with pytest.raises(ConfigError, match=f"unknown store '{name}s'; did you mean '{name}'"):
        q2e.open(tmp_path / "other", store=name + "s")


def fill(store: Store, videos: int, each: int, seed: int = 0) -> None:
    """Put random speech with vectors of 32 dimensions."""
    random = np.random.default_rng(seed)
    for number in range(videos):
        video = Video(f"{seed}-{number:030d}", f"{number}.mp4", language="en")
        store.put_video(video)
        vectors = random.standard_normal((each, 32)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        items = []
        for place, vector in enumerate(vectors):
            words = tuple(f"w{n}" for n in random.zipf(1.5, 12).clip(max=300))
            evidence = Evidence(video.id, "speech", place, place + 1, vectors={"s": vector})
            items.append(Item(evidence, words))
        store.put_part(StageKey(video.id, "speech", 0), "v1", items)


def test_real_sizes_rank_as_the_oracle_does(tmp_path: Path) -> None:
    oracle, store = MemoryStore(), SqliteStore(tmp_path / "s.sqlite")
    for one in (oracle, store):
        fill(one, videos=10, each=30)
    queries = np.random.default_rng(1).standard_normal((4, 32)).astype(np.float32)
    for (rows, scores), (expected, exact) in zip(
        store.dense("s", queries), oracle.dense("s", queries), strict=True
    ):
        # The order of summation differs in the last bit.
        assert rows.tolist() == expected.tolist()
        assert np.allclose(scores, exact, atol=1e-6)
    for words in (["w1", "w2"], ["w7", "w9", "w9", "w300"], ["nothing"]):
        for ours, theirs in zip(store.lexical(words), oracle.lexical(words), strict=True):
            assert ours.tolist() == theirs.tolist()
    store.close()


@pytest.mark.parametrize("k", [1, 10, 65_536, 200_000])
def test_blocks_give_what_the_whole_gives(k: int) -> None:
    random = np.random.default_rng(k)
    matrix = random.integers(-3, 4, (150_000, 3)).astype(np.float32)
    queries = random.integers(-3, 4, (3, 3)).astype(np.float32)
    rows = np.arange(150_000) * 2
    for query, (found, scores) in zip(queries, top(queries, rows, matrix, k), strict=True):
        exact = matrix @ query
        order = np.lexsort((rows, -exact))[:k]
        assert np.array_equal(found, rows[order])
        assert np.array_equal(scores, exact[order])


def test_signed_zeros_tie_and_infinities_have_their_place() -> None:
    scores = np.array([0.0, -0.0, -np.inf, 1e-40, np.inf, -1.0], np.float32)
    assert best(np.arange(6), scores, None)[0].tolist() == [4, 3, 0, 1, 5, 2]


def test_a_snapshot_stays_while_others_write(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.sqlite") as writer:
        fill(writer, videos=2, each=5)
        with SqliteStore(tmp_path / "s.sqlite", read_only=True) as reader:
            query = np.ones((1, 32), np.float32)
            with reader.snapshot():
                table = reader.table()
                writer.remove_video(table.video_ids[0])
                fill(writer, videos=3, each=5, seed=1)
                # Another thread goes on to the newest state meanwhile.
                seen: list[int] = []
                other = threading.Thread(target=lambda: seen.append(len(reader.table())))
                other.start()
                other.join()
                assert seen == [20]
                assert reader.table() is table
                mask = reader.rows(Filters(videos=table.video_ids[:1]))
                assert mask is not None
                assert mask.sum() == 5
                rows, _ = reader.dense("s", query, mask=mask)[0]
                found = reader.evidence(rows)
                assert {one.video for one in found} == {table.video_ids[0]}
                assert len(reader.lexical(["w1"], mask=mask)[0]) <= 5
            assert len(reader.table()) == 20
            with pytest.raises(StoreError, match="snapshot"):
                reader.dense("s", query, mask=mask)


def test_room_for_growth_is_never_shared_by_two_states(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.sqlite") as writer:
        fill(writer, videos=4, each=50)
        with SqliteStore(tmp_path / "s.sqlite", read_only=True) as reader:
            first = reader.vectors("s")[1].copy()
            held = []
            for seed in range(1, 6):
                fill(writer, videos=1, each=3, seed=seed)
                _, matrix = reader.vectors("s")
                held.append((matrix, matrix.copy()))
            writer.remove_video(writer.table().video_ids[4])
            fill(writer, videos=1, each=3, seed=9)
            assert reader.vectors("s")[1].shape == (215, 32)
            for matrix, copied in held:
                assert np.array_equal(matrix, copied)
                assert np.array_equal(matrix[:200], first)
            with pytest.raises(ValueError, match="read-only"):
                matrix[0] = 0


def test_many_threads_read_while_one_writes(tmp_path: Path) -> None:
    writer = SqliteStore(tmp_path / "s.sqlite")
    fill(writer, videos=3, each=10)
    reader = SqliteStore(tmp_path / "s.sqlite", read_only=True)
    stop = threading.Event()
    faults: list[str] = []

    def ask(store: SqliteStore) -> None:
        query = np.ones((1, 32), np.float32)
        while not stop.is_set():
            with store.snapshot():
                table = store.table()
                rows, _ = store.dense("s", query, k=7)[0]
                words, _ = store.lexical(["w1", "w2"])
                if {len(store.evidence(rows)), len(rows)} != {7} or len(table) % 10:
                    faults.append(f"{table} {rows}")
                if len(words) and words.max() >= len(table):
                    faults.append(f"{table} {words}")

    threads = [threading.Thread(target=_note(ask, one, faults)) for one in [reader, writer] * 3]
    for thread in threads:
        thread.start()
    for seed in range(1, 16):
        fill(writer, videos=1, each=10, seed=seed)
        if seed % 3 == 0:
            writer.remove_video(f"{seed}-{0:030d}")
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(reader.table()) == 130
    reader.close()
    writer.close()


def _note(
    ask: Callable[[SqliteStore], None], store: SqliteStore, faults: list[str]
) -> Callable[[], None]:
    def run() -> None:
        try:
            ask(store)
        except (StoreError, LookupError, ValueError) as error:
            faults.append(repr(error))

    return run
