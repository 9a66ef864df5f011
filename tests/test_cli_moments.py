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


@pytest.mark.parametrize(
    "time",
    ["soon", "-3", "1:2:3:4", "nan", "inf", "1:99", "1:60:00", "1.5:00", "1:-5", "1e3", ":5"],
)
def test_a_time_that_is_none(time: str, samples: Path) -> None:
    film = str(samples / "clips" / "wanderung-20.mp4")
    done = runner.invoke(app, ["clip", film, "--", time, "5"])
    assert done.exit_code == 2
    assert "is no time" in done.output


def test_a_stretch_is_held_to_the_video(samples: Path, tmp_path: Path) -> None:
    film = str(samples / "clips" / "reel-01.mp4")
    out = str(tmp_path / "end.mp4")
    for end in ("99:00", ""):
        asked = ["clip", film, "9", *filter(None, [end]), "--out", out, "--force", "--json"]
        told = json.loads(runner.invoke(app, asked).stdout)
        assert told["end"] == pytest.approx(12, abs=0.2)
    for command in ("clip", "storyboard"):
        late = runner.invoke(app, [command, film, "2:00", "3:00", "--out", f"{tmp_path}/x.jpg"])
        assert "ends at 0:12.0, before 2:00.0" in str(late.exception)
        turned = runner.invoke(app, [command, film, "5", "4", "--out", f"{tmp_path}/x.jpg"])
        assert "nothing lies between" in str(turned.exception)


def test_no_file_is_written_over_unasked(samples: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes((samples / "clips" / "reel-01.mp4").read_bytes())
    there = tmp_path / "there.mp4"
    there.write_bytes(b"mine")
    sheet = there.rename(tmp_path / "there.jpg")
    there.write_bytes(b"mine")
    for command, out in (("clip", there), ("storyboard", sheet)):
        asked = [command, str(film), "1", "3", "--out", str(out)]
        assert "is there already" in str(runner.invoke(app, asked).exception)
        assert out.read_bytes() == b"mine"
        assert runner.invoke(app, [*asked, "--force"]).exit_code == 0
        assert out.stat().st_size > 1000
    whole = film.read_bytes()
    itself = ["clip", str(film), "1", "3", "--out", str(film), "--force"]
    assert "is the video itself" in str(runner.invoke(app, itself).exception)
    assert film.read_bytes() == whole


@pytest.mark.parametrize("name", ["sheet.txt", "sheet.png", "sheet"])
def test_a_storyboard_is_a_jpeg(samples: Path, tmp_path: Path, name: str) -> None:
    film = str(samples / "clips" / "reel-01.mp4")
    done = runner.invoke(app, ["storyboard", film, "--out", str(tmp_path / name)])
    assert "end its name in .jpg" in str(done.exception)
    assert not (tmp_path / name).exists()


def test_a_clip_is_a_film_and_the_name_given_is_said(samples: Path, tmp_path: Path) -> None:
    film = str(samples / "clips" / "reel-01.mp4")
    done = runner.invoke(app, ["clip", film, "1", "2", "--out", str(tmp_path / "cut.txt")])
    assert "cut.txt: a clip is written as .mp4" in str(done.exception)
