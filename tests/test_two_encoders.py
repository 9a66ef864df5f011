"""A second encoder of what is seen: clips in a space of their own, asked beside the frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("transformers")

import q2e
import tiny_models as tiny
from q2e.errors import ConfigError, IndexMismatch
from q2e.methods.questions import Form
from q2e.search.search import Searcher
from q2e.settings import changed
from q2e.store import generations
from q2e.types import Query


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with the frames of one tiny model and the clips of another."""
    folder = tmp_path_factory.mktemp("seeing")
    image = tiny.save_pictures(folder / "clip", "clip")
    video = tiny.save_pictures(folder / "xclip", "xclip")
    file = folder / "seeing.toml"
    file.write_text(f'base = "local"\n[models]\nimage = "file:{image}"\nvideo = "file:{video}"\n')
    return file


@pytest.fixture(scope="module")
def clip(samples: Path) -> Path:
    return min((samples / "clips").glob("*.mp4"), key=lambda file: file.stat().st_size)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, profile: Path, clip: Path) -> Path:
    directory = tmp_path_factory.mktemp("seen") / "index"
    with q2e.open(directory, profile=str(profile), channels=("frame",)) as handle:
        report = handle.add(clip)
        assert report.ok and len(report.indexed) == 1
    return directory


def test_each_segment_has_one_vector_of_its_clip(index: Path, profile: Path) -> None:
    with q2e.open(index, profile=str(profile)) as handle:
        frames, clips = (one.space for one in handle.models.seeing.values())
        held = handle.store.spaces()
        (video,) = handle.videos()
        segments = handle.store.segments(video.id)
        assert held[clips] == len(segments) <= held[frames]
        assert handle.store.setting("space.video") == clips != frames


def test_both_encoders_are_rows_of_their_own_and_reasons_add_up(index: Path, profile: Path) -> None:
    with q2e.open(index, profile=str(profile)) as handle:
        results = handle.search("a dog", confidence=0)
        assert set(results.info["models"]) == {"text", "image", "video"}
        (hit,) = results
        seen = [one for one in hit.why if one.how == "picture"]
        assert [one.channel for one in seen] == ["frame", "frame"]
        assert sum(one.contribution for one in hit.why) == pytest.approx(hit.score)
        searcher = Searcher(handle.store, handle.models)
        settings = changed(handle.settings, {"decompose": "none"})
        answer = searcher.rows(Query("a dog", "en"), settings)
        frames, clips = (row for row in answer.rows if row.how == "picture")
        assert len(frames.rows) > len(clips.rows) == len(handle.store.segments(hit.video.id))
        assert frames.video[0] != clips.video[0]
        # Each is on its own scale: what plain descriptions score is zero, their deviation one.
        for row, encoder in zip((frames, clips), handle.models.seeing.values(), strict=True):
            _, vectors = handle.store.vectors(encoder.space)
            plain = vectors @ searcher.at.questions.pictured(encoder, Form("en", event=True)).T
            best = (vectors @ encoder.encode_texts(["a dog"])[0]).max()
            worth = (best - plain.mean()) / (plain.std() or 1.0)
            assert row.video[0] == pytest.approx(worth, rel=1e-3, abs=1e-3)


def test_another_model_of_clips_is_refused(index: Path, profile: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    video = tiny.save_pictures(tmp_path / "siglip", "siglip")
    other.write_text(f'base = "{profile}"\n[models]\nvideo = "file:{video}"\n')
    with (
        q2e.open(index, profile=str(profile)) as mine,
        q2e.open(tmp_path / "none", profile=str(other)) as its,
        pytest.raises(IndexMismatch, match="the index holds video vectors of"),
    ):
        Searcher(mine.store, its.models).search(Query("a dog"), mine.settings)


def test_one_model_is_not_asked_twice(profile: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice.toml"
    image = profile.parent / "clip"
    twice.write_text(f'base = "{profile}"\n[models]\nvideo = "file:{image}"\n')
    with (
        q2e.open(tmp_path / "none", profile=str(twice)) as handle,
        pytest.raises(ConfigError, match="sees what image sees already"),
    ):
        _ = handle.models.clips


@pytest.mark.slow
def test_a_profile_without_clips_takes_its_generation_with_it(
    index: Path, profile: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(index, tmp_path / "index")
    plain = tmp_path / "plain.toml"
    image = profile.parent / "clip"
    plain.write_text(f'base = "local"\n[models]\nimage = "file:{image}"\n')
    with q2e.open(own, profile=str(plain), channels=("frame",)) as handle:
        assert handle.switch().ok
        assert len(handle.store.spaces()) == 1
    q2e.open(own).remove_generation("seeing")
    assert list(generations.held(own)) == ["plain"]
    with q2e.open(own) as handle:
        (hit,) = handle.search("a dog", confidence=0)
        assert len([one for one in hit.why if one.how == "picture"]) == 1
