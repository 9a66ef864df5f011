"""Identical files: what is said beside any of them is known, and what is wrong there is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import q2e
from media_files import write_video

SAID = {
    "title": "Tierpark Berlin",
    "description": "Elefanten baden",
    "upload_date": "20230405",
    "tags": ["Zoo", "動物園"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of the same content, told apart by their names alone."""
    folder = tmp_path / "films"
    folder.mkdir()
    shutil.copy(write_video(folder / "a.mp4", (0.6,)), folder / "b.mp4")
    return folder


def say(file: Path, **said: object) -> None:
    file.write_text(json.dumps(said), encoding="utf-8")


def opened(folder: Path) -> q2e.Index:
    return q2e.open(folder.parent / "index", channels=("metadata",))


def texts(index: q2e.Index) -> set[str]:
    (video,) = index.videos()
    return {one.text for one in index.show(video.id).evidence}


def test_the_description_beside_the_second_file_is_known(folder: Path) -> None:
    say(folder / "b.info.json", **SAID)
    index = opened(folder)
    report = index.add(folder)
    assert report.duplicates == [(str(folder / "b.mp4"), str(folder / "a.mp4"))]
    assert [video.path for video in report.indexed] == [str(folder / "a.mp4")]
    (video,) = index.videos()
    assert (video.title, video.description) == ("Tierpark Berlin", "Elefanten baden")
    assert (video.date, video.tags) == ("2023-04-05", ("Zoo", "動物園"))
    assert {"Tierpark Berlin", "Elefanten baden"} <= texts(index)
    before = index.store.table().version
    for paths in ([folder], [folder / "b.mp4"], [folder / "a.mp4"]):
        again = index.add(*paths)
        assert not again.indexed and not again.evidence and again.ok
        assert index.videos() == [video]
    assert index.store.table().version == before


def test_both_descriptions_are_joined(folder: Path) -> None:
    say(folder / "a.json", title="Ausflug", tags=["Familie", "Zoo"], date="2023-04-07")
    say(folder / "b.json", **SAID)
    index = opened(folder)
    index.add(folder)
    (video,) = index.videos()
    assert (video.title, video.date) == ("Ausflug", "2023-04-07")
    assert video.tags == ("Familie", "Zoo", "動物園")
    assert video.description == "Tierpark Berlin\nElefanten baden"
    index.add(folder)
    assert index.videos() == [video]


def test_a_copy_found_later_and_elsewhere(folder: Path) -> None:
    index = opened(folder)
    (folder / "b.mp4").unlink()
    index.add(folder)
    other = folder.parent / "more"
    other.mkdir()
    shutil.copy(folder / "a.mp4", other / "c.mp4")
    say(other / "c.json", **SAID)
    report = index.add(other)
    assert report.duplicates == [(str(other / "c.mp4"), str(folder / "a.mp4"))]
    assert "Tierpark Berlin" in texts(index)
    # The first one goes: the copy stands for it, and nothing is lost.
    (folder / "a.mp4").unlink()
    report = index.add(other)
    assert report.renamed == [(str(folder / "a.mp4"), str(other / "c.mp4"))]
    (video,) = index.videos()
    assert (video.path, video.title) == (str(other / "c.mp4"), "Tierpark Berlin")


def test_a_damaged_description_beside_a_copy_is_told(folder: Path) -> None:
    (folder / "b.json").write_text('{"title": "Tierpark')
    index = opened(folder)
    for _ in range(2):
        report = index.add(folder)
        assert [failure.path for failure in report.failures] == [str(folder / "b.mp4")]
        assert len(report.indexed) + report.unchanged == 1
        (failure,) = index.status().failures
        assert (failure.path, failure.stage) == (str(folder / "b.mp4"), "description")
        assert "b.json: not valid JSON" in failure.reason
    say(folder / "b.json", **SAID)
    assert index.add(folder).ok
    assert not index.status().failures
    assert "Tierpark Berlin" in texts(index)


def test_what_a_manifest_says_of_a_copy(folder: Path) -> None:
    manifest = folder.parent / "list.jsonl"
    rows = [{"path": "films/a.mp4", "title": "Ausflug"}, {"path": "films/b.mp4", "title": "Zoo"}]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    index = opened(folder)
    index.add(manifest)
    assert {"Ausflug", "Zoo"} <= texts(index)
    assert not index.add(folder).evidence, "what a manifest said stands"
    assert {"Ausflug", "Zoo"} <= texts(index)


def test_a_copy_that_is_changed_is_none_any_more(folder: Path) -> None:
    say(folder / "b.json", **SAID)
    say(folder / "a.json", title="Ausflug")
    index = opened(folder)
    index.add(folder)
    write_video(folder / "b.mp4", (0.8,))
    index.add(folder)
    titles = {Path(video.path).name: (video.title, video.description) for video in index.videos()}
    assert titles == {"a.mp4": ("Ausflug", ""), "b.mp4": ("Tierpark Berlin", "Elefanten baden")}
