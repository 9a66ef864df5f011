"""Engines apart from their servers: addresses, what changed, what is looked at, what words weigh.

How they find is tried on real servers: `test_engine_postgres.py` and `test_engine_milvus.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import q2e
from q2e.errors import ConfigError, MissingDependency, StoreError
from q2e.plugins import registry
from q2e.store import changed
from q2e.store.base import Derived, Item, Remade, StageKey
from q2e.store.beside import among, cut
from q2e.store.engine import Request
from q2e.store.exact import ExactEngine
from q2e.store.lean import LeanEngine
from q2e.store.memory import MemoryStore
from q2e.store.milvus.address import connect, place, told
from q2e.store.milvus.engine import weighted
from q2e.store.milvus.pieces import copied
from q2e.store.milvus.tables import conditions
from q2e.store.sqlite import SqliteStore
from q2e.text.lexical import indexed
from q2e.types import Evidence, Filters, Video

#: A word of each of the eleven languages, and one that all pieces hold.
TEXTS = ("فيضان", "Überflutung", "flood", "inundación", "inondation", "बाढ़", "洪水", "홍수",
         "наводнение", "น้ำท่วม", "水灾")  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "index.sqlite") as kept:
        random = np.random.default_rng(2)
        for number, text in enumerate(TEXTS):
            kept.put_video(Video(f"v{number}", f"/{number}.mp4", 10.0 + number))
            for channel in ("speech", "metadata"):
                items = []
                for place_ in range(1 + number % 3):
                    vector = random.normal(size=4).astype(np.float32)
                    said = f"{text} news" + " more" * place_
                    one = Evidence(f"v{number}", channel, place_, place_ + 1.0, said)
                    items.append(Item(replace(one, vectors={"space": vector}), indexed(said)))
                kept.put_part(StageKey(f"v{number}", channel, 0), "made", items)
        yield kept


@pytest.mark.parametrize(
    ("address", "uri", "name"),
    [
        ("milvus://db", "http://db:19530", "q2e"),
        ("milvus://db:1/archive?secure=true", "https://db:1", "archive"),
        ("milvus://[::1]:5/a_1?database=x", "http://[::1]:5", "a_1"),
        ("milvus:///tmp/a.db#b", "/tmp/a.db", "b"),
    ],
)
def test_addresses_say_where(address: str, uri: str, name: str) -> None:
    assert (place(address).uri, place(address).name) == (uri, name)
    assert str(registry().one("engine", address)) == address


@pytest.mark.parametrize(
    "address",
    ["milvus://", "milvus://u:pw@db/x", "milvus://u@db/x", "milvus://db/a-b", "milvus://db/a/b",
     "milvus://db:x", "milvus://db/a?token=1", "milvus://db/a?secure=perhaps", "milvus:///tmp/a"],
)  # fmt: skip
def test_addresses_that_say_nothing_or_too_much_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"MILVUS_TOKEN|must be like") as refused:
        registry().one("engine", address)
    assert "pw" not in str(refused.value)


def test_what_is_missing_is_said(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MissingDependency, match=r'pip install "q2e\[milvus\]"'):
        connect("milvus://db")
    make = registry().one("engine", "milvus://db").bound
    assert make(store).engine() is None and make(store).unfound() == 0
    with pytest.raises(StoreError, match="beside the stores sqlite and postgresql"):
        make(MemoryStore())
    assert registry().one("engine", "own").bound(store) is None
    with pytest.raises(StoreError, match="no engine"):
        q2e.open(tmp_path / "none").build_engine()
    for said, step in (
        ("Fail connecting to server", "start it"),
        ("auth check failure, user:pw@", "MILVUS_TOKEN"),
        ("collection not found[collection=x]", "q2e engine rebuild"),
    ):
        assert step in str(told(RuntimeError(said), "milvus://db"))


def test_videos_that_change_are_noted_with_the_change(store: SqliteStore) -> None:
    with store.view() as view, store.writing() as writer:
        for _ in range(2):
            changed.note(writer, view.dialect.noting)
    number = {f"v{n}": n + 1 for n in range(len(TEXTS))}

    def noted() -> list[int]:
        with store.view() as view:
            found = changed.numbers(view)
        with store.writing() as writer:
            changed.forget(writer, found)
        return found

    assert noted() == []
    facts = store.video("v2")
    assert facts is not None
    store.put_video(facts)
    store.set_setting("a", "b")
    assert noted() == []
    store.put_video(replace(facts, language="es"))
    assert noted() == [number["v2"]]
    store.put_part(StageKey("v3", "speech", 0), "again")
    assert noted() == [number["v3"]]
    remade = Remade(StageKey("v4", "metadata", 0), (("word",), ("word",)))
    store.put_derived(Derived("9", "space"), [remade])
    assert noted() == [number["v4"]]
    store.remove_video("v5")
    assert noted() == [number["v5"]]
    with pytest.raises(StoreError), store.writing() as writer:
        writer.execute("DELETE FROM video")
        raise StoreError("stopped")
    assert noted() == []


def test_named_videos_are_scored_as_by_the_exact_engine(store: SqliteStore) -> None:
    exact, lean = ExactEngine(store), LeanEngine(store)
    names = ("v1", "v8", "nowhere", "v10")
    ours, theirs = lean.complete(names), exact.complete(names)
    assert ours.table.video_ids == theirs.table.video_ids == ("v1", "v8", "v10")
    for one, other in zip(ours.vectors["space"], theirs.vectors["space"], strict=True):
        assert np.array_equal(one, other)
    matrix = np.eye(4, dtype=np.float32)[:2] * 3
    asked = [
        Request("meaning", "query", "space", matrix, channels=("speech",)),
        Request("words", "query", terms=("news", *indexed(TEXTS[8]))),
        Request("meaning", "query", "unknown", matrix),
    ]
    for filters in (Filters(), Filters(longest_s=15.0, without_channels=("metadata",))):
        found = among(lean, store.table().video_ids, asked, filters)
        for request, own in zip(asked[:2], found, strict=False):
            ours_ = [cut(name, one, -np.inf, 3) for name, one in own.items()]
            wanted = exact.best([request], filters, 3)[0]
            assert {(b.channel, b.videos[0]) for b in ours_} == {
                (b.channel, b.videos[0]) for b in wanted
            }
            floors = {b.channel: b.floor for b in wanted}
            assert all(b.floor >= floors[b.channel] for b in ours_)
        assert found[2] == {}


def test_words_weigh_the_same_as_an_inner_product(store: SqliteStore) -> None:
    exact = ExactEngine(store)
    ids = store.table().evidence_id
    with store.view() as view:
        for text in TEXTS:
            terms = ("news", "news", *indexed(text), "nowhere")
            known = exact.statistics(terms)
            means = {name: one.words / one.pieces for name, one in known.items()}
            rows = copied(view, list(range(1, 12)), "x", 1, means).rows["words"]
            pairs = zip(*(one.tolist() for one in exact.lexical(terms, ids)), strict=True)
            scores = dict(pairs)
            assert len(rows) == len(scores) == len(ids)
            for row in rows:
                asked = weighted(terms, known[row["channel"]])
                product = sum(w * row["vector"].get(at, 0.0) for at, w in asked.items())
                one = int(np.searchsorted(ids, int(row["id"].partition("/")[2])))
                assert product == pytest.approx(scores[one], abs=2e-6)


def test_filters_cannot_say_more_than_they_mean() -> None:
    hostile = 'x"] or true or language in ["'
    said = conditions(Filters(languages=(hostile,), tags=(hostile,), since="2010", until="2012-05"))
    assert said.count(" and (") == 4 and '\\"' in said
    assert conditions(Filters()) == ""
