"""What is made of texts is made again without the media; an index of the first format goes on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import q2e
from q2e.errors import IndexMismatch
from q2e.ingest import derive
from q2e.ingest.keys import Rules, digest, record_digest
from q2e.store import schema
from q2e.store.base import NEXT_SPACE, Derived, StageKey
from q2e.store.sqlite import SqliteStore
from q2e.text import lexical
from q2e.types import Evidence, Filters, Video

DATA = Path(__file__).parent / "data"


class Letters:
    """Encodes a text by how often it has each of 26 letters; `space` and `limit` are the test's."""

    def __init__(self, space: str, limit: int = 10_000) -> None:
        self.space = space
        self.left = limit
        self.asked: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> Any:
        self.left -= len(texts)
        if self.left < 0:
            raise InterruptedError
        self.asked += texts
        found = np.array([[1.0 + text.count(chr(97 + n)) for n in range(26)] for text in texts])
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def put(store: SqliteStore, encoder: Letters, count: int = 9) -> None:
    """Put a video whose parts each have a line, a line twice, a composed one and a bare vector."""
    store.put_video(Video("v", "v.mp4"))
    store.set_setting("space.text", encoder.space)
    for part in range(count):
        lines = [f"line {chr(97 + part)}", "again", "again"]
        said = [Evidence("v", "caption", part, part + 1, line) for line in lines]
        said.append(Evidence("v", "caption", part, part + 1, "told", origin="composed"))
        said.append(Evidence("v", "caption", part, part + 1, vectors={"image": np.ones(3)}))
        ready = derive.items(said, encoder.space, encoder.encode_passages)
        key = StageKey("v", "caption", part)
        store.put_part(key, "v1", ready, derived=derive.derived(encoder.space))


def vectors(store: SqliteStore, space: str) -> dict[str, list[float]]:
    rows, matrix = store.vectors(space)
    found = store.evidence(rows.tolist())
    return {one.text: vector.tolist() for one, vector in zip(found, matrix, strict=True)}


def test_a_new_text_model_answers_when_all_its_vectors_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive, "_TEXTS", 10)
    with SqliteStore(tmp_path / "s.sqlite") as store:
        put(store, Letters("old"))
        before = store.table()
        old = vectors(store, "old")
        told: list[tuple[int, int]] = []
        stopped = Letters("new", limit=8)
        with pytest.raises(InterruptedError):
            derive.refresh(store, "new", lambda: stopped, lambda *n: told.append(n))
        assert told and told[-1][0] < told[-1][1] == 9
        # Until all is there, the old vectors answer, and nobody sees the new ones.
        assert store.setting("space.text") == "old"
        assert vectors(store, "old") == old
        assert dict(store.spaces()) == {"old": 27, "image": 9}
        goes_on = Letters("new")
        assert derive.refresh(store, "new", lambda: goes_on) == 9 - told[-1][0]
        assert not set(goes_on.asked) & set(stopped.asked) - {"again"}
        assert dict(store.spaces()) == {"new": 27, "image": 9}
        assert (store.setting("space.text"), store.setting(NEXT_SPACE)) == ("new", None)
        assert vectors(store, "new") == old
        after = store.table()
        assert after.evidence_id.tolist() == before.evidence_id.tolist()
        assert derive.refresh(store, "new", lambda: pytest.fail("nothing is left")) == 0


def test_a_change_taken_back_half_way_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive, "_TEXTS", 10)
    with SqliteStore(tmp_path / "s.sqlite") as store:
        put(store, Letters("old"))
        # A reader that has the vectors already is given them in the order of their evidence.
        with SqliteStore(tmp_path / "s.sqlite", read_only=True) as reader:
            known = vectors(reader, "old")
            rows = reader.vectors("old")[0].tolist()
            stopped = Letters("new", limit=8)
            with pytest.raises(InterruptedError):
                derive.refresh(store, "new", lambda: stopped)
            derive.refresh(store, "old", lambda: Letters("old"))
            assert vectors(reader, "old") == known
            assert reader.vectors("old")[0].tolist() == rows
        assert vectors(store, "old") == known
        assert dict(store.spaces()) == {"old": 27, "image": 9}
        assert store.setting(NEXT_SPACE) is None


def test_new_rules_of_words_need_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteStore(tmp_path / "s.sqlite") as store:
        put(store, Letters("old"))
        with SqliteStore(tmp_path / "s.sqlite", read_only=True) as reader:
            assert len(reader.lexical(["again"])[0]) == 18
            length = reader.table().length.sum()
            monkeypatch.setattr(lexical, "TERMS_VERSION", 99)
            monkeypatch.setattr(lexical, "indexed", lambda text: tuple(text.upper().split()) * 2)
            derive.refresh(store, "old", lambda: pytest.fail("no text is embedded"))
            assert len(reader.lexical(["again"])[0]) == 0
            assert len(reader.lexical(["AGAIN"])[0]) == 18
            assert reader.table().length.sum() != length
            assert not store.count_outdated(Derived("99", "old"))


# -- an index of the first format -----------------------------------------------------------------
@pytest.fixture
def first_format(tmp_path: Path) -> Path:
    """An index that the program made before channels had names in it; see the file."""
    directory = tmp_path / "index"
    directory.mkdir()
    connection = sqlite3.connect(directory / "index.sqlite")
    connection.executescript((DATA / "index_format_1.sql").read_text("utf-8"))
    connection.close()
    return directory


ASKED = {
    "monkeys carried the phones away": ("speech", "meaning"),
    "speech:volcano": ("speech", "words"),
    "火山が噴火": ("caption", "meaning"),
    "вулкана": ("metadata", "meaning"),
    "screen:(أخبار المساء)": ("screen_text", "meaning"),
    "sound:bark": ("sound", "meaning"),
    "channel:summary dog show": ("summary", "words"),
}


def answers(directory: Path) -> dict[str, Any]:
    """Return the hits of the questions with their reasons, and what was remarked."""
    found: dict[str, Any] = {}
    with q2e.open(directory) as index:
        for question in ASKED:
            results = index.search(question, confidence=0)
            found[question] = [
                (hit.video.id, [(why.channel, why.how) for why in hit.why]) for hit in results
            ]
        found["remark"] = results.info["hint"]
        found["evidence"] = index.status().evidence
    return found


def test_an_index_of_the_first_format_answers_as_it_lies_and_when_it_is_brought_up_to_date(
    first_format: Path,
) -> None:
    file = first_format / "index.sqlite"
    lying = answers(first_format)
    assert lying["evidence"] == {
        "frame": 16, "caption": 3, "summary": 1, "speech": 2, "screen_text": 1, "metadata": 2,
        "sound": 1,
    }  # fmt: skip
    for question, reason in ASKED.items():
        assert reason in lying[question][0][1], question
    assert "q2e index  without PATH" in lying.pop("remark")
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    with q2e.open(first_format) as index:
        assert index.status().outdated
        index.refresh()
        assert index.status().outdated == 0
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    done = answers(first_format)
    assert done.pop("remark") == ""
    # Words are by the rules of now, and the rest is as it was.
    assert {name: [hit[0] for hit in hits] for name, hits in done.items() if name in ASKED} == {
        name: [hit[0] for hit in hits] for name, hits in lying.items() if name in ASKED
    }
    for question, reason in ASKED.items():
        assert reason in done[question][0][1], question
    assert done["evidence"] == lying["evidence"]


def test_a_channel_of_any_name_keeps_its_own_number(first_format: Path) -> None:
    with SqliteStore(first_format / "index.sqlite") as store:
        for name in ("smell", "objects"):
            key = StageKey("archive-1", name, 0)
            one = Evidence("archive-1", name, 0, 1, name)
            store.put_part(key, "v1", derive.items([one], "old", Letters("old").encode_passages))
        with SqliteStore(first_format / "index.sqlite", read_only=True) as reader:
            assert reader.table().channels == (
                *("frame", "caption", "summary", "speech", "screen_text", "metadata"),
                *("objects", "smell", "sound"),
            )
            mask = reader.rows(Filters(channels=("smell", "summary")))
            assert mask is not None
            found = reader.evidence(np.flatnonzero(mask).tolist())
            assert [one.channel for one in found] == ["summary", "smell"]
            others = reader.rows(Filters(without_channels=("smell", "summary")))
            assert others is not None and others.sum() == len(reader.table()) - 2


# -- with real models and media -------------------------------------------------------------------
@pytest.mark.slow
def test_speech_is_not_heard_again_for_other_words_or_another_text_model(
    tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    import tiny_models as tiny

    media, profile = tmp_path / "media", tmp_path / "own.toml"
    media.mkdir()
    shutil.copy(samples / "clips" / "call-06.mp4", media)
    profile.write_text('base = "local"\n')
    with q2e.open(tmp_path / "i", profile=str(profile), channels=("speech", "metadata")) as index:
        assert index.add(media).ok
        (video,) = index.videos()
        heard = index.store.evidence_of(video.id)
        done = index.store.done(video.id)
        old = index.models.text.space
    # Keys of the first format held the space of texts; they still say that the work is done.
    with sqlite3.connect(tmp_path / "i" / "index.sqlite") as connection:
        from q2e.channels.metadata import MetadataChannel

        key = digest(
            MetadataChannel(index.settings).config_key,
            index.settings.part_s,
            f"{old};3",
            record_digest(video, Rules(places=True)),
        )
        connection.execute("UPDATE stage SET config_key = ? WHERE name = 'metadata'", (key,))
        connection.execute("INSERT INTO setting VALUES (?, ?)", (b"keys.space", old.encode()))
    with q2e.open(tmp_path / "i", profile=str(profile), channels=("speech", "metadata")) as index:
        assert (index.add(media).unchanged, index.store.done(video.id)["metadata", 0]) == (1, key)
    shutil.rmtree(media)
    (tmp_path / "empty").mkdir()
    model = tiny.save_sentences(tmp_path / "multilingual-e5-tiny", onnx=True)
    profile.write_text(f'base = "local"\n[models]\ntext = "file:{model}"\n')
    monkeypatch.setattr(lexical, "TERMS_VERSION", 99)
    known = lexical.indexed
    monkeypatch.setattr(lexical, "indexed", lambda text: (*known(text), "extra"))
    with q2e.open(tmp_path / "i", profile=str(profile)) as index:
        assert index.models.text.space != old
        with pytest.raises(IndexMismatch, match="q2e index"):
            index.search("monkeys")
        report = index.add(tmp_path / "empty")
        assert (report.ok, report.refreshed, report.indexed) == (True, 2, [])
        index.close()
        assert index.store.evidence_of(video.id) == heard
        assert index.store.done(video.id) == {**done, ("metadata", 0): key}
        assert dict(index.store.spaces()) == {index.models.text.space: len(heard)}
        assert len(index.store.lexical(["extra"])[0]) == len(heard)
        assert index.search("monkeys", confidence=0)[0].video.id == video.id
