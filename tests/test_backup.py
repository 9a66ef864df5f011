"""A backup is the index of one moment, and comes back whole or not at all."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import q2e
from q2e.backup import LIST, back_up, look_at, restore
from q2e.cli import app
from q2e.errors import ConfigError, IndexLocked, IndexMismatch, Q2EError, StoreError
from q2e.evaluate.labels import Label, Labels
from q2e.store.base import Item, StageKey
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video


def put(store: SqliteStore, number: int) -> None:
    """Put a video and two pieces of evidence, in two transactions."""
    store.put_video(Video(f"video-{number:04}", f"{number}.mp4"))
    found = [Evidence(f"video-{number:04}", "speech", n, n + 1, f"word{number}") for n in (0, 1)]
    items = [Item(one, (f"word{number}",)) for one in found]
    store.put_part(StageKey(f"video-{number:04}", "speech", 0), "v1", items)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An index of two generations with settings of its own and a label."""
    directory = tmp_path / "index"
    for name in ("index.sqlite", "index.other.sqlite"):
        with SqliteStore(directory / name) as store:
            store.set_setting("profile", "other" if "other" in name else "local")
            put(store, 1)
    (directory / "q2e.toml").write_text("top = 7\n")
    (directory / "tokens.json").write_text("[]")
    Labels(directory).put(Label("question", "video-0001", 0.0, None, 1))
    return directory


def contents(directory: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for file in sorted(directory.glob("*.sqlite")):
        with SqliteStore(file, read_only=True) as store:
            videos = list(store.videos())
            found[file.name] = videos, [store.evidence_of(video.id) for video in videos]
    texts = {
        file.name: file.read_text() for file in directory.iterdir() if "sqlite" not in file.name
    }
    for name in (LIST, "tokens.json"):
        texts.pop(name, None)
    return found | texts


def test_a_backup_comes_back_as_it_was(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(directory)
    app(
        ["backup", str(tmp_path / "copy"), "--index", str(directory), "--json"],
        standalone_mode=False,
    )
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["videos"]) == (1, 1)
    assert told["files"] == ["index.other.sqlite", "index.sqlite", "labels.jsonl", "q2e.toml"]
    # It can be searched where it lies.
    with q2e.open(tmp_path / "copy") as index:
        assert (len(index), index.settings.top) == (1, 7)
    for target in (directory, tmp_path / "elsewhere"):
        if target == directory:
            with SqliteStore(directory / "index.sqlite") as store:
                put(store, 2)
            (directory / "index.third.sqlite").write_bytes(b"made later")
        arguments = ["restore", str(tmp_path / "copy"), "--replace", "--index", str(target)]
        app(arguments, standalone_mode=False)
        assert "restored: 1 video" in capsys.readouterr().err
        assert contents(target) == before
    assert not [file for file in directory.iterdir() if file.name.startswith(".")]
    # Those who were let in, or shut out, since then still are.
    assert (directory / "tokens.json").is_file()
    assert not (tmp_path / "elsewhere" / "tokens.json").exists()


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    directory: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    began = threading.Event()

    def write() -> None:
        with SqliteStore(directory / "index.sqlite") as store:
            number = 2
            while not stop.is_set():
                put(store, number)
                number += 1
                began.set()

    writer = threading.Thread(target=write)
    writer.start()
    began.wait(30)
    try:
        counts = [back_up(directory, tmp_path / "copy").videos for _ in range(6)]
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts) and counts[0] < counts[-1]
    with sqlite3.connect(tmp_path / "copy" / "index.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with SqliteStore(tmp_path / "copy" / "index.sqlite", read_only=True) as store:
        videos = list(store.videos())
        assert len(videos) == counts[-1]
        assert {len(store.evidence_of(one.id)) for one in videos[:-1]} == {2}
        assert len(store.evidence_of(videos[-1].id)) in (0, 2)


def _damage(copy: Path) -> None:
    file = copy / "index.sqlite"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _newer(copy: Path) -> None:
    about = json.loads((copy / LIST).read_text())
    (copy / LIST).write_text(json.dumps(about | {"version": 99}))


def _newer_format(copy: Path) -> None:
    about = json.loads((copy / LIST).read_text())
    about["files"]["index.sqlite"]["format"] = 99
    (copy / LIST).write_text(json.dumps(about))


def _elsewhere(copy: Path) -> None:
    about = json.loads((copy / LIST).read_text())
    about["files"]["../stolen"] = about["files"]["q2e.toml"]
    (copy / LIST).write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("spoil", "kind", "said"),
    [
        (_damage, StoreError, "index.sqlite is damaged or missing; nothing was restored"),
        (lambda copy: (copy / "labels.jsonl").unlink(), StoreError, "labels.jsonl is damaged"),
        (_newer, IndexMismatch, "made by a newer q2e.*git pull  in its"),
        (_newer_format, IndexMismatch, "format 99.*git pull  in its"),
        (_elsewhere, StoreError, "names files elsewhere"),
        (lambda copy: (copy / LIST).unlink(), ConfigError, "no backup made by  q2e backup"),
        (lambda copy: (copy / LIST).write_text("[]"), ConfigError, "no backup made by"),
    ],
)
def test_what_is_not_whole_changes_nothing(
    spoil: Callable[[Path], object],
    kind: type[Q2EError],
    said: str,
    directory: Path,
    tmp_path: Path,
) -> None:
    back_up(directory, tmp_path / "copy")
    spoil(tmp_path / "copy")
    before = contents(directory)
    with pytest.raises(kind, match=said):
        restore(tmp_path / "copy", directory, replace=True)
    assert contents(directory) == before
    assert not (tmp_path / "stolen").exists()


def test_nothing_is_overwritten_unasked(directory: Path, tmp_path: Path) -> None:
    back_up(directory, tmp_path / "copy")
    with pytest.raises(ConfigError, match=r"holds index.other.sqlite already; .*--replace"):
        restore(tmp_path / "copy", directory)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    for target, said in (
        (tmp_path / "mine", "exists and is no backup"),
        (directory, "lies in the index itself"),
        (directory / "inside", "lies in the index itself"),
    ):
        with pytest.raises(ConfigError, match=said):
            back_up(directory, target)
    with pytest.raises(ConfigError, match="holds no index"):
        back_up(tmp_path / "mine", tmp_path / "other")
    with SqliteStore(directory / "index.sqlite"), pytest.raises(IndexLocked):
        restore(tmp_path / "copy", directory, replace=True)


def test_a_second_backup_replaces_the_first_when_it_is_whole(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(directory, tmp_path / "copy")
    with SqliteStore(directory / "index.sqlite") as store:
        put(store, 2)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
        with pytest.raises(StoreError, match="No space"):
            back_up(directory, tmp_path / "copy")
    assert look_at(tmp_path / "copy") == first
    assert back_up(directory, tmp_path / "copy").videos == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy", "index"]
