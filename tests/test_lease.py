"""One process writes; one that was stopped and is woken later writes no more."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from q2e.errors import IndexLocked, StoreError
from q2e.store import lock
from q2e.store.sqlite import SqliteStore

_WRITER = """
import sys
from q2e.errors import StoreError
from q2e.store.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
store.set_setting("by", "the first")
print("ready", flush=True)
sys.stdin.readline()
try:
    store.set_setting("by", "the first, woken")
    print("written", flush=True)
except StoreError as error:
    print(error, flush=True)
"""


def test_a_writer_that_was_stopped_and_is_woken_later_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "index.sqlite"
    first = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdin is not None and first.stdout is not None
    with first, SqliteStore(tmp_path / "other.sqlite"):
        assert first.stdout.readline() == "ready\n"
        first.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(lock, "LEASE_S", 0.5)
        with pytest.raises(IndexLocked, match=f"process {first.pid}"):
            SqliteStore(file, wait_s=0.0)
        second = SqliteStore(file, wait_s=60.0)
        second.set_setting("by", "the second")
        first.send_signal(signal.SIGCONT)
        first.stdin.write("\n")
        first.stdin.flush()
        assert "another process writes it" in first.stdout.readline()
        assert second.setting("by") == "the second"
        # Who comes after it waits for the second alone.
        with pytest.raises(IndexLocked):
            SqliteStore(file, wait_s=0.0)
        second.close()
        with SqliteStore(file) as third:
            third.set_setting("by", "the third")


def test_of_two_who_pass_over_the_same_one_writes_at_last(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    stores = [SqliteStore(file)]
    for _ in range(2):
        lock.hold, kept = (lambda path, wait_s: _over(path)), lock.hold
        try:
            from q2e.store import database

            database.hold, before = lock.hold, database.hold
            stores.append(SqliteStore(file))
        finally:
            lock.hold, database.hold = kept, before
    for store in stores[:-1]:
        with pytest.raises(StoreError, match="another process writes it"):
            store.set_setting("by", "one of before")
    stores[-1].set_setting("by", "the last")
    for store in stores:
        store.close()


def _over(path: Path) -> lock.Held:
    fresh = lock._replaced(
        path.with_name(path.name + ".lock"), lock._sign(path.with_name(path.name + ".lock"))
    )
    assert fresh is not None
    return lock.Held(fresh, True)


def test_a_writer_that_gives_signs_of_life_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.05)
    monkeypatch.setattr(lock, "LEASE_S", 2.0)
    file = tmp_path / "index.sqlite"
    with SqliteStore(file) as first:
        with pytest.raises(IndexLocked):
            SqliteStore(file, wait_s=3.0)
        first.set_setting("by", "the first")
        # Freed while it is waited for, it is had at once.
        threading.Timer(0.2, first.close).start()
        SqliteStore(file, wait_s=30.0).close()
