"""Commands that take moments out: they write what they say, and refuse what they cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.media.probe import probe

runner = CliRunner()


def test_clip_of_an_indexed_video(sample_index: q2e.Index, tmp_path: Path) -> None:
    for flags in ([], ["--exact"]):
        out = tmp_path / f"c{len(flags)}.mp4"
        asked = ["clip", "wanderung-20.mp4", "0:01", "0:03.5", "--out", str(out), "--json"]
        done = runner.invoke(app, [*asked, "--index", str(sample_index.directory), *flags])
        assert done.exit_code == 0, done.output
        told = json.loads(done.stdout)
        assert told["start"] <= 1.0
        assert told["end"] == pytest.approx(3.5, abs=0.5)
        assert probe(out).duration_s == pytest.approx(told["end"] - told["start"], abs=0.2)


def test_storyboard_of_a_file_that_is_not_indexed(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.jpg"
    film = str(samples / "clips" / "wanderung-20.mp4")
    done = runner.invoke(app, ["storyboard", film, "--out", str(out), "-n", "6"])
    assert done.exit_code == 0, done.output
    assert out.read_bytes()[:2] == b"\xff\xd8"


def test_transcript_prints_subtitles(sample_index: q2e.Index) -> None:
    asked = ["transcript", "wanderung-20.mp4", "--index", str(sample_index.directory)]
    done = runner.invoke(app, asked)
    assert done.exit_code == 0
    assert done.stdout.startswith("1\n00:00:")


@pytest.mark.parametrize("time", ["soon", "-3", "1:2:3:4", "nan"])
def test_a_time_that_is_none(time: str, samples: Path) -> None:
    film = str(samples / "clips" / "wanderung-20.mp4")
    done = runner.invoke(app, ["clip", film, "--", time, "5"])
    assert done.exit_code == 2
    assert "is no time" in done.output
