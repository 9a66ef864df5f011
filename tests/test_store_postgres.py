"""The store in PostgreSQL on a real server: conformance, counts, locks, faults, generations."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from conformance_store import Conformance
from postgres_server import PASSWORD, Server, copied
from q2e.cli import app
from q2e.errors import ConfigError, IndexLocked, IndexMismatch, Q2EError, StoreError
from q2e.store import lock
from q2e.store.base import Item, StageKey, Store
from q2e.store.bulk import Part
from q2e.store.postgres import schema
from q2e.store.postgres.postgresql import PostgresStore
from q2e.store.postgres.writer import PostgresWriter
from q2e.types import Evidence, Filters, Video

pytestmark = pytest.mark.scale
VIDEO = Video("f" * 32, "film.mp4")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    return server.database("films")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "films.q2e" / "index.sqlite"


class Counted(PostgresStore):
    """Looks, when closed, whether what is counted and kept twice is what is there."""

    def close(self) -> None:
        if not self._database._closed and not self._database.read_only:
            with self._database.alone() as connection:
                for one in WRONG:
                    assert connection.execute(one).fetchall() == [], one
                spaces = connection.execute("SELECT number FROM space").fetchall()
                for (number,) in spaces if self._database._halves else ():
                    assert connection.execute(WRONG_VECTORS.format(number=number)).fetchall() == []
        super().close()


#: What finds counts that are not those of the rows that they count.
WRONG = (
    "SELECT c.name FROM channel c LEFT JOIN evidence e ON e.channel = c.number "
    "GROUP BY c.number, c.name HAVING c.pieces <> count(*) FILTER (WHERE e.length > 0) "
    "OR c.words <> coalesce(sum(e.length), 0)",
    "SELECT * FROM (SELECT term, channel, sum(cardinality(evidence)) AS n FROM posting "
    "GROUP BY term, channel) p FULL JOIN word w USING (term, channel) "
    "WHERE n IS DISTINCT FROM pieces",
    "SELECT 1 FROM posting p, unnest(p.evidence, p.length) u(id, length) "
    "LEFT JOIN evidence e ON e.id = u.id AND e.length = u.length WHERE e.id IS NULL",
)
WRONG_VECTORS = (
    "SELECT evidence FROM nearest_{number} n LEFT JOIN evidence e ON e.id = n.evidence "
    "WHERE e.stage IS DISTINCT FROM n.stage OR e.video IS DISTINCT FROM n.video "
    "OR e.channel IS DISTINCT FROM n.channel UNION ALL SELECT 1 FROM "
    "(SELECT coalesce(sum(length(evidence)) / 8, 0) AS n FROM vector WHERE space = {number}) v "
    "WHERE n <> (SELECT count(*) FROM nearest_{number})"
)


@pytest.mark.parametrize("check", ["random_work", "pages", "versions", "refusals"])
@pytest.mark.parametrize("extension", [True, False])
def test_it_conforms(server: Server, check: str, extension: bool, tmp_path: Path) -> None:
    address = server.database(f"{check}_{extension}", extension=extension)
    files = (tmp_path / f"{number}.q2e" / "index.sqlite" for number in itertools.count())

    def again(store: Store) -> Store:
        assert isinstance(store, PostgresStore)
        return PostgresStore(address, store._database.file, read_only=True)

    def make() -> Store:
        return Counted(address, next(files))

    # The extension adds tables, and takes none away: without it fewer cases tell as much.
    getattr(Conformance(make, again, 40 if extension else 12), check)()


def put(store: Store, part: int, items: int = 4) -> None:
    """Put one part whose every piece of evidence names its part and has a word and a vector."""
    evidence = [
        Evidence(VIDEO.id, "speech", part, part + 1, str(part), vectors={"s": np.ones(64)})
        for _ in range(items)
    ]
    found = [Item(one, (f"part{part}", "word")) for one in evidence]
    store.put_part(StageKey(VIDEO.id, "speech", part), "v1", found)


def check(store: Store) -> int:
    """Return how many parts are done, each of them whole."""
    done = store.done(VIDEO.id)
    table = store.table()
    assert len(table) == 4 * len(done)
    assert store.spaces().get("s", 0) == len(table)
    assert len(store.lexical(["word"])[0]) == len(table)
    for _, part in done:
        assert len(store.lexical([f"part{part}"])[0]) == 4
    return len(done)


def test_many_parts_take_the_statements_of_one_and_stay_or_go_together(
    address: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    execute = PostgresWriter.execute

    def counting(self: PostgresWriter, sql: str, values: Any = ()) -> Any:
        asked.append(sql)
        return execute(self, sql, values)

    monkeypatch.setattr(PostgresWriter, "execute", counting)
    videos = [Video(f"{number:032}", f"{number}.mp4") for number in range(40)]
    parts = [
        Part(StageKey(one.id, "speech", 0), "v1", [Item(found, (f"word{place}", "word"))])
        for place, one in enumerate(videos)
        for found in [Evidence(one.id, "speech", 0, 1, "word", vectors={"s": np.ones(8)})]
    ]
    with Counted(address, file) as store:
        store.put_parts(videos[:1], parts[:1])
        one_takes = len(asked)
        asked.clear()
        store.put_parts(videos, parts)
        assert len(asked) <= one_takes + 6  # what is replaced is taken away first
        assert len(store.table()) == len(store.lexical(["word"])[0]) == 40
        wrong = Part(StageKey("nobody", "speech", 0), "v1", parts[0].items)
        with pytest.raises(StoreError, match="found evidence of channel"):
            store.put_parts((), [wrong])
        with pytest.raises(StoreError, match="'nobody' is not in the index; put_video comes first"):
            store.put_parts([Video("e" * 32, "new.mp4")], [Part(wrong.key, "v1")])
        assert store.video("e" * 32) is None


def test_an_index_is_made_where_processes_may_share_no_memory(server: Server, file: Path) -> None:
    address = server.database("narrow")
    server.sql(
        "CREATE FUNCTION narrow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF current_setting('max_parallel_maintenance_workers')::int > 0 THEN RAISE "
        "'could not resize shared memory segment' USING ERRCODE = 'disk_full'; END IF; END $$; "
        "CREATE EVENT TRIGGER narrow ON ddl_command_start WHEN TAG IN ('CREATE INDEX') "
        "EXECUTE FUNCTION narrow()",
        "narrow",
    )
    server.sql("ALTER EVENT TRIGGER narrow DISABLE", "narrow")
    with Counted(address, file) as store:
        store.put_video(VIDEO)
        put(store, 0)
        server.sql("ALTER EVENT TRIGGER narrow ENABLE", "narrow")
        assert store.build_engine() == 1
        assert store.engine() is not None


def test_vectors_are_what_the_extension_reads(address: str, file: Path) -> None:
    random = np.random.default_rng(3)
    vectors = random.standard_normal((5, 7)).astype(np.float16).astype(np.float32)
    with Counted(address, file) as store:
        store.put_video(VIDEO)
        for part, vector in enumerate(vectors):
            found = Evidence(VIDEO.id, "frame", part, part + 1, vectors={"名": vector})
            store.put_part(StageKey(VIDEO.id, "frame", part), "v1", [Item(found)])
        with store._database.alone() as connection:
            rows = connection.execute(
                "SELECT embedding::text, -(embedding <#> (SELECT embedding FROM nearest_1 "
                "ORDER BY evidence LIMIT 1)) FROM nearest_1 ORDER BY evidence"
            ).fetchall()
            connection.execute("CREATE INDEX ON nearest_1 USING hnsw (embedding halfvec_ip_ops)")
    read = np.array([[float(one) for one in text[1:-1].split(",")] for text, _ in rows], np.float32)
    assert np.array_equal(read, vectors)
    assert np.allclose([score for _, score in rows], vectors @ vectors[0], atol=1e-2)


def test_without_the_extension_vectors_for_engines_are_made_later(
    server: Server, file: Path
) -> None:
    address = server.database("bare", extension=False)
    # As where the user may not install it, who is no superuser then.
    server.sql("CREATE ROLE plain LOGIN PASSWORD 'geheim'; GRANT CREATE ON DATABASE bare TO plain")
    os.environ["PGPASSWORD"] = "geheim"
    theirs = server.address("bare", "plain")
    with Counted(theirs, file) as store:
        store.put_video(VIDEO)
        put(store, 0)
        store.optimise()
        assert check(store) == 1 and not store._database._halves
    os.environ["PGPASSWORD"] = PASSWORD
    server.sql("CREATE EXTENSION vector", "bare")
    with Counted(address, file) as store:
        store.optimise()
        assert store._database._halves and check(store) == 1
        put(store, 1)


WRITER = """
    import sys
    sys.path.insert(0, {tests!r})
    from test_store_postgres import VIDEO, PostgresStore, put
    store = PostgresStore({address!r}, {file!r}, wait_s=5)
    store.put_video(VIDEO)
    print("ready", flush=True)
    part = 0
    while True:
        put(store, part % 50)
        part += 1
        print(part, flush=True)
"""


def writer(address: str, file: Path) -> subprocess.Popen[str]:
    given = {"tests": str(Path(__file__).parent), "address": address, "file": str(file)}
    code = textwrap.dedent(WRITER.format(**given))
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def written(process: subprocess.Popen[str], parts: int) -> int:
    """Wait until a writer was told of so many parts that they are stored, and return how many."""
    assert process.stdout is not None
    for _ in range(parts):
        last = int(process.stdout.readline())
    return last


def test_the_server_is_reached_on_the_loopback_alone(server: Server) -> None:
    command = ["ss", "-ltnH", f"sport = :{server.port}"]
    heard = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {line.split()[3] for line in heard.splitlines()} == {f"127.0.0.1:{server.port}"}


def test_a_second_writer_is_told_who_holds_the_index(address: str, file: Path) -> None:
    with writer(address, file) as process:
        holder = rf"films\.q2e is .* process {process.pid} on .*--wait"
        with pytest.raises(IndexLocked, match=holder):
            PostgresStore(address, file)
        # Another index of the same database is free.
        PostgresStore(address, file.parent.with_name("other.q2e") / "index.sqlite").close()
        with PostgresStore(address, file, read_only=True) as reader:
            assert list(reader.videos()) == [VIDEO]
        process.send_signal(signal.SIGKILL)
    PostgresStore(address, file, wait_s=5).close()


IDLE = """
    import sys
    sys.path.insert(0, {tests!r})
    from q2e.errors import Q2EError
    from q2e.store import lock
    lock.BEAT_S = 0.2
    from test_store_postgres import VIDEO, PostgresStore, put
    store = PostgresStore({address!r}, {file!r})
    store.put_video(VIDEO)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            put(store, 0)
            print("written", flush=True)
        except Q2EError as error:
            print(error, flush=True)
"""


@pytest.mark.parametrize("inside", [False, True])
def test_a_writer_that_was_stopped_is_passed_over_and_refused_when_it_wakes(
    inside: bool, address: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"tests": str(Path(__file__).parent), "address": address, "file": str(file)}
    code = textwrap.dedent((WRITER if inside else IDLE).format(**given))
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as first:
        assert first.stdin is not None and first.stdout is not None and first.stderr is not None
        assert first.stdout.readline() == "ready\n"
        monkeypatch.setattr(lock, "LEASE_S", 10.0)
        if not inside:
            # One that only waits gives signs of life, and stays.
            with pytest.raises(IndexLocked, match=f"process {first.pid}"):
                PostgresStore(address, file, wait_s=12.0)
        first.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(lock, "LEASE_S", 1.0)
        with pytest.raises(IndexLocked, match=f"process {first.pid}"):
            PostgresStore(address, file)
        with Counted(address, file, wait_s=120.0) as second:
            put(second, 1)
            first.send_signal(signal.SIGCONT)
            if inside:
                said = first.stderr.read()
                assert "connection was lost" in said or "being written by process" in said, said
            else:
                first.stdin.write("\n")
                first.stdin.flush()
                assert "is being written by process" in first.stdout.readline()
            assert ("speech", 1) in second.done(VIDEO.id)
            check(second)
        if not inside:
            first.stdin.write("\n")
            first.stdin.flush()
            assert "another process has written" in first.stdout.readline()
            first.stdin.close()


@pytest.mark.parametrize("what", ["writer", "server"])
def test_killed_at_any_point_the_index_is_whole(
    what: str, server: Server, address: str, file: Path
) -> None:
    reader: PostgresStore | None = None
    for round_ in range(4):
        with writer(address, file) as process:
            said = written(process, 3 + 4 * round_)
            if what == "writer":
                process.send_signal(signal.SIGKILL)
            else:
                server.kill()
                told = process.communicate()[1].splitlines()[-1]
                assert told.startswith("q2e.errors.StoreError: postgresql://"), told
                assert "run the command again" in told or "start the server" in told
        if what == "server":
            if reader is not None:
                with pytest.raises(StoreError, match=r"nothing stored is lost|start the server"):
                    reader.count()
            server.start()
        if reader is None:
            reader = PostgresStore(address, file, read_only=True)
        # What was said to be stored is, and the same handle goes on reading after a restart.
        assert check(reader) >= min(said, 50)
        Counted(address, file, wait_s=10).close()
    assert reader is not None
    reader.close()


def test_a_lost_connection_ends_one_call_and_not_the_next(
    server: Server, address: str, file: Path
) -> None:
    with PostgresStore(address, file) as store, PostgresStore(address, file, read_only=True) as one:
        store.put_video(VIDEO)
        put(store, 0)
        asked = np.ones((1, 64), np.float32)
        before = [found.tolist() for found in one.dense("s", asked)[0]]
        lexical = one.lexical(["word"])[0].tolist()
        # Between calls: nobody notices.
        server.end_sessions("films")
        assert check(one) == 1
        put(store, 1)
        # In the middle of a search, and of a write.
        lost = r"connection was lost .* nothing stored is lost, run the command again"
        with pytest.raises(StoreError, match=lost), one.snapshot():
            one.count()
            server.end_sessions("films")
            one.count()
        with pytest.raises(StoreError, match=lost), store._database.writing() as inside:
            inside.drop_video(VIDEO.id)
            server.end_sessions("films")
            inside.execute("SELECT 1")
        assert check(one) == check(store) == 2
        put(store, 1, 0)
        store.remove_video("nobody")
        rows, scores = one.dense("s", asked, mask=one.rows(Filters(channels=("speech",))))[0]
        assert [rows.tolist(), scores.tolist()] == before
        assert one.lexical(["word"])[0].tolist() == lexical


def test_threads_each_see_one_state_while_another_writes(address: str, file: Path) -> None:
    stop, faults = threading.Event(), list[str]()
    with PostgresStore(address, file) as store, PostgresStore(address, file, read_only=True) as one:
        store.put_video(VIDEO)
        put(store, 0)

        def ask(asked: PostgresStore) -> None:
            while not stop.is_set():
                with asked.snapshot():
                    table = asked.table()
                    rows, _ = asked.dense("s", np.ones((1, 64), np.float32))[0]
                    words, _ = asked.lexical(["word"])
                    if not len(rows) == len(words) == len(table) == 4 * len(asked.done(VIDEO.id)):
                        faults.append(f"{table} {rows} {words}")
                    if len(asked.evidence(rows)) != len(table):
                        faults.append(f"{table}")

        with ThreadPoolExecutor() as pool:
            asking = [pool.submit(ask, each) for each in (one, store) for _ in range(3)]
            for part in range(30):
                put(store, part % 12, 4)
            stop.set()
            for each in asking:
                each.result()
    assert faults == []


def test_a_writer_that_was_away_does_not_write_over_another(
    server: Server, address: str, file: Path
) -> None:
    with PostgresStore(address, file) as away:
        away.put_video(VIDEO)
        server.end_sessions("films")
        with PostgresStore(address, file) as other:
            put(other, 0)
            with pytest.raises(IndexLocked, match="being written by process"):
                put(away, 0, 0)
        with pytest.raises(StoreError, match=r"another process has written .* run the command"):
            put(away, 0, 0)
        assert check(away) == 1


def test_what_is_wrong_with_a_server_is_one_line_that_says_what_to_do(
    server: Server, address: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresStore(address, file) as store:
        store.put_video(VIDEO)

    def told(where: str, **changed: str) -> str:
        with monkeypatch.context() as patch:
            for name, value in changed.items():
                patch.setenv(name, value)
            found = []
            for read_only in (True, False):
                with pytest.raises(StoreError) as error:
                    PostgresStore(where, file, read_only=read_only)
                found.append(str(error.value))
        assert len(set(found)) == 1 and "\n" not in found[0], found
        assert found[0].startswith(where) and PASSWORD not in found[0] and "falsch" not in found[0]
        return found[0]

    assert "set PGPASSWORD" in told(address, PGPASSWORD="falsch")
    monkeypatch.delenv("PGPASSWORD")
    assert "~/.pgpass" in told(address, PGPASSFILE="/nowhere")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert "createdb" in told(server.address("nowhere"))
    # The server does not tell strangers which users it has.
    assert "for the user of the address" in told(server.address("films", "nobody"))
    assert "has no schema q2e_films_" in told(server.address("postgres"))
    assert "start the server" in told("postgresql://q2e@127.0.0.1:1/films")
    assert "start the server" in told("postgresql://q2e@/films?host=/nowhere")
    assert "host's name" in told("postgresql://q2e@no.such.host.invalid/films")
    with pytest.raises(ConfigError, match="must be like  postgresql://user@host/database"):
        PostgresStore("postgresql://q2e@h/films?nonsense=1", file)
    with pytest.raises(StoreError, match=r"permission denied.*GRANT CREATE ON DATABASE"):
        server.sql("CREATE ROLE guest LOGIN PASSWORD 'geheim'")
        monkeypatch.setenv("PGPASSWORD", "geheim")
        PostgresStore(server.address("films", "guest"), file.parent / "b" / "index.sqlite")


def test_an_address_that_led_nowhere_is_not_kept(address: str, tmp_path: Path) -> None:
    folder, lines = tmp_path / "new", tmp_path / "lines.jsonl"
    lines.write_text('{"video": "v1", "channel": "speech", "text": "panda"}\n', "utf-8")
    with (
        pytest.raises(StoreError, match="start the server"),
        q2e.open(folder, store="postgresql://q2e@127.0.0.1:1/nowhere") as index,
    ):
        index.import_evidence(lines)
    with q2e.open(folder, store=address) as index:
        assert index.import_evidence(lines).evidence == 1
    with q2e.open(folder) as index:
        assert index.settings.store == address and len(index) == 1


def test_formats_are_brought_up_to_date_or_refused(
    address: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresStore(address, file) as store:
        store.put_video(VIDEO)
        put(store, 0)
        # As format 2 was, of which the server deletes what hangs on a stage.
        with store._database.alone() as connection:
            of = "FOREIGN KEY (stage) REFERENCES stage ON DELETE CASCADE"
            for table in ("posting", "nearest_1"):
                connection.execute(f"ALTER TABLE {table} ADD {of}")
            connection.execute("UPDATE generation SET format = 2")
    with Counted(address, file) as store:
        assert check(store) == 1
        with store._database.alone() as connection:
            asked = "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
            hanging = {table for (table,) in connection.execute(asked)}
        assert {"evidence", "vector"} <= hanging and not {"posting", "nearest_1"} & hanging

    def step(connection: Any) -> None:
        connection.execute("CREATE TABLE later (name text)")

    newest = len(schema.MIGRATIONS)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        with PostgresStore(address, file, read_only=True) as reader:
            assert check(reader) == 1
        patch.setattr(schema, "OLDEST_READ", newest + 1)
        with pytest.raises(IndexMismatch, match=rf"older format {newest}.*q2e retry"):
            PostgresStore(address, file, read_only=True)
        with PostgresStore(address, file) as store:
            assert check(store) == 1
        with PostgresStore(address, file, read_only=True) as reader:
            assert check(reader) == 1
    for read_only in (True, False):
        with pytest.raises(IndexMismatch, match=rf"format {newest + 1}.*git pull  in its"):
            PostgresStore(address, file, read_only=read_only)


def test_a_store_is_for_reading_or_writing_and_closed_once(address: str, file: Path) -> None:
    store = PostgresStore(address, file)
    with PostgresStore(address, file, read_only=True) as reader:
        with pytest.raises(StoreError, match="reading"):
            reader.put_video(VIDEO)
        long = "a" * 9_000
        store.put_video(VIDEO)
        store.set_setting(f"file:{long}", "x")
        found = Evidence(VIDEO.id, "speech", 0, 1, "\0 \udcff 漢", language="ja\0")
        store.put_part(StageKey(VIDEO.id, "speech", 0), "v", [Item(found, (long, "\0", "漢"))])
        assert reader.evidence([0])[0].text == "\0 \udcff 漢"
        for word in (long, "\0", "漢"):
            assert len(reader.lexical([word])[0]) == 1
        assert not len(reader.lexical([long + "a"])[0]) and reader.video("\0\udcff") is None
        assert reader.setting(f"file:{long}") == "x"
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.count()


def said(*command: str) -> str:
    """Return what a command printed; no command may end in a traceback or say the password."""
    done = CliRunner().invoke(app, list(command))
    told = f"{done.output}{done.stderr}{done.exception}"
    assert PASSWORD not in told and "Traceback" not in told
    # The command itself prints what was raised on purpose in one line.
    assert isinstance(done.exception, SystemExit | Q2EError | None), done.exception
    return told


def test_commands_do_or_say_what_does_instead(
    server: Server, address: str, tmp_path: Path, samples: Path
) -> None:
    index, clips = tmp_path / "films.q2e", tmp_path / "clips"
    clips.mkdir()
    for name in ("call-06.mp4", "loop-05.gif"):
        shutil.copy(samples / "clips" / name, clips)
    into = ("--index", str(index))
    socket = server.by_socket("films")
    assert "2 indexed" in said("index", str(clips), *into, "--store", socket, "-c", "metadata")
    assert "2 unchanged" in said("index", str(clips), *into)
    files = "".join(one.read_text("utf-8") for one in index.iterdir())
    assert f'store = "{socket}"' in files and PASSWORD not in files
    assert "2 videos" in said("status", *into)
    assert '"current": true' in said("status", *into, "--json")
    assert "call-06" in said("search", "phone call", *into, "--set", "confidence=0")
    assert "call-06" in said("list", *into) and "call-06" in said("show", "call-06.mp4", *into)
    told = said("backup", str(tmp_path / "b"), *into)
    assert "pg_dump --format=custom --schema=q2e_films_" in told
    for more in ((), ("--replace",)):
        assert "restore into another folder" in said("restore", str(tmp_path), *into, *more)
    assert "kept by the store" in said("index", str(clips), *into, "--store", "sqlite")
    assert "is the only generation" in said("remove", "--generation", "local", *into)
    with q2e.open(index) as opened:
        name = opened.find("call-06.mp4").id
    line = {"video": name, "channel": "speech", "text": "дракон", "start": 0, "end": 1}
    (tmp_path / "more.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    assert "1 piece" in said("import", str(tmp_path / "more.jsonl"), *into)
    assert "call-06" in said("search", "дракон", *into)
    (tmp_path / "q.tsv").write_text("1\tphone\n", "utf-8")
    said("run", str(tmp_path / "q.tsv"), "--out", str(tmp_path / "run"), *into)
    assert "removed" in said("remove", name, "--forget", *into)
    assert "1 video" in said("status", *into) and "PostgreSQL" in said("doctor")
    server.sql("CHECKPOINT", "films")
    word = "дракон".encode()
    held = [one for one in (server.data / "base").rglob("*") if one.is_file()]
    assert len(held) > 100 and not [one for one in held if word in one.read_bytes()]
    server.stop()
    try:
        for command in (("status",), ("search", "phone"), ("index", str(clips)), ("list",)):
            assert "start the server" in said(*command, *into)
    finally:
        server.start()
    assert "loop-05" in said("list", *into)


@pytest.fixture(scope="module")
def samples_there(
    address: str, tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index
) -> Iterator[Path]:
    """The folder of an index that holds in the database what that of the samples does."""
    index = tmp_path_factory.mktemp("samples") / "films.q2e"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        copied(sample_index.directory / "index.sqlite", index / "index.sqlite", address)
    yield index


def test_generations_lie_side_by_side_and_go_alone(
    samples_there: Path, address: str, sample_index: q2e.Index
) -> None:
    index = samples_there
    with q2e.open(index, store=address) as opened:
        first = opened.status()
        assert len(first.generations) == 1 and first.size_bytes > 1_000_000
        copied(sample_index.directory / "index.sqlite", index / "index.other.sqlite", address)
        both = opened.status()
        assert [one.profile for one in both.generations] == ["local", "other"]
        assert both.size_bytes > 1.8 * first.size_bytes
        with PostgresStore(address, index / "index.other.sqlite") as other:
            tables = other._database.tables
            assert len(tables(other._database._main)) > 10  # type: ignore[arg-type]
        assert opened.remove_generation("other") > 1_000_000
        assert not (index / "index.other.postgresql").exists()
        assert [one.profile for one in opened.status().generations] == ["local"]


def test_ranks_and_scores_are_those_of_sqlite(
    samples_there: Path, address: str, sample_index: q2e.Index, samples: Path
) -> None:
    index = samples_there
    shutil.copy(sample_index.directory / "q2e.toml", index)
    lines = (samples / "queries.tsv").read_text("utf-8").splitlines()[1:]
    own = [line.split("\t")[0] for line in lines]
    texts = [*own, *MORE][:60]
    assert len(texts) == len(set(texts)) == 60
    (index / "q2e.toml").write_text(f'store = "{address}"\n', "utf-8")
    with q2e.open(index) as opened:
        for text in texts:
            there = opened.search(text, top=10, confidence=0)
            here = sample_index.search(text, top=10, confidence=0)
            assert [one.video.id for one in there] == [one.video.id for one in here], text
            # In what order single numbers are added up follows from how columns lie in memory.
            scores = [one.score for one in here]
            assert [one.score for one in there] == pytest.approx(scores, rel=1e-6), text
            assert [one.moments for one in there] == [one.moments for one in here]
            assert here


#: Questions beside those of the samples.
MORE = (
    "فيضان في المدينة", "ein Hund läuft", "Hochwasser", "people dancing", "fire at night",
    "oso polar", "incendio forestal", "un chat noir", "une conférence de presse", "बाढ़",
    "समाचार", "地震", "料理する人", "눈 내리는 산", "축구 경기", "снег в горах", "землетрясение",
    "น้ำท่วม", "ทะเล", "颐和园的花展", "火箭发射", "a red car on the road", "someone speaks on stage",
    "mountains", "water", "text on a screen", "flowers OR snow", "panda -snow", "breaking news",
    "a man with a telephone", "a boat on a lake", "children play", "music",
)  # fmt: skip
