"""The engine in PostgreSQL beside the exact one: the same videos, pieces, words and filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from conftest import SIXTY
from postgres_server import PASSWORD, Server
from q2e.cli import app
from q2e.search.facets import facets
from q2e.store.base import Item, StageKey, Store
from q2e.store.bulk import Part, put_all
from q2e.store.engine import Engine, Request
from q2e.store.exact import ExactEngine
from q2e.store.postgres import finding
from q2e.store.postgres.engine import PostgresEngine
from q2e.store.postgres.postgresql import PostgresStore
from q2e.store.sqlite import SqliteStore
from q2e.text.lexical import indexed
from q2e.types import Evidence, Filters, Segment, Tag, Video

pytestmark = pytest.mark.scale

VIDEOS, DIMENSIONS, K = 400, 16, 20
CHANNELS = {"speech": 5, "screen_text": 2, "metadata": 1, "sound": 2}
WORDS = [f"word{number}" for number in range(60)]
FILTERS = [
    Filters(),
    Filters(languages=("de",)),
    Filters(without_languages=("de",), channels=("speech",)),
    Filters(since="2010", until="2012"),
    Filters(tags=("rare",)),
    Filters(without_channels=("speech",), shortest_s=500.0),
    Filters(videos=("v7", "v300", "nowhere")),
]


def fill(store: Store) -> None:
    """Put in the same made-up collection, whatever keeps it."""
    random = np.random.default_rng(3)
    for number in range(VIDEOS):
        video = f"v{number}"
        facts = Video(
            id=video, path=f"/v/{video}.mp4", duration_s=float(random.uniform(1, 1000)),
            date=f"{2000 + number % 20}-01-02", language=("de", "en", None)[number % 3],
            tags=("rare",) if number % 100 == 7 else (),
        )  # fmt: skip
        store.put_video(facts)
        subject = random.normal(size=DIMENSIONS)
        for channel, pieces in CHANNELS.items():
            items = []
            for place in range(pieces):
                vector = subject + random.normal(size=DIMENSIONS)
                unit = (vector / np.linalg.norm(vector)).astype(np.float32)
                said = tuple(random.choice(WORDS, int(random.integers(1, 9))).tolist())
                one = Evidence(video, channel, place * 1.0, place + 1.0, " ".join(said),
                               "fr" if place == 3 else None)  # fmt: skip
                if channel == "sound":
                    heard = ("dog", "music", "crying, sobbing")
                    one = replace(one, tags=(Tag(heard[number % 3], 0.5), Tag("wind", 0.4)))
                items.append(Item(replace(one, vectors={"space": unit}), said))
            store.put_part(StageKey(video, channel, 0), "made", items)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    one = Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        try:
            one.start()
            yield one
        finally:
            one.remove()


@pytest.fixture(scope="module")
def stores(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SqliteStore, PostgresStore]]:
    folder = tmp_path_factory.mktemp("engine")
    with (
        SqliteStore(folder / "index.sqlite") as here,
        PostgresStore(server.database("found"), folder / "far.sqlite") as there,
    ):
        fill(here)
        fill(there)
        yield here, there


def requests() -> list[Request]:
    random = np.random.default_rng(9)
    one = random.normal(size=(1, DIMENSIONS)).astype(np.float32)
    many = random.normal(size=(4, DIMENSIONS)).astype(np.float32) * 0.7  # of no unit length
    return [
        Request("meaning", "query", "space", one),
        Request("meaning", "sequel", "space", many, channels=("metadata", "speech")),
        Request("meaning", "query", "unknown", one),
        Request("words", "query", terms=("word3", "word3", "word17", "nowhere")),
    ]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_the_best_are_those_of_the_exact_scan(
    stores: tuple[SqliteStore, PostgresStore], filters: Filters
) -> None:
    here, there = stores
    exact, engine = ExactEngine(here), PostgresEngine(there, there._database)
    assert engine.exact
    asked = requests()
    theirs_of = [
        exact.best([one], filters, K)[0] if one.space != "unknown" else [] for one in asked
    ]
    for request, ours, theirs in zip(asked, engine.best(asked, filters, K), theirs_of, strict=True):
        known = {best.channel: best for best in theirs}
        assert {best.channel for best in ours} == set(known), request
        for best in ours:
            # Rounding to half precision may change places at the border.
            common = set(best.videos) & set(known[best.channel].videos)
            assert len(common) >= len(known[best.channel].videos) - 1
            assert best.floor >= known[best.channel].floor - 1e-6


def test_pieces_words_and_numbers_are_those_of_the_exact_scan(
    stores: tuple[SqliteStore, PostgresStore],
) -> None:
    here, there = stores
    exact, engine = ExactEngine(here), PostgresEngine(there, there._database)
    assert engine.counts() == exact.counts() and engine.counts().videos == VIDEOS
    assert set(engine.panel(50)) == set(exact.panel(50))
    names = ("v3", "v200", "nowhere", "v41")
    ours, theirs = engine.complete(names), exact.complete(names)
    assert ours.table.video_ids == theirs.table.video_ids
    for column in ("video", "channel", "start_s", "end_s", "length"):
        assert np.array_equal(getattr(ours.table, column), getattr(theirs.table, column)), column
    for one, other in zip(ours.vectors["space"], theirs.vectors["space"], strict=True):
        assert np.array_equal(one, other)
    for name in ("v3", "v30.mp4", "/v/v7.mp4", "v39", "", "地震", "\udce9", "v0.mp"):
        assert there.named(name) == here.named(name), name
    terms = ("word3", "word3", "word17", "nowhere")
    rows, scores = engine.lexical(terms, ours.table.evidence_id)
    places, wanted = exact.lexical(terms, theirs.table.evidence_id)
    own, other = np.argsort(rows), np.argsort(places)
    assert np.array_equal(rows[own], places[other])
    assert scores[own] == pytest.approx(wanted[other], rel=1e-5)
    assert [one.text for one in engine.evidence(ours.table.evidence_id)] == [
        one.text for one in exact.evidence(theirs.table.evidence_id)
    ]
    for filters in FILTERS:
        own = engine.rows(filters, ours.table.evidence_id)
        mask = exact.rows(filters, theirs.table.evidence_id)
        assert (own is None) == (mask is None)
        assert own is None or np.array_equal(own, mask), filters


def test_an_index_of_vectors_answers_once_it_is_built(
    stores: tuple[SqliteStore, PostgresStore],
) -> None:
    here, there = stores
    assert there.engine() is None
    assert there.build_engine() == there.build_engine() == len(CHANNELS)
    engine = there.engine()
    assert engine is not None and not engine.exact and there.unfound() == 0
    random, exact = np.random.default_rng(1), ExactEngine(here)
    for filters in FILTERS[:6]:
        found, wanted = 0, 0
        for _ in range(20):
            matrix = random.normal(size=(1, DIMENSIONS)).astype(np.float32)
            asked = [Request("meaning", "query", "space", matrix)]
            theirs = {best.channel: set(best.videos) for best in exact.best(asked, filters, K)[0]}
            for best in engine.best(asked, filters, K)[0]:
                found += len(theirs[best.channel] & set(best.videos))
                wanted += len(theirs[best.channel])
        assert found >= 0.97 * wanted > 0, filters
    # What is shown is counted on the server, where no columns are, and the same.
    far = PostgresStore(there._database.address, there._database.file, read_only=True)
    for only in FILTERS:
        for videos in (None, [f"v{number}" for number in range(0, VIDEOS, 3)]):
            counted = facets(far, only, videos)
            assert counted == facets(here, only, videos), only
            for name in ("tag", "sound"):
                assert list(counted[name]) == list(facets(here, only, videos)[name])
    table = here.table()
    assert far.held() == {name: int((table.channel == table.code(name)).sum())
                            for name in table.held}  # fmt: skip
    assert (far.spaces(), far.languages()) == (here.spaces(), here.languages())
    assert not far._database.loaded
    far.close()


def test_with_k_of_all_every_video_is_brought(
    stores: tuple[SqliteStore, PostgresStore],
) -> None:
    here, there = stores
    every_video_is_brought(PostgresEngine(there, there._database), ExactEngine(here))


def every_video_is_brought(engine: Engine, exact: ExactEngine) -> None:
    asked = [one for one in requests() if one.space != "unknown"]
    for filters in FILTERS:
        for request, ours, theirs in zip(
            asked,
            engine.best(asked, filters, VIDEOS + 1),
            exact.best(asked, filters, VIDEOS + 1),
            strict=True,
        ):
            known = {best.channel: set(best.videos) for best in theirs}
            assert {best.channel: set(best.videos) for best in ours} == known, (request, filters)
            assert all(best.floor < 0 for best in ours) or request.matrix is not None


def test_what_is_said_complete_on_an_index_of_vectors_is(
    stores: tuple[SqliteStore, PostgresStore],
) -> None:
    here, there = stores
    there.build_engine()
    engine = there.engine()
    assert engine is not None
    proofs_hold(engine, here)


def many_pieces(store: Store) -> None:
    """Put in 1,000 videos of 40 pieces; 3 of them have the tag `rare`, 10 are `seldom`."""
    random = np.random.default_rng(11)
    for start in range(0, 1_000, 100):
        videos, parts = [], []
        for number in range(start, start + 100):
            name = f"w{number}"
            tags = ("rare",) * (number % 333 == 5) + ("seldom",) * (number % 100 == 7)
            videos.append(Video(name, f"/w/{name}.mp4", 400.0, tags=tags))
            found = [
                Item(Evidence(name, "speech", at, at + 1, "", vectors={"space": vector}))
                for at, vector in enumerate(random.normal(size=(40, 8)).astype(np.float32))
            ]
            parts.append(Part(StageKey(name, "speech", 0), "made", found))
        put_all(store, videos, parts)


def few_are_found_among_many(engine: Engine, exact: ExactEngine) -> None:
    """Ask a graph of 40,000 pieces for the videos that a filter leaves, 3 or 10 of 1,000."""
    assert not engine.exact
    random = np.random.default_rng(4)
    for tag, left in (("rare", 3), ("seldom", 10)):
        for _ in range(6):
            matrix = random.normal(size=(1, 8)).astype(np.float32)
            asked, filters = [Request("meaning", "query", "space", matrix)], Filters(tags=(tag,))
            ((best,),) = engine.best(asked, filters, K)
            ((wanted,),) = exact.best(asked, filters, K)
            assert best.videos == wanted.videos and len(wanted.videos) == left, tag


def test_a_graph_is_walked_until_a_narrow_filter_has_its_best(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a hundredth of a million videos is too many to be scanned by the choice of ours."""
    monkeypatch.setattr(finding, "_SCANNED", 0)
    with PostgresStore(server.database("walked"), tmp_path / "walked.sqlite") as store:
        many_pieces(store)
        store.build_engine()
        engine = store.engine()
        assert engine is not None
        for walked in (False, True):
            with store.snapshot(), store._database.view() as view:
                if walked:  # as the server chooses to where statistics mislead it
                    for way in ("seqscan", "sort", "bitmapscan"):
                        view.connection.execute(f"SET LOCAL enable_{way} = off")
                    # Few pieces are met before pgvector ends its walk.
                    monkeypatch.setattr(finding, "_LOOKED_AT", 2_000)
                few_are_found_among_many(engine, ExactEngine(store))


def test_an_index_in_a_database_answers_like_a_file(
    stores: tuple[SqliteStore, PostgresStore],
    sample_index: q2e.Index,
    sixty: dict[str, q2e.Results],
    tmp_path: Path,
) -> None:
    """Sixty questions, by its columns and by its engine, over the samples."""
    here, there = sample_index.store, stores[1]
    index = q2e.open(tmp_path / "far", store=str(there._database.address))
    with index._writing(0.0) as store:
        copy(here, store)
    for built in (False, True):
        if built:
            # Who has begun to ask before goes on with the engine.
            where = ["--index", str(tmp_path / "far"), "--json"]
            done = CliRunner().invoke(app, ["engine", "rebuild", *where])
            assert done.exit_code == 0 and json.loads(done.output)["indexes"] > 0
            done = CliRunner().invoke(app, ["engine", "check", *where])
            assert done.exit_code == 0 and json.loads(done.output)["recall"] > 0.9
        for question, wanted in sixty.items():
            found_ = index.search(question)
            assert bool(found_.info["candidates"]) == built or not wanted.hits
            assert [hit.video.id for hit in found_] == [hit.video.id for hit in wanted], question
            assert [hit.score for hit in found_] == pytest.approx(
                [hit.score for hit in wanted], abs=1e-4
            )
    index.close()


@pytest.mark.parametrize(
    "question",
    ["a giant panda in Mexico", "地震 lang:zh", '"a giant panda" then snow', "snow or ракета"],
)
def test_a_search_asks_no_more_statements_for_more_hits(
    many: q2e.Index, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    asked: list[str] = []
    for kind in (psycopg.Cursor, psycopg.ServerCursor):
        own = kind.execute

        def noted(cursor: Any, sql: Any, *more: Any, own: Any = own, **options: Any) -> Any:
            asked.append(str(sql))
            return own(cursor, sql, *more, **options)

        monkeypatch.setattr(kind, "execute", noted)
    counts = {}
    for top in (10, 100):
        more = {"top": top, "confidence": 0.0, "duplicates": "keep"}
        many.search(question, **more)  # after which the laws of generic questions are known
        asked.clear()
        hits = many.search(question, **more)
        assert len(hits) == top and all(hit.moments and hit.why for hit in hits)
        counts[top] = len(asked)
    # Of few hits all may have been read before a step that reads the rest of many.
    assert counts[100] <= counts[10] + 2 <= 40, counts


@pytest.fixture(scope="module")
def many(
    stores: tuple[SqliteStore, PostgresStore], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[q2e.Index]:
    """More videos than a long list has hits, each of which says a little of everything."""
    where = tmp_path_factory.mktemp("many") / "many.q2e"
    random = np.random.default_rng(5)
    with q2e.open(where, store=str(stores[1]._database.address)) as index:
        texts = list(SIXTY)
        vectors, space = index.models.text.encode_passages(texts), index.models.text.space
        with index._writing(0.0) as store:
            store.set_setting("space.text", space)
            for number in range(120):
                name = f"m{number}"
                store.put_video(Video(name, f"/m/{name}.mp4", 60.0 + number, language="zh"))
                for channel in ("speech", "screen_text"):
                    chosen = random.permutation(len(texts))[:6].tolist()
                    items = [
                        Item(
                            Evidence(
                                *(name, channel, 9.0 * place, 9.0 * place + 8, texts[one]),
                                vectors={space: vectors[one]},
                            ),
                            indexed(texts[one]),
                        )
                        for place, one in enumerate(chosen)
                    ]
                    store.put_part(StageKey(name, channel, 0), "made", items)
                cuts = [Segment(0.0, 20.0), Segment(20.0, 60.0)]
                store.put_part(StageKey(name, "shots", 0), "made", segments=cuts)
            assert isinstance(store, PostgresStore)
            store.build_engine()
        yield index


def proofs_hold(engine: Engine, store: Store) -> None:
    """Ask an engine 600 cases: no video that it did not bring belongs to a list that is proved."""
    assert not engine.exact
    table = store.table()
    rows, matrix = store.vectors("space")
    own = table.channel[rows] == table.code("speech")
    owner, vectors = table.video[rows[own]], matrix[own]
    random = np.random.default_rng(17)
    cases: list[list[Request]] = []
    for number in range(600):
        near = vectors[random.integers(len(vectors))]
        asked = near + random.normal(0, 0.05, (int(random.integers(1, 4)), DIMENSIONS))
        cases.append(
            [
                Request("meaning", f"{number}.{part}", "space", one[None], channels=("speech",))
                for part, one in enumerate(asked.astype(np.float32))
            ]
        )
    found = iter(engine.best([one for case in cases for one in case], Filters(), K))
    place = {name: number for number, name in enumerate(table.video_ids)}
    proved, wrong = 0, 0
    for case in cases:
        score, bound, seen = np.zeros(len(place)), 0.0, set[int]()
        for one in case:
            row = np.full(len(place), -np.inf)
            assert one.matrix is not None
            np.maximum.at(row, owner, vectors @ one.matrix[0])
            (best,) = next(found)
            score, bound = score + row, bound + best.floor
            seen |= {place[name] for name in best.videos}
        inside = np.array(sorted(seen))
        last = np.sort(score[inside])[-3]
        if bound <= last:
            proved += 1
            wrong += bool((np.delete(score, inside) > last + 1e-6).any())
    assert proved >= 180 and wrong == 0, (proved, wrong)


def copy(here: Store, there: Store) -> None:
    """Put what a search reads of one store into another; what a channel found in one part."""
    for name in ("space.text", "space.image", "profile"):
        if (known := here.setting(name)) is not None:
            there.set_setting(name, known)
    table = here.table()
    found = {space: dict(zip(rows.tolist(), matrix, strict=True))
             for space in here.spaces() for rows, matrix in [here.vectors(space)]}  # fmt: skip
    for number, name in enumerate(table.video_ids):
        video = here.video(name)
        assert video is not None
        there.put_video(video)
        there.put_part(StageKey(name, "shots", 0), "made", segments=here.segments(name))
        for code, channel in enumerate(table.channels):
            rows = np.flatnonzero((table.video == number) & (table.channel == code)).tolist()
            items = [
                Item(
                    replace(one, vectors={s: own[row] for s, own in found.items() if row in own}),
                    indexed(one.text) if table.length[row] else (),
                )
                for row, one in zip(rows, here.evidence(rows), strict=True)
            ]
            if items:
                there.put_part(StageKey(name, channel, 0), "made", items)
