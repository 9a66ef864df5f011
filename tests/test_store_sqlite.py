"""The SQLite file itself: killed, locked, full, foreign, older, newer, and how large it grows."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from q2e.errors import IndexLocked, IndexMismatch, StoreError
from q2e.store import schema
from q2e.store.base import Item, StageKey
from q2e.store.catalogue import Order, Wanted
from q2e.store.known import ORDERS
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video

VIDEO = Video("f" * 32, "film.mp4")


def put(store: SqliteStore, part: int, items: int = 4) -> None:
    """Put one part whose every piece of evidence names its part and has a word and a vector."""
    evidence = [
        Evidence(VIDEO.id, "speech", part, part + 1, str(part), vectors={"s": np.ones(64)})
        for _ in range(items)
    ]
    found = [Item(one, (f"part{part}", "word")) for one in evidence]
    store.put_part(StageKey(VIDEO.id, "speech", part), "v1", found)


def check(store: SqliteStore) -> int:
    """Return how many parts are done, each of them whole."""
    done = store.done(VIDEO.id)
    table = store.table()
    assert len(table) == 4 * len(done)
    assert store.spaces().get("s", 0) == len(table)
    assert len(store.lexical(["word"])[0]) == len(table)
    for _, part in done:
        assert len(store.lexical([f"part{part}"])[0]) == 4
    return len(done)


def test_where_nothing_may_be_written_the_index_is_read_as_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "读 #1?.sqlite"
    store = SqliteStore(path)
    store.put_video(VIDEO)
    put(store, 0)
    store.close()
    # As for whoever may not write; the tests may run as somebody who may do everything.
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = {file.name for file in tmp_path.iterdir()}
    reader = SqliteStore(path, read_only=True)
    assert check(reader) == 1
    assert {file.name for file in tmp_path.iterdir()} == before
    reader.close()
    # While somebody writes, what they add is seen: the file does change.
    store = SqliteStore(path)
    put(store, 1)
    reader = SqliteStore(path, read_only=True)
    assert check(reader) == 2
    put(store, 2)
    assert check(reader) == 3
    reader.close()
    store.close()


WRITER = """
    import sys
    sys.path.insert(0, {tests!r})
    from test_store_sqlite import VIDEO, SqliteStore, put
    store = SqliteStore({path!r}, wait_s=5)
    store.put_video(VIDEO)
    print("ready", flush=True)
    part = 0
    while True:
        put(store, part % 50)
        if part % 7 == 6:
            store.optimise()
        part += 1
"""


def writer(path: Path) -> subprocess.Popen[str]:
    code = textwrap.dedent(WRITER.format(tests=str(Path(__file__).parent), path=str(path)))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_killed_at_any_point_the_index_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    moments = random.Random(0)
    for _ in range(8):
        with writer(path) as process:
            time.sleep(moments.uniform(0.0, 0.25))
            process.send_signal(signal.SIGKILL)
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
        with SqliteStore(path, read_only=True) as reader:
            parts = check(reader)
    assert parts


def test_a_second_writing_process_is_told_who_holds_the_index(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with writer(path) as process:
        with pytest.raises(IndexLocked, match=f"process {process.pid} on .* --wait"):
            SqliteStore(path)
        with SqliteStore(path, read_only=True) as reader:
            assert list(reader.videos()) == [VIDEO]
        process.kill()
    SqliteStore(path, wait_s=5).close()


def test_a_writer_waits_for_another(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with writer(path) as process:
        code = f"import time, os; time.sleep(0.5); os.kill({process.pid}, 9)"
        with subprocess.Popen([sys.executable, "-c", code]):
            SqliteStore(path, wait_s=20).close()


def test_a_full_disk_is_one_clear_line_and_leaves_the_index_valid(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with SqliteStore(path) as store:
        store.put_video(VIDEO)
        put(store, 0)
        main = store._database._main
        pages = main.execute("PRAGMA page_count").fetchone()[0]
        main.execute(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(StoreError, match=r"full; free some room") as error:
            for part in range(1, 100):
                put(store, part)
        assert "\n" not in str(error.value)
        parts = check(store)
        main.execute("PRAGMA max_page_count = 1000000")
        put(store, 99)
        assert check(store) == parts + 1
    with SqliteStore(path, read_only=True) as reader:
        assert check(reader) == parts + 1


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.sqlite") as store:
        store.put_video(VIDEO)
        put(store, 0)
        bad = Item(Evidence(VIDEO.id, "speech", 0, 1, vectors={"s": np.ones(65)}), ("new",))
        with pytest.raises(StoreError, match="64 dimensions"):
            store.put_part(StageKey(VIDEO.id, "speech", 0), "v2", [bad])
        assert store.done(VIDEO.id) == {("speech", 0): "v1"}
        assert check(store) == 1


def test_an_older_file_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.sqlite"
    with SqliteStore(path) as store:
        store.put_video(VIDEO)
        put(store, 0)

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE later (name TEXT)")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    newest = len(schema.MIGRATIONS)
    with SqliteStore(path, read_only=True) as reader:
        assert check(reader) == 1
    monkeypatch.setattr(schema, "OLDEST_READ", newest)
    with pytest.raises(IndexMismatch, match=rf"older format {newest - 1}.*q2e retry"):
        SqliteStore(path, read_only=True)
    with SqliteStore(path) as store:
        assert check(store) == 1
    with SqliteStore(path, read_only=True) as reader:
        assert check(reader) == 1


def test_videos_of_an_older_file_are_listed_as_after_the_update(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    lists = [*(Wanted(sort=one) for one in get_args(Order)), Wanted("Ä 地震"), Wanted("", "/v")]
    with SqliteStore(path) as store:
        for number, name in enumerate(("b/ä 地震.mp4", "bad \udce9.mp4", "A.mp4")):
            store.put_video(Video(str(number), f"/v/{name}", 9.0 - number, date=f"202{number}"))
        expected = [list(store.videos(one)) for one in lists]
        folders = store.folders()
    connection = sqlite3.connect(path)
    for name in ("path", "title", "date", "length", "folder"):
        connection.execute(f"DROP INDEX video_by_{name}")
    for name in ("duration_s", "path", "folder", "title", "said"):
        connection.execute(f"ALTER TABLE video DROP COLUMN {name}")
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    for read_only in (True, False, True):
        with SqliteStore(path, read_only=read_only) as store:
            assert [list(store.videos(one)) for one in lists] == expected
            assert (store.folders(), store.duration_s()) == (folders, 24.0)
            assert [one.id for one in store.at("/v/A.mp4")] == ["2"]


def test_a_page_is_read_by_an_index_and_not_by_all_videos(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.sqlite") as store:
        for number in range(3):
            store.put_video(Video(str(number), f"/v/{number}.mp4"))
        plans = []
        with store.view() as view:
            asked = "EXPLAIN QUERY PLAN SELECT facts FROM video ORDER BY {} LIMIT 1"
            for order in (one for one in get_args(Order) if one != "stored"):
                rows = view.connection.execute(asked.format(ORDERS[order])).fetchall()
                plans.append((order, rows[0][-1]))
        assert plans == [(order, f"SCAN video USING INDEX video_by_{order}") for order, _ in plans]


def test_a_step_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.sqlite"
    SqliteStore(path).close()

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE later (name TEXT)")
        connection.execute("SELECT one FROM nowhere")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        with pytest.raises(StoreError, match="nowhere"):
            SqliteStore(path)
    SqliteStore(path).close()


def test_a_newer_file_is_refused_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for read_only in (True, False):
        with pytest.raises(IndexMismatch, match=r"format 99.*git pull  in its"):
            SqliteStore(path, read_only=read_only)


def test_what_is_no_index_is_refused_and_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE theirs (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="not an index"):
        SqliteStore(foreign)
    garbage = tmp_path / "garbage.sqlite"
    garbage.write_bytes(b"not a database, but long enough to look at" * 100)
    for read_only in (True, False):
        with pytest.raises(StoreError, match=r"not a database.*q2e index"):
            SqliteStore(garbage, read_only=read_only)
    with pytest.raises(StoreError, match=r"does not exist.*q2e index"):
        SqliteStore(tmp_path / "absent.sqlite", read_only=True)
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(IndexMismatch, match="is empty"):
        SqliteStore(tmp_path / "empty.sqlite", read_only=True)


def test_a_store_of_one_kind_refuses_what_is_for_the_other(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = SqliteStore(path)
    with SqliteStore(path, read_only=True) as reader, pytest.raises(StoreError, match="reading"):
        reader.put_video(VIDEO)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.count()


def test_the_files_stay_few_and_shrink(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with SqliteStore(path) as store:
        store.put_video(VIDEO)
        for part in range(200):
            put(store, part, items=20)
        assert {file.name for file in tmp_path.iterdir()} == {
            path.name,
            *(f"{path.name}{end}" for end in ("-wal", "-shm", ".lock")),
        }
        ids = store.table().evidence_id[-20:].tolist()
        for part in range(190):
            put(store, part, items=0)
        sizes = store.optimise()
        assert sizes["after_bytes"] < sizes["before_bytes"] / 3
        assert store.table().evidence_id[-20:].tolist() == ids
        assert len(store.evidence(range(200))) == 200


def test_an_asked_space_has_its_own_dimension(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.sqlite") as store:
        store.put_video(VIDEO)
        put(store, 0)
        with pytest.raises(StoreError, match="64 dimensions"):
            store.dense("s", np.ones((1, 3), np.float32))
        assert store.dense("unknown", np.ones((2, 3), np.float32))[1][0].tolist() == []
