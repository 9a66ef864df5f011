"""Indexing survives what files and machines do to it; real models, real files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import q2e
from q2e.errors import ConfigError, IndexLocked, ModelError
from q2e.ingest.messages import Message, PartRead
from q2e.store.generations import FIRST as STORE_NAME
from q2e.store.sqlite import SqliteStore

#: Short clips of the samples with speech, screen text and a description between them.
CLIPS = ("launch-18.mp4", "news-17.mp4", "wanderung-20.mp4")


@pytest.fixture
def clips(tmp_path: Path, samples: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for file in (samples / "clips").iterdir():
        if file.name.startswith(tuple(name.split(".")[0] for name in CLIPS)):
            shutil.copy(file, folder)
    return folder


def _content(index: q2e.Index) -> set[tuple[object, ...]]:
    """Return everything an index holds, without paths and numbers."""
    return {
        (one.video, one.channel, one.start_s, one.end_s, one.text, one.language, one.tags)
        for video in index.videos()
        for one in index.show(video.id).evidence
    }


def test_a_second_run_reads_nothing_again(tmp_path: Path, clips: Path) -> None:
    index = q2e.open(tmp_path / "index", channels=("metadata", "screen_text"))
    first = index.add(clips)
    assert sorted(Path(video.path).name for video in first.indexed) == sorted(CLIPS)
    before = _content(index)
    second = index.add(clips, clips / CLIPS[0])
    assert (second.indexed, second.unchanged) == ([], len(CLIPS))
    assert _content(index) == before


def test_new_channels_leave_the_others_alone(tmp_path: Path, clips: Path) -> None:
    said: list[str] = []

    def watch(path: Path, number: int, count: int, message: Message) -> None:
        if isinstance(message, PartRead):
            said.append(message.key.stage)

    q2e.open(tmp_path / "index", channels=("metadata", "screen_text")).add(clips)
    with q2e.open(tmp_path / "index", channels=("metadata", "screen_text", "frame")) as index:
        index.add(clips, watch=watch)
        assert set(said) == {"frame"}
        assert {"metadata", "screen_text", "frame"} <= set(index.status().evidence)
        # The frames found by seeking are those that the one pass would have found.
        seen = {one for one in _content(index) if one[1] == "frame"}
    whole = q2e.open(tmp_path / "other", channels=("frame",))
    whole.add(clips)
    assert seen == _content(whole)


def test_renamed_and_doubled_files_are_known_by_content(tmp_path: Path, clips: Path) -> None:
    index = q2e.open(tmp_path / "index", channels=("metadata",))
    index.add(clips)
    old, new = clips / "news-17.mp4", clips / "Музей.mp4"
    old.rename(new)
    shutil.copy(new, clips / "Я-copy.mp4")
    report = index.add(clips)
    assert report.renamed == [(str(old), str(new))]
    assert report.duplicates == [(str(clips / "Я-copy.mp4"), str(new))]
    assert len(index) == len(CLIPS)
    # The file's name is part of what is known about it.
    assert any("Музей" in one.text for one in index.show(str(new)).evidence)


def test_deleted_files_are_reported_and_removable(tmp_path: Path, clips: Path) -> None:
    index = q2e.open(tmp_path / "index", channels=("metadata",))
    index.add(clips)
    (clips / CLIPS[0]).unlink()
    assert index.status().missing == (str(clips / CLIPS[0]),)
    assert index.status(files=False).missing == ()
    (gone,) = index.remove(missing=True)
    assert Path(gone.path).name == CLIPS[0]
    assert len(index) == len(CLIPS) - 1
    assert index.status().missing == ()


def _bad_files(folder: Path, good: Path) -> dict[str, str]:
    """Make files that cannot be read, and return what their reasons must speak of."""
    whole = good.read_bytes()
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is not a video")
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "picture.mp4").write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
            "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
        )
    )
    return {"empty.mp4": "empty", "text.mp4": "", "cut.mp4": "", "picture.mp4": ""}


def test_bad_files_are_rows_with_reasons(tmp_path: Path, clips: Path) -> None:
    bad = _bad_files(clips, clips / "news-17.mp4")
    index = q2e.open(tmp_path / "index", channels=("metadata",))
    report = index.add(clips)
    assert len(report.indexed) == len(CLIPS)
    reasons = {Path(failure.path).name: failure.reason for failure in index.status().failures}
    assert reasons.keys() == bad.keys()
    for name, word in bad.items():
        assert word in reasons[name]
        assert "\n" not in reasons[name] and "Error" not in reasons[name]
    # A mended file is read by retry, and its row is gone.
    shutil.copy(clips / "launch-18.mp4", clips / "whole.mp4")
    with (clips / "whole.mp4").open("ab") as file:
        file.write(b"\0" * 8)
    (clips / "whole.mp4").replace(clips / "empty.mp4")
    retried = index.retry()
    assert [Path(video.path).name for video in retried.indexed] == ["empty.mp4"]
    assert len(index.status().failures) == len(bad) - 1


@pytest.mark.slow
def test_a_broken_description_costs_no_video(tmp_path: Path, clips: Path) -> None:
    video = clips / "news-17.mp4"
    beside = video.with_suffix(".json")
    beside.write_text('{"title": "Старт ракеты"', encoding="utf-8")
    index = q2e.open(tmp_path / "index", channels=("metadata", "screen_text"))
    for _ in range(2):
        index.add(clips)
        (failure,) = index.status().failures
        assert (Path(failure.path), failure.stage) == (video, "description")
        assert "news-17.json: not valid JSON" in failure.reason
        assert index.show("news-17.mp4").evidence
    beside.write_text('{"title": "Старт ракеты"}', encoding="utf-8")
    index.retry()
    assert not index.status().failures
    assert "Старт ракеты" in {one.text for one in index.show("news-17.mp4").evidence}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file_says_so(tmp_path: Path, clips: Path) -> None:
    (clips / CLIPS[0]).chmod(0)
    report = q2e.open(tmp_path / "index", channels=("metadata",)).add(clips)
    (failure,) = report.failures
    assert "ermission" in failure.reason


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_like_a_whole_one(tmp_path: Path, clips: Path) -> None:
    channels = ("frame", "screen_text", "metadata", "caption")
    whole = q2e.open(tmp_path / "whole", channels=channels)
    whole.add(clips)
    command = [sys.executable, "-m", "q2e", "index", str(clips), "--quiet"]
    command += ["--index", str(tmp_path / "killed")]
    for channel in channels:
        command += ["--channel", channel]
    for pause_s in (1.0, 3.0, 5.0):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(pause_s)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, timeout=300)
    killed = q2e.open(tmp_path / "killed")
    assert _content(killed) == _content(whole)
    assert len(killed.store.table()) == len(whole.store.table())


def test_a_second_writer_is_told_who_writes(tmp_path: Path, clips: Path) -> None:
    index = q2e.open(tmp_path / "index", channels=("metadata",))
    index.add(clips)
    holder = SqliteStore(tmp_path / "index" / STORE_NAME)
    try:
        with pytest.raises(IndexLocked, match=f"process {os.getpid()}"):
            index.add(clips)
    finally:
        holder.close()
    assert index.add(clips).unchanged == len(CLIPS)


def test_unknown_profile_and_missing_path_are_said_at_once(tmp_path: Path, clips: Path) -> None:
    with pytest.raises((ModelError, ConfigError), match="unknown profile"):
        q2e.open(tmp_path / "index", profile="imaginary").add(clips)
    with pytest.raises(ConfigError, match="nowhere"):
        q2e.open(tmp_path / "index").add(tmp_path / "nowhere")
