"""`q2e mmi` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import ConfigError
from q2e.heads.feature_files import save
from q2e.mmi.features import config_for
from q2e.mmi.reason import Head
from q2e.mmi.synthetic import SyntheticConfig, synthetic
from q2e.mmi.weights import load_head
from q2e.settings import Settings
from test_docs import _sections

pytest.importorskip("torch")
RUN = CliRunner()


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("features") / "set.npz"
    save(synthetic(SyntheticConfig(groups=20, dimension=16, vocabulary=12, grid=0)), path)
    return path


def test_train_export_and_eval(features: Path, tmp_path: Path) -> None:
    command = ["mmi", "train", str(features), "--out", str(tmp_path / "t"), "--json"]
    command += ["--steps", "20", "--masked-steps", "5", "--batch", "16", "--check-every", "5"]
    done = RUN.invoke(app, command)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["steps"] == 25 and "step 25/25 contrast" in done.stderr
    again = RUN.invoke(app, command)
    assert json.loads(again.stdout) == answer

    out = tmp_path / "weights"
    done = RUN.invoke(app, ["mmi", "export", str(tmp_path / "t"), "--out", str(out), "--json"])
    assert json.loads(done.stdout)["best_step"] == answer["best_step"]
    assert load_head(out).space == "synthetic/0"

    command = ["mmi", "eval", str(features), "--json", "--matrix", str(tmp_path / "m.npy")]
    with_head = json.loads(RUN.invoke(app, [*command, "--head", str(out)]).stdout)
    without = json.loads(RUN.invoke(app, command).stdout)
    assert with_head["texts"] == without["texts"] == 16 and (tmp_path / "m.npy").is_file()
    assert {"R@1", "MdR", "MnR"} <= set(with_head["video_to_text"])
    plain = RUN.invoke(app, ["mmi", "eval", str(features)])
    assert "text to video: " in plain.stdout and "video to text: " in plain.stdout


def test_exported_weights_are_a_model_source(features: Path, tmp_path: Path) -> None:
    from q2e.mmi.weights import save_head
    from q2e.models.registry import Models

    head = Head.untrained(config_for(synthetic(SyntheticConfig(groups=10, dimension=16, grid=0))))
    save_head(head, tmp_path / "head")
    profile = tmp_path / "own.toml"
    profile.write_text(f'base = "local"\n[optional]\nmmi = "file:{tmp_path / "head"}"\n')
    models = Models(Settings(profile=str(profile)))
    assert models.has("mmi") and models.load("mmi").config == head.config


@pytest.mark.slow
def test_the_joint_score_of_an_index_is_measured_in_both_directions(
    sample_index: q2e.Index, tmp_path: Path
) -> None:
    asked = {
        "a giant panda": "reel-01.mp4",
        "ein Elch mit großem Geweih": "loop-05.gif",
        "猫的特写": "reel-02.mp4",
    }
    lines = [json.dumps({"query": one, "video": name}) for one, name in asked.items()]
    path = tmp_path / "judged.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    command = ["mmi", "eval", str(sample_index.directory), "--questions", str(path)]
    done = RUN.invoke(app, [*command, "--rerank", "mmi(top=2)", "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    answer = json.loads(done.stdout)
    # Other pairs: 2 videos of each of 3 questions, and 2 questions of each of 21 videos.
    assert {name: sum(how.values()) for name, how in answer["judged"].items()} == {
        "text_to_video": 2 * 3,
        "video_to_text": 2 * 21,
    }
    assert answer["texts"] == 3 and answer["videos"] == 21
    assert answer["video_to_text"]["R@1"] > 0.5
    assert answer.keys() == _sections()["q2e mmi eval INDEX"].keys()
    for more, said in (([], "give --questions"), (["--rerank", "vote"], "here it is  mmi")):
        words = command[:3] if not more else [*command, *more]
        refused = RUN.invoke(app, words)
        assert isinstance(refused.exception, ConfigError) and said in str(refused.exception)
