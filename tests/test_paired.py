"""Pairs of video and text are written so that what trains on them reads them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import ConfigError
from q2e.features import of_pairs
from q2e.heads.pairs import read_pairs

#: A line of speech a language, each .6 s long.
LINES = {
    "ar": "دب في الثلج",
    "de": "Eine Tasse Kaffee",
    "en": "=A cup of coffee",
    "es": "Una taza de café",
    "fr": "Une tasse de café",
    "hi": "एक कप कॉफ़ी",
    "ja": "一杯のコーヒー",
    "ko": "커피 한 잔",
    "ru": "Чашка кофе",
    "th": "กาแฟหนึ่งถ้วย",
    "zh": "一杯咖啡",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> q2e.Index:
    folder = tmp_path_factory.mktemp("pairs")
    shutil.copy(samples / "clips" / "reel-03.mp4", folder)
    cues = [
        f"{n}\n00:00:0{0.7 * n:.3f} --> 00:00:0{0.7 * n + 0.6:.3f}\n{text}\n".replace(".", ",")
        for n, text in enumerate(LINES.values())
    ]
    (folder / "reel-03.srt").write_text("\n".join(cues), "utf-8")
    index = q2e.open(folder / "index", channels=("frame", "speech", "caption"))
    index.add(folder / "reel-03.mp4")
    return index


def run(index: q2e.Index, *given: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["pairs", "--index", str(index.directory), "--json", *given])
    if isinstance(done.exception, q2e.Q2EError):
        raise done.exception
    assert done.exit_code == 0, done.output
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_an_eye_can_be_trained_on_what_is_written(
    index: q2e.Index, tmp_path: Path, suffix: str
) -> None:
    file, pictures = tmp_path / f"pairs.{suffix}", tmp_path / "pictures"
    said = run(index, str(file), "--pictures", str(pictures))
    assert said["pairs"] == len(LINES) and said["failed"] == {}
    captions = {text for one in read_pairs(file).captions.values() for text in one}
    formula = "'" if suffix == "csv" else ""
    assert captions == {f"{formula * (text[0] == '=')}{text}" for text in LINES.values()}
    made = of_pairs(pictures, [file], index.models, most=4)
    assert len(made.features.video_ids) == 4 and not made.missing


def test_each_pair_says_where_it_is_from(index: q2e.Index, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    run(index, str(file))
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert [(row["start"], row["end"], row["channel"]) for row in rows[:2]] == [
        ("0.0", "0.6", "speech"),
        ("0.7", "1.3", "speech"),
    ]
    assert rows[0]["video"].endswith("reel-03.mp4") and rows[0]["origin"] == "sidecar"
    assert all(row["image"] == "" for row in rows)
    whole = tmp_path / "all.jsonl"
    run(index, str(whole), "--composed")
    told = [json.loads(line) for line in whole.read_text("utf-8").splitlines()]
    assert {row["origin"] for row in told} == {"sidecar", "composed"}
    assert {row["channel"] for row in told} == {"speech", "caption"}


def test_nothing_is_written_over_or_in_an_unknown_form(index: q2e.Index, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        run(index, str(file))
    with pytest.raises(ConfigError, match=r"\.jsonl or \.csv"):
        run(index, str(tmp_path / "pairs.xlsx"))
    assert run(index, str(file), "--force", "--channel", "screen_text")["pairs"] == 0
