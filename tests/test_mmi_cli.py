"""`q2e mmi` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from q2e.cli import app
from q2e.heads.feature_files import save
from q2e.mmi.features import config_for
from q2e.mmi.reason import Head
from q2e.mmi.synthetic import SyntheticConfig, synthetic
from q2e.mmi.weights import load_head
from q2e.settings import Settings

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
