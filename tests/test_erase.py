"""What is forgotten is nowhere: not in the index's files, nor beside them, nor in the cache."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import q2e
from q2e.cache import ResultCache, as_json, fingerprint
from q2e.cli import app
from q2e.erase import erase
from q2e.errors import StoreError
from q2e.evaluate.labels import Label, Labels
from q2e.server.pictures import drawn
from q2e.store.base import Failure, Item, StageKey
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video

SECRET = "Zyxwonga Wanderdüne 秘密の砂丘"


def traces(folders: list[Path], wanted: dict[str, bytes]) -> dict[str, list[str]]:
    """Return which of the wanted bytes stand in which files."""
    found: dict[str, list[str]] = {}
    for file in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        data = file.read_bytes() + file.name.encode("utf-8", "surrogateescape")
        for name, what in wanted.items():
            if what in data:
                found.setdefault(name, []).append(file.name)
    return found


def marks(store: SqliteStore, video: Video) -> dict[str, bytes]:
    """Return bytes by which a video's words, facts and vectors are known in files."""
    wanted = {"id": video.id.encode(), "path": video.path.encode()}
    wanted |= {word: word.encode() for word in SECRET.split()}
    wanted["escaped"] = json.dumps(SECRET).encode()[1:-1]
    table = store.table()
    mask = table.video == table.video_ids.index(video.id)
    for space in store.spaces():
        rows, matrix = store.vectors(space)
        vectors = matrix[mask[rows]].astype("<f2")
        assert len(vectors)
        # A piece from the middle: a page of the file may end anywhere.
        wanted |= {f"{space} {n}": one[40:56].tobytes() for n, one in enumerate(vectors)}
    return wanted


@pytest.fixture
def places(
    tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, Path, Path]]:
    """An index of two clips, its cache, and the clip with the secret title."""
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    media = tmp_path / "media"
    media.mkdir()
    for name in ("footage-04.mp4", "call-06.mp4"):
        shutil.copy(samples / "clips" / name, media)
    (media / "call-06.info.json").write_text(json.dumps({"title": SECRET, "tags": ["Zyxwonga"]}))
    with q2e.open(tmp_path / "index", channels=("metadata", "frame", "caption")) as index:
        assert index.add(media).ok
    yield tmp_path / "index", tmp_path / "cache", media / "call-06.mp4"


def test_a_forgotten_video_leaves_no_trace(places: tuple[Path, Path, Path]) -> None:
    directory, cache, secret = places
    # A second generation, an older path, a failure, labels, pictures, an imagined text.
    shutil.copy(directory / "index.sqlite", directory / "index.other.sqlite")
    with SqliteStore(directory / "index.other.sqlite") as store:
        store.set_setting("profile", "other")
    with q2e.open(directory) as index:
        video = index.find(secret.name)
        kept = next(one for one in index.videos() if one.id != video.id)
        labels = Labels(directory)
        labels.put(Label("dunes", video.id, 0.0, None, 1))
        labels.put(Label("dunes", kept.id, 0.0, None, 1))
        wanted = marks(index.store, video)
    with SqliteStore(directory / "index.sqlite") as store:
        store.set_setting(f"file:/elsewhere/{secret.name}", json.dumps([1, 2, video.id]))
        store.put_failure(Failure(video.path, f"cannot read {SECRET}", video.id, "speech"))
    pictures = ResultCache("pictures", as_json(str))
    for one in (video, kept):
        pictures.put(drawn(one.id, "frame", [1.0], 96), SECRET, about=(one.id,))
    imagined = ResultCache("lamer", as_json(str))
    imagined.put(fingerprint("dunes", method="lamer"), SECRET, about=(kept.id, video.id))
    assert set(traces([directory, cache], wanted)) >= {"id", "path", "Zyxwonga"}

    app(["remove", "--forget", video.id, "--index", str(directory)], standalone_mode=False)

    del wanted["escaped"]  # the picture of the other video holds it
    pictures.put(drawn(kept.id, "frame", [1.0], 96), "nothing", about=(kept.id,))
    assert traces([directory, cache], wanted) == {}
    assert secret.is_file()
    assert [label.video for label in Labels(directory).all()] == [kept.id]
    with q2e.open(directory) as index:
        assert [one.id for one in index.videos()] == [kept.id]
        assert [hit.video.id for hit in index.search("a dog", confidence=0)] == [kept.id]


def test_what_was_removed_before_is_scrubbed_and_a_reader_is_no_reason_to_leave_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.sqlite"
    with SqliteStore(path) as store:
        for name, text in (("a", SECRET), ("b", "nothing")):
            store.put_video(Video(name, f"{name}.mp4", title=text))
            one = Evidence(name, "speech", 0, 1, text)
            store.put_part(StageKey(name, "speech", 0), "v1", [Item(one, tuple(text.split()))])
        store.remove_video("a")
        with SqliteStore(path, read_only=True) as reader, reader.snapshot():
            assert len(reader.table()) == 1
            store._database._main.execute("PRAGMA busy_timeout = 50")
            with pytest.raises(StoreError, match="read by another process"):
                store.scrub()
    erase(tmp_path, [])
    assert traces([tmp_path], {word: word.encode() for word in SECRET.split()}) == {}
    with SqliteStore(path, read_only=True) as reader:
        assert [one.text for one in reader.evidence_of("b")] == ["nothing"]
