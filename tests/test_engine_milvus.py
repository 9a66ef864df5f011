"""The engine in Milvus beside the exact one: the same videos, words and filters; and its losses.

On the standalone server 2.3.5, which knows no sparse vectors and groups nothing; on milvus-lite,
which does both; and on any cluster that `Q2E_TEST_MILVUS` names, as milvus://HOST:19530.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from milvus_server import Server
from postgres_server import PASSWORD
from postgres_server import Server as Postgres
from q2e.cli import app
from q2e.errors import StoreError
from q2e.store.base import Derived, Item, Remade, StageKey
from q2e.store.beside import among
from q2e.store.bulk import Part, put_all
from q2e.store.engine import Engine, Request
from q2e.store.exact import ExactEngine
from q2e.store.milvus import tables
from q2e.store.milvus.engine import MilvusEngine
from q2e.store.milvus.milvus import Milvus, milvus
from q2e.store.postgres.postgresql import PostgresStore
from q2e.store.searching import Searching
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Filters, Video
from test_engine_postgres import DIMENSIONS, FILTERS, VIDEOS, K, copy, fill, proofs_hold
from test_engine_postgres import requests as asked_of

pytestmark = [pytest.mark.scale, pytest.mark.timeout(1_500)]


@pytest.fixture(scope="module")
def server(milvus_server: Server) -> Server:
    return milvus_server


#: Catalogue and Milvus, one beside the other.
BESIDE = (("sqlite", "server"), ("postgresql", "server"), ("sqlite", "lite"), ("sqlite", "cluster"))


@pytest.fixture(scope="module", params=BESIDE, ids="-".join)
def beside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Searching, str]]:
    """A filled catalogue, and where its copy is to be, of a name that no other run has."""
    catalogue, where = request.param
    address = at(where, request, tmp_path_factory.mktemp("lite"))
    folder = tmp_path_factory.mktemp("kept")
    with ExitStack() as stack:
        if catalogue == "sqlite":
            kept: Searching = stack.enter_context(SqliteStore(folder / "index.sqlite"))
        else:
            stack.enter_context(pytest.MonkeyPatch.context()).setenv("PGPASSWORD", PASSWORD)
            postgres = Postgres()
            stack.callback(postgres.remove)
            postgres.start()
            kept = stack.enter_context(PostgresStore(postgres.database("m"), folder / "m.sqlite"))
        fill(kept)
        yield kept, address


def at(where: str, request: pytest.FixtureRequest, folder: Path) -> str:
    name = f"t{uuid4().hex[:8]}"
    if where == "server":
        return f"{request.getfixturevalue('server').address}/{name}"
    if where == "lite":
        pytest.importorskip("milvus_lite")
        return f"milvus://{folder / 'm.db'}#{name}"
    given = os.environ.get("Q2E_TEST_MILVUS")
    if not given:
        pytest.skip("Q2E_TEST_MILVUS names no cluster: Milvus 2.4 and later are not run here")
    return f"{given.rstrip('/')}/{name}"


def test_the_server_is_reached_on_the_loopback_alone(server: Server) -> None:
    """All that it binds lies in a network without other addresses."""
    inside, _, outside = server.listening().partition("LISTEN 0      100")
    assert ":19530" in inside and ":19530" not in outside, server.listening()
    assert f"127.0.0.1:{server.port}" in outside


def test_the_best_are_those_of_the_exact_scan(beside: tuple[Searching, str]) -> None:
    store, address = beside
    made = milvus(store, address=address, index="flat")
    assert made.engine() is None
    assert made.build_engine() == made.build_engine() > 0
    assert made.unfound() == 0
    engine, exact = made.engine(), ExactEngine(store)
    assert isinstance(engine, MilvusEngine) and engine.exact
    for filters in FILTERS:
        compared(engine, exact, filters)
    _counted(made)
    written(store, made, exact)


def _counted(made: Milvus) -> None:
    """Nothing is held twice after it was made twice."""
    vectors = sum(len(made.store.vectors(space)[0]) for space in made.store.spaces())
    assert made._tables.count("space") == vectors


def compared(engine: Engine, exact: ExactEngine, filters: Filters) -> None:
    asked = [one for one in asked_of() if one.space != "unknown"]
    unknown = Request("meaning", "query", "unknown", np.ones((1, DIMENSIONS), np.float32))
    assert engine.best([unknown], filters, K) == [[]]
    for request, ours, theirs in zip(
        asked, engine.best(asked, filters, K), exact.best(asked, filters, K), strict=True
    ):
        known = {best.channel: best for best in theirs}
        assert {best.channel for best in ours} == set(known), (request, filters)
        scores = among(exact, exact.panel(VIDEOS + 1), [request], filters)[0]
        for best in ours:
            wanted, own = known[best.channel], scores[best.channel]
            # Rounding, and equal weights of words, may change places at the border alone.
            border = min(own[video] for video in wanted.videos)
            missed = set(wanted.videos) - set(best.videos)
            assert max((own[one] for one in missed), default=border) <= border + 2e-3, filters
            assert min(own[one] for one in best.videos) >= border - 2e-3, (request, filters)
            assert len(best.videos) == len(wanted.videos)
            assert best.floor >= wanted.floor - 1e-6, (request, filters)


def written(store: Searching, made: Milvus, exact: ExactEngine) -> None:
    """What is written later is found at once, from the catalogue; after `follow`, from Milvus."""
    vector = np.full(DIMENSIONS, 0.25, np.float32)
    asked = [
        Request("meaning", "query", "space", vector[None]),
        Request("words", "query", terms=("unheard",)),
    ]
    engine = made.engine()
    assert engine is not None
    late = Evidence("late", "speech", 0.0, 1.0, "unheard", "ja", vectors={"space": vector})
    store.put_video(Video("late", "/v/late.mp4", 5.0, tags=("é 'tag\"",)))  # type: ignore[attr-defined]
    key = StageKey("late", "speech", 0)
    store.put_part(key, "made", [Item(late, ("unheard",))])  # type: ignore[attr-defined]
    for follow in (False, True):
        assert not follow or made.follow() == 1
        for best in engine.best(asked, Filters(), 3):
            assert best[-1].videos[:1] == ("late",) or "late" in {v for b in best for v in b.videos}
        compared(engine, exact, Filters(languages=("ja",)))
    assert made.unfound() == 0 and made.follow() == 0
    # Facts, words and texts that change, and videos that go.
    store.put_video(Video("v3", f"/v/{uuid4().hex}.mp4", 5.0, language="ja"))  # type: ignore[attr-defined]
    other = (np.full(DIMENSIONS, -0.25, np.float32),)
    remade = Remade(key, (("heard", "heard"),), other)
    store.put_derived(Derived("9", "space"), [remade])  # type: ignore[attr-defined]
    for follow in (False, True):
        assert not follow or made.follow() == 2
        compared(engine, exact, Filters(languages=("ja",)))
        found = engine.best([Request("words", "query", terms=("heard",))], Filters(), 3)
        assert [best.videos for best in found[0]] == [("late",)]
    store.remove_video("late")  # type: ignore[attr-defined]
    for follow in (False, True):
        assert not follow or made.follow() == 1
        compared(engine, exact, Filters())
    assert made.unfound() == 0


def test_words_weigh_what_ours_do(beside: tuple[Searching, str]) -> None:
    """The inner product of the sparse vectors is the score that the catalogue gives."""
    store, _ = beside
    from q2e.store.milvus.engine import weighted
    from q2e.store.milvus.pieces import copied

    exact = ExactEngine(store)
    terms = ("word3", "word3", "word17", "nowhere")
    known = exact.statistics(terms)
    means = {name: one.words / one.pieces for name, one in known.items()}
    with store.view() as view:
        numbers = [row[0] for row in view.connection.execute("SELECT number FROM video")]
        rows = copied(view, numbers, "x", 1, means).rows["words"]
    ids = store.table().evidence_id
    scores = dict(zip(*(one.tolist() for one in exact.lexical(terms, ids)), strict=True))
    found = 0
    for row in rows:
        asked = weighted(terms, known[row["channel"]])
        product = sum(weight * row["vector"].get(place, 0.0) for place, weight in asked.items())
        place = int(np.searchsorted(ids, int(row["id"].partition("/")[2])))
        assert product == pytest.approx(scores.get(place, 0.0), abs=2e-6)
        found += product > 0
    assert found == len(scores) > 50


def test_an_index_of_vectors_finds_what_a_scan_does(beside: tuple[Searching, str]) -> None:
    store, address = beside
    made = milvus(store, address=address)
    made.build_engine()
    engine, exact = made.engine(), ExactEngine(store)
    assert engine is not None and not engine.exact
    random = np.random.default_rng(1)
    for filters in FILTERS[:6]:
        found, wanted = 0, 0
        for _ in range(6):
            matrix = random.normal(size=(1, DIMENSIONS)).astype(np.float32)
            asked = [Request("meaning", "query", "space", matrix)]
            theirs = {best.channel: set(best.videos) for best in exact.best(asked, filters, K)[0]}
            for best in engine.best(asked, filters, K)[0]:
                found += len(theirs[best.channel] & set(best.videos))
                wanted += len(theirs[best.channel])
        assert found >= 0.97 * wanted > 0, filters


def test_where_a_graph_ends_before_its_time_all_is_looked_at(
    beside: tuple[Searching, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Milvus 2.3.5 may find one row, or none, of many that satisfy a condition."""
    store, address = beside
    if ".db" in address:
        pytest.skip("milvus-lite, for trials, knows no remainders by which to look at all")
    made, walked = milvus(store, address=address), tables.Tables.search
    made.build_engine()

    def ending(self: tables.Tables, *given: Any, **more: Any) -> Any:
        found = walked(self, *given, **more)
        return found if " % " in given[2] else [one[:1] for one in found]

    monkeypatch.setattr(tables.Tables, "search", ending)
    monkeypatch.setattr("q2e.store.milvus.engine._SCANNED", 0)
    engine, exact = made.engine(), ExactEngine(store)
    assert engine is not None
    for filters in (Filters(), Filters(languages=("de",)), Filters(tags=("rare",))):
        compared(engine, exact, filters)


def test_a_segment_whose_graph_ends_early_hides_nothing_of_what_filters_leave(
    beside: tuple[Searching, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many rows come as were asked for, only not the best: no count tells of it."""
    store, address = beside
    if ".db" in address:
        pytest.skip("milvus-lite, for trials, knows no remainders by which to look at all")
    made, walked = milvus(store, address=address), tables.Tables.search
    made.build_engine()
    scans = []

    def worse(self: tables.Tables, space: str, data: Any, condition: str, limit: int) -> Any:
        """Stand for a segment that had the best half, and gave none of it."""
        scan = " % " in condition
        scans.append(scan)
        found = walked(self, space, data, condition, limit if scan else 2 * limit)
        return found if scan else [one[-limit:] for one in found]

    monkeypatch.setattr(tables.Tables, "search", lambda self, *given, **_: worse(self, *given))
    monkeypatch.setattr("q2e.store.milvus.engine._NONE_WALKED", 0.0)
    monkeypatch.setattr("q2e.store.milvus.engine._SCANNED", 0)
    engine, exact = made.engine(), ExactEngine(store)
    assert engine is not None
    for filters in (Filters(languages=("de",)), Filters(tags=("rare",))):
        compared(engine, exact, filters)
    assert all(scans)
    scans.clear()
    engine.best(asked_of()[:1], Filters(), 1)
    assert scans and not any(scans)


def test_of_shares_none_holds_back_one_of_the_best(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share is asked for a quarter at first; here one has all of the best."""
    with SqliteStore(tmp_path / "index.sqlite") as store:
        videos = [Video(f"{number:032}", f"{number}.mp4") for number in range(64)]
        parts = []
        for number, video in enumerate(videos):
            near = np.float32(1.0 if number % tables._SHARES == 3 else 0.5)
            vectors = near + np.arange(64, dtype=np.float32)[:, None] / 1_000 * np.ones(8)
            found = [
                Evidence(video.id, "speech", at, at + 1, "a", vectors={"space": vector})
                for at, vector in enumerate(vectors.astype(np.float32))
            ]
            parts.append(
                Part(StageKey(video.id, "speech", 0), "made", [Item(one) for one in found])
            )
        put_all(store, videos, parts)
        made = milvus(store, address=f"{server.address}/s{uuid4().hex[:8]}")
        made.build_engine()
        question = np.ones((1, 8), np.float32)
        asked: list[int] = []
        walked = tables.Tables.search

        def noted(self: tables.Tables, *given: Any, **more: Any) -> Any:
            asked.append(given[3])
            return walked(self, *given, **more)

        monkeypatch.setattr(tables.Tables, "search", noted)
        (found,) = made._tables.scanned("space", list(question), "", 256)
        assert len(found) == 256 and min(score for _, score in found) >= 8.0
        assert asked == [64] * tables._SHARES + [256] * tables._SHARES


def test_tight_groups_are_all_found(server: Server, tmp_path: Path) -> None:
    """As pieces of one long video are, or copies: what graphs walk worst."""
    random = np.random.default_rng(6)
    subjects = random.normal(size=(60, 64))
    with SqliteStore(tmp_path / "index.sqlite") as store:
        videos, parts = [], []
        for number in range(300):
            name = f"{number:03}"
            videos.append(Video(name, f"/{name}.mp4", 60.0))
            about = subjects[number % 60] + 0.1 * random.normal(size=64)
            for channel in ("speech", "screen_text", "metadata"):
                vectors = about + 0.1 * random.normal(size=(10, 64))
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                found = [
                    Evidence(name, channel, at, at + 1, "", vectors={"space": vector})
                    for at, vector in enumerate(vectors.astype(np.float32))
                ]
                items = [Item(one) for one in found]
                parts.append(Part(StageKey(name, channel, 0), "made", items))
        put_all(store, videos, parts)
        made = milvus(store, address=f"{server.address}/g{uuid4().hex[:8]}")
        made.build_engine()
        engine, exact = made.engine(), ExactEngine(store)
        assert engine is not None
        for subject in subjects[::2].astype(np.float32):
            asked = [Request("meaning", "query", "space", subject[None])]
            ours, theirs = engine.best(asked, Filters(), K)[0], exact.best(asked, Filters(), K)[0]
            known = {best.channel: set(best.videos) for best in ours}
            for best in theirs:
                assert len(known.get(best.channel, set()) & set(best.videos)) >= 0.9 * K, subject


def test_what_comes_in_small_parts_is_sealed_once_it_is_much(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more unsealed rows than `UNSEALED` Milvus 2.3 misses half of the best."""
    monkeypatch.setattr(tables, "UNSEALED", 2_500)
    random = np.random.default_rng(2)
    with SqliteStore(tmp_path / "index.sqlite") as store:
        made = milvus(store, address=f"{server.address}/t{uuid4().hex[:8]}")
        held = []
        for number in range(6):
            video = Video(f"{number:032}", f"{number}.mp4")
            found = [
                Evidence(video.id, "speech", place, place + 1, "a", vectors={"space": vector})
                for place, vector in enumerate(random.normal(size=(1_000, 8)).astype(np.float32))
            ]
            part = Part(StageKey(video.id, "speech", 0), "made", [Item(one) for one in found])
            put_all(store, [video], [part])
            if number:
                made.follow()
            else:
                made.build_engine()
            held.append(made._made["unsealed"].get("space", 0))
        assert held == [1_000, 2_000, 0, 1_000, 2_000, 0]
        loaded = made._tables.client.list_loaded_segments(made._tables.name("space"))
        assert sum(one.num_rows for one in loaded if one.index_name) == 6_000
        assert made._tables.count("space") == 6_000 and made.unfound() == 0


def test_what_is_said_complete_on_an_index_of_vectors_is(server: Server, tmp_path: Path) -> None:
    """In 600 cases of one to three rows: no unseen video belongs to a list that is proved."""
    with SqliteStore(tmp_path / "index.sqlite") as store:
        fill(store)
        made = milvus(store, address=f"{server.address}/proofs")
        made.build_engine()
        engine = made.engine()
        assert engine is not None
        proofs_hold(engine, store)


def test_a_killed_server_loses_and_doubles_nothing(server: Server, tmp_path: Path) -> None:
    """Killed while a copy is made, then while one is brought up to date."""
    with SqliteStore(tmp_path / "index.sqlite") as store:
        fill(store)
        # By a scan, so that what is not found is lost.
        made = milvus(store, address=f"{server.address}/k{uuid4().hex[:8]}", index="flat")
        exact = ExactEngine(store)
        _killed_after(made, server, 1, made.build_engine)
        assert made.engine() is None  # which still searches everything
        _up_again(server, made)
        made.build_engine()
        assert made.unfound() == 0
        _counted(made)
        engine = made.engine()
        assert engine is not None
        for number in range(0, VIDEOS_CHANGED):
            store.put_video(Video(f"v{number}", f"/v/v{number}.mp4", 7.0, language="ja"))
        _killed_after(made, server, 1, made.follow)
        with pytest.raises(StoreError, match=r"does not answer.*start it.*Q2E_ENGINE=own"):
            engine.best(asked_of()[:1], Filters(languages=("ja",)), K)
        _up_again(server, made)
        compared(engine, exact, Filters(languages=("ja",)))
        assert made.follow() == VIDEOS_CHANGED - 200
        compared(engine, exact, Filters(languages=("ja",)))
        assert made.unfound() == 0
        _counted(made)


def test_commands_go_on_where_the_server_is_down_and_catch_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "geheim-im-Milvus"  # the server asks for none, and takes any
    monkeypatch.setenv("MILVUS_TOKEN", f"someone:{secret}")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "q2e", *words, "--index", str(tmp_path / "index")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert secret not in done.stdout + done.stderr
        return done

    def bring(number: int, text: str) -> subprocess.CompletedProcess[str]:
        line = {"video": f"v{number}", "channel": "speech", "text": text}
        (tmp_path / "one.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
        return run("import", str(tmp_path / "one.jsonl"))

    address = f"{server.address}/d{uuid4().hex[:8]}"
    assert bring(1, "a giant panda eats").returncode == 0
    assert run("engine", "rebuild", "--engine", address).returncode == 0
    server.kill()
    done = run("search", "a panda")
    assert done.returncode and address.rpartition("/")[0] in done.stderr, done.stderr
    assert "start it" in done.stderr and "Traceback" not in done.stderr, done.stderr
    done = bring(2, "دب الباندا يأكل")
    assert done.returncode == 0 and "what was stored stays" in done.stderr, done.stderr
    server.start()
    while (done := bring(3, "大熊猫吃竹子")).returncode or "lacks it" in done.stderr:
        time.sleep(1.0)  # it answers before it has loaded what it held
    done = run("engine", "check", "--json")
    told = json.loads(done.stdout)
    assert (told["recall"], told["unfound"]) == (1.0, 0)
    found = json.loads(run("search", "a panda", "--set", "confidence=0", "--json").stdout)
    assert {hit["video"] for hit in found["hits"]} == {"v1", "v2", "v3"}
    assert found["index"]["candidates"]["exact"] is False
    assert run("status").returncode == 0
    kept = [one for one in (tmp_path / "index").rglob("*") if one.is_file()]
    assert kept and all(secret.encode() not in one.read_bytes() for one in kept)


VIDEOS_CHANGED = 250


def _up_again(server: Server, made: Milvus) -> None:
    """Start the server and wait until it has loaded what it held."""
    server.start()
    while True:
        try:
            made._tables.count("space")
        except StoreError:
            time.sleep(1.0)
        else:
            return


def _killed_after(made: Milvus, server: Server, batches: int, run: object) -> None:
    """Run something until some batches were copied, then end the server under it."""
    real, done = Milvus._copy, []

    def copying(self: Milvus, *given: object) -> set[str]:
        if len(done) == batches:
            server.kill()
        done.append(given)
        return real(self, *given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Milvus, "_copy", copying)
        patch.setattr("q2e.store.milvus.tables.PATIENCE_S", 2.0)
        with pytest.raises(StoreError, match="does not answer"):
            run()  # type: ignore[operator]


@pytest.mark.parametrize("where", ["server", "lite", "cluster"])
def test_an_index_beside_milvus_answers_like_a_file(
    where: str,
    sample_index: q2e.Index,
    sixty: dict[str, q2e.Results],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Sixty questions over the samples, by the commands."""
    address = at(where, request, tmp_path)
    folder = tmp_path / "beside"
    with q2e.open(folder) as index, index._writing(0.0) as store:
        copy(sample_index.store, store)
    run = CliRunner()
    where = ["--index", str(folder), "--json"]
    done = run.invoke(app, ["engine", "rebuild", "--engine", address, *where])
    assert done.exit_code == 0 and json.loads(done.output)["indexes"] > 0, done.output
    done = run.invoke(app, ["engine", "check", *where])
    assert done.exit_code == 0 and json.loads(done.output)["recall"] > 0.9, done.output
    with q2e.open(folder) as index:
        assert index.settings.engine == address
        for question, wanted in sixty.items():
            found = index.search(question)
            assert found.info["candidates"] or not wanted.hits
            assert [hit.video.id for hit in found] == [hit.video.id for hit in wanted], question
            assert [hit.score for hit in found] == pytest.approx(
                [hit.score for hit in wanted], abs=1e-4
            )
    # Where the engine does not answer, a search says so, and what is written stays.
    gone = "milvus://127.0.0.1:1/nowhere"
    with q2e.open(folder, engine=gone) as index:
        assert index.search("snow").info["candidates"] is None
