"""What is kept of an index outside of a process is what another process would make of the index."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from q2e import cache
from q2e.search.kept import Kept
from q2e.store import columns, packed, shelf
from q2e.store.base import Derived, Item, StageKey, Whole
from q2e.store.growing import Measured
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video


@pytest.fixture(autouse=True)
def _kept_from_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LEAST", 1)
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))


def _add(path: Path, *names: str, pieces: int = 6, part: int = 0) -> None:
    """Add videos by one writer, of which each says something else."""
    with SqliteStore(path) as store:
        for name in names:
            random = np.random.default_rng(sum(name.encode()) + part)
            store.put_video(Video(name, f"{name}.mp4", duration_s=float(random.integers(9, 99))))
            for channel, space in (("speech", "said"), ("frame", "seen")):
                items = [
                    Item(
                        Evidence(
                            name,
                            channel,
                            place,
                            place + 1,
                            language="en" if place % 2 else None,
                            vectors={space: random.normal(size=8).astype(np.float32)},
                        ),
                        (f"word{place}", name),
                    )
                    for place in range(pieces)
                ]
                store.put_part(StageKey(name, channel, part), "v1", items)


def _same(found: dict[str, Any], other: dict[str, Any]) -> None:
    """Compare what two readers made; what grew was added up in another order."""
    assert found.keys() == other.keys()
    for name, value in found.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(value, other[name], atol=1e-5)
        else:
            assert value == other[name], name


def _made(path: Path) -> dict[str, Any]:
    """Return what a reader makes of an index."""
    with SqliteStore(path, read_only=True) as store, store.snapshot():
        table, kept = store.table(), Kept(store)
        found: dict[str, Any] = {
            "ids": (table.version, table.video_ids, table.channels, store.languages()),
            "spaces": dict(store.spaces()),
            "words": [one.tolist() for one in store.lexical(["word1", "a", "c"])],
            "copies": kept.copies_of(np.arange(len(table.video_ids))),
            "speaking": {k: v.tolist() for k, v in kept.speaking("en").items()},
        }
        for name in ("evidence_id", "video", "channel", "start_s", "end_s", "length"):
            found[name] = getattr(table, name).tolist()
        for space in ("said", "seen"):
            found[space] = [one.tolist() for one in store.vectors(space)]
            found[f"means of {space}"] = np.array(kept.mean_vectors(space))
            found[f"centred {space}"] = np.array(kept.centred_means(space))
    return found


def _anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the same of a reader that nothing was kept for."""
    with monkeypatch.context() as patch:
        patch.setenv("Q2E_CACHE", str(path.parent / "nothing"))
        shutil.rmtree(path.parent / "nothing", ignore_errors=True)
        return _made(path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pieces were there already each time that columns were read from a file."""
    found: list[int] = []
    real = columns.read

    def noting(view: Any, state: Any, old: Any) -> Any:
        found.append(0 if old is None else len(old.table))
        return real(view, state, old)

    monkeypatch.setattr(columns, "read", noting)
    return found


def test_a_second_reader_reads_nothing(tmp_path: Path, read: list[int]) -> None:
    path = tmp_path / "index.sqlite"
    _add(path, "a", "b", "c")
    first = _made(path)
    assert read == [0]
    _same(_made(path), first)
    assert read == [0]
    with SqliteStore(path, read_only=True) as store:
        assert not store.vectors("said")[1].flags.writeable


STEPS: dict[str, tuple[Callable[[Path], object], int | None]] = {
    "a little more": (lambda path: _add(path, "z", pieces=1), 36),
    "much more": (lambda path: _add(path, *"uvwxyz"), 36),
    "one is gone": (lambda path: _gone(path, "b"), 36),
    "one is another": (lambda path: _add(path, "b", pieces=2), 36),
    "one is gone and comes back": (lambda path: (_gone(path, "c"), _add(path, "c")), 36),
    "vectors are made again": (lambda path: _adopted(path), 0),
}


def _gone(path: Path, name: str) -> None:
    with SqliteStore(path) as store:
        store.remove_video(name)


def _adopted(path: Path) -> None:
    with SqliteStore(path) as store:
        store.put_derived(Derived("new", "said"), ())


@pytest.mark.parametrize("step", STEPS)
def test_what_changed_is_read_beside_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int], step: str
) -> None:
    path = tmp_path / "index.sqlite"
    _add(path, "a", "b", "c")
    monkeypatch.setattr(packed, "CHANGED", 0.1)
    _made(path)
    change, known = STEPS[step]
    change(path)
    read.clear()
    found = _made(path)
    assert read == [known]
    _same(found, _anew(path, monkeypatch))
    # What was too much to be read every time is kept.
    read.clear()
    _same(_made(path), found)
    assert read == ([known] if step == "a little more" else [])


def test_copies_of_an_index_that_went_apart_are_not_taken_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "index.sqlite", tmp_path / "other.sqlite"
    _add(path, "a", "b")
    shutil.copy(path, other)
    _add(path, "c")
    _add(other, "d")
    with sqlite3.connect(path) as one, sqlite3.connect(other) as two:
        asked = "SELECT number FROM generation"
        assert one.execute(asked).fetchone() == two.execute(asked).fetchone()
    for one_of in (path, other, path, other):
        _same(_made(one_of), _anew(one_of, monkeypatch))
    # An older copy comes back, and somebody writes on from there.
    shutil.copy(other, path)
    _add(path, "e")
    _same(_made(path), _anew(path, monkeypatch))


def _each(folder: Path) -> list[Path]:
    return [file for file in (folder / "cache" / "columns").rglob("*") if file.is_file()]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:-70]),
    "empty": lambda file: file.write_bytes(b""),
    "something else": lambda file: file.write_bytes(b"{}\n" + bytes(999)),
    "no JSON": lambda file: file.write_bytes(b"\xff\n" + file.read_bytes()),
    "of an older version": lambda file: file.write_bytes(
        file.read_bytes().replace(b'"format": 1', b'"format": 0')
    ),
    "other types": lambda file: file.write_bytes(
        file.read_bytes().replace(b'"<f', b'"<i').replace(b'"<i8', b'"<f8')
    ),
    "other shapes": lambda file: file.write_bytes(file.read_bytes().replace(b"[3", b"[2")),
    "objects": lambda file: file.write_bytes(file.read_bytes().replace(b'"<', b'"O')),
    "numbers beyond": lambda file: file.write_bytes(
        file.read_bytes()[:1024] + b"\x7f" * (len(file.read_bytes()) - 1024)
    ),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int], damage: str
) -> None:
    path = tmp_path / "index.sqlite"
    _add(path, "a", "b", "c")
    _made(path)
    assert len(_each(tmp_path)) >= 9
    for file in _each(tmp_path):
        if damage != "numbers beyond" or file.name == "columns":
            DAMAGE[damage](file)
    _same(_made(path), _anew(path, monkeypatch))
    read.clear()
    _made(path)
    assert read == []


def test_files_of_another_index_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "index.sqlite", tmp_path / "other.sqlite"
    _add(path, "a", "b", "c")
    _add(other, "d", "e", "f")
    _made(path)
    mine = {file.name: file for file in _each(tmp_path)}
    _made(other)
    theirs = {file.name: file for file in _each(tmp_path) if file not in mine.values()}
    for name, file in mine.items():
        if name != "columns":
            shutil.copy(theirs[name], file)
    _same(_made(path), _anew(path, monkeypatch))


def test_an_index_of_before_is_read_and_kept_from_its_next_writer_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.sqlite"
    _add(path, "a", "b")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM setting WHERE name = ?", (b"writer.sessions",))
    _same(_made(path), _anew(path, monkeypatch))
    assert not _each(tmp_path)
    _add(path, "c")
    _same(_made(path), _anew(path, monkeypatch))
    assert _each(tmp_path)


def test_what_is_forgotten_is_in_no_file_that_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    _add(path, "a", "b")
    _made(path)
    assert _each(tmp_path)
    cache.forget({"a"})
    assert not _each(tmp_path)


def test_only_the_newest_state_is_kept_and_only_so_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "index.sqlite", tmp_path / "other.sqlite"
    _add(path, "a", "b")
    _made(path)
    before = {file.parent for file in _each(tmp_path)}
    _add(path, "c")
    _made(path)
    after = {file.parent for file in _each(tmp_path)}
    assert len(before) == len(after) == 1
    assert not before & after
    monkeypatch.setattr(shelf, "MOST_BYTES", 2_000)
    _add(other, "d")
    _same(_made(other), _anew(other, monkeypatch))
    assert not after & {file.parent for file in _each(tmp_path)}
    monkeypatch.setattr(shelf, "FREE", 1.0)  # of the disk
    _add(other, "e")
    _same(_made(other), _anew(other, monkeypatch))
    assert not [file for file in _each(tmp_path) if file.name == "columns"]


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.sqlite"
    _add(path, "a", "b")
    (tmp_path / "cache").write_text("a file")
    _same(_made(path), _anew(path, monkeypatch))


def test_what_was_measured_serves_what_is_nearly_as_large(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"

    def measured(growth: float, value: str) -> object:
        with SqliteStore(path, read_only=True) as store, store.snapshot():
            known, table = Measured(store), store.table()
            if (found := known.get("law", table, growth)) is None:
                known.put("law", table, value)
            return found

    _add(path, "a", "b", "c")
    assert [measured(0.5, "of three"), measured(0.5, "")] == [None, (36, "of three")]
    _add(path, "d")
    assert measured(0.2, "of four") is None  # a third more
    _add(path, "e")
    assert measured(0.3, "") == (48, "of four")
    with SqliteStore(path, read_only=True) as store:
        part = replace(store.table(), whole=Whole(9, 48, {}, np.ones(4)))
    assert Measured(store).get("law", part, 0.3) is None  # which is closed, and not asked
    Measured(store).put("law", part, "")
