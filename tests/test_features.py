"""`q2e features`: of an index, its own texts or judged questions; of a data set and its files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e import features as made_of
from q2e.cli import app
from q2e.errors import ConfigError, MediaError
from q2e.features import of_dataset, of_index
from q2e.heads.feature_files import load
from q2e.media.frames import save_jpeg
from test_docs import _sections

RUN = CliRunner()
SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def test_of_an_index_by_its_own_texts(sample_index: q2e.Index, tmp_path: Path) -> None:
    out = tmp_path / "own.npz"
    command = ["features", str(sample_index.directory), "--out", str(out), "--json"]
    done = RUN.invoke(app, command)
    assert done.exit_code == 0, (done.output, done.exception)
    answer = json.loads(done.stdout)
    assert answer.keys() == _sections()["q2e features"].keys()
    back = load(out)
    assert answer["videos"] == len(back.frames) and answer["texts"] == len(back.tokens)
    assert back.space == sample_index.models.image.space and back.dimension == 384
    assert {one.split("/")[1] for one in back.text_ids} >= {"title", "speech"}
    image = sample_index.models.image
    for number in (0, len(back.texts) - 1):
        vector = image.encode_texts([back.texts[number]])[0]
        np.testing.assert_allclose(back.tokens[number][0], vector, atol=1e-6)
    for times_s in back.times_s:
        assert (np.diff(times_s) >= 0).all()
    rows, matrix = sample_index.store.vectors(image.space)
    assert sum(map(len, back.frames)) <= len(rows) and back.frames[0][0] in matrix


def test_of_judged_questions_in_many_languages(sample_index: q2e.Index, tmp_path: Path) -> None:
    asked = {"ein Elch": "loop-05.gif", "猫的特写": "reel-02.mp4", "دب قطبي": "reel-01.mp4"}
    lines = [json.dumps({"query": one, "video": name}) for one, name in asked.items()]
    path = tmp_path / "judged.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    found = of_index(sample_index, questions=path).features
    named = {one.id: Path(one.path).name for one in sample_index.videos()}
    told = {
        text: named[found.video_ids[video]]
        for text, video in zip(found.texts, found.video.tolist(), strict=True)
    }
    assert told == asked


@pytest.fixture
def dataset(tmp_path: Path) -> tuple[Path, Path]:
    """A data set of two videos and a picture, of which one video is damaged and one is absent."""
    folder, files = tmp_path / "set", tmp_path / "files" / "deeper"
    folder.mkdir()
    files.mkdir(parents=True)
    shutil.copy(SAMPLES / "clips/reel-02.mp4", files / "one.mp4")
    (files / "two.mp4").write_bytes(b"no video")
    random = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    save_jpeg(random, files / "three.jpg")
    rows = "query,video\na cat,one\na dog,two\nnoise,three\nnowhere,four\n"
    (folder / "queries.csv").write_text(rows)
    return folder, tmp_path / "files"


def test_of_a_data_set_what_cannot_be_read_is_told_and_the_rest_is_read_once(
    dataset: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sample_index: q2e.Index,
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    folder, files = dataset
    seen: list[tuple[int, int]] = []
    models = sample_index.models
    first = of_dataset("own", folder, files, models, frames=3, watch=lambda *n: seen.append(n))
    assert first.features.video_ids == ("one", "three") and seen[-1] == (3, 3)
    assert [len(one) for one in first.features.frames] == [3, 1]
    assert set(first.missing) == {"two", "four"} and first.missing["four"] == "no such file"

    def unread(*_: object) -> None:
        raise MediaError("is read again")

    monkeypatch.setattr(made_of, "_pictures", unread)
    again = of_dataset("own", folder, files, models, frames=3)
    assert again.missing["two"] == "is read again" and len(again.features.frames) == 2
    assert all(
        (one == two).all()
        for one, two in zip(first.features.frames, again.features.frames, strict=True)
    )
    with pytest.raises(ConfigError, match="no file could be read"):
        of_dataset("own", folder, files, models, frames=4)


def test_an_eye_sees_what_the_picture_model_sees_beside_what_it_names(
    dataset: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sample_index: q2e.Index,
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    folder, files = dataset
    models = sample_index.models
    eye = of_dataset("own", folder, files, models, eye=True, frames=3).features
    head = of_dataset("own", folder, files, models, frames=3).features
    assert (eye.dimension, eye.text_dimension) == (1280, 384) and eye.space != head.space
    assert eye.labels is not None and eye.text_labels is not None
    mean = head.frames[1].mean(axis=0)
    np.testing.assert_allclose(eye.labels[1], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(eye.tokens[0][0], models.text.encode_queries(["a cat"])[0])
    np.testing.assert_allclose(eye.text_labels[0], head.tokens[0][0], atol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nowhere", "neither the folder of an index nor a data set"),
        ("own", "give --folder, where its files lie, and --videos"),
        ("own --folder {set} --videos {set}", "holds none of the 4 videos of own, such as one"),
        ("own --folder {set} --videos nowhere", "no such folder; --videos names"),
        ("own --out x.jsonl", "features are written as .npz"),
    ],
)
def test_what_cannot_be_made_is_told(
    dataset: tuple[Path, Path], tmp_path: Path, words: str, said: str
) -> None:
    command = words.replace("{set}", str(dataset[0])).split()
    out = [] if "--out" in command else ["--out", str(tmp_path / "x.npz")]
    done = RUN.invoke(app, ["features", *command, *out])
    assert isinstance(done.exception, ConfigError) and said in str(done.exception)


def test_features_train_an_eye_as_a_person_types_it(
    sample_index: q2e.Index, tmp_path: Path
) -> None:
    out = tmp_path / "eye.npz"
    clips = ("reel-01.mp4", "reel-02.mp4", "reel-03.mp4", "loop-05.gif", "call-06.mp4")
    rows = [f"something {number} of {clip},{clip}" for number in range(3) for clip in clips]
    (tmp_path / "queries.csv").write_text("\n".join(["query,video", *rows]))
    words = ["features", "own", "--folder", str(tmp_path), "--videos", str(SAMPLES / "clips")]
    done = RUN.invoke(app, [*words, "--eye", "--frames", "2", "--out", str(out)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert f"q2e train eye {out} --out my-eye" in done.stdout
    found = load(out)
    assert found.data == "your own set" and found.licence == "yours"
