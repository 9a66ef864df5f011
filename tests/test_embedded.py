"""Chapters and subtitles that a container holds are evidence, with their times."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import pytest

import q2e
from media_files import Track, write_inside, write_sound, write_video
from q2e.decoding import doors
from q2e.media.embedded import contents, cues, subtitles_of
from q2e.media.scan import scan
from q2e.media.sound import read_audio
from q2e.types import Span

MARK = av.stream.Disposition
CHAPTERS = (
    (0.0, 2.0, "Aufbau des Zeltes"),
    (2.0, 4.0, "台風が来る"),
    (4.0, 5.0, "Chapter 3"),
    (5.0, 6.0, "00:00:05.000"),
)
SAID = ((0.5, 1.5, "Die Uhr <i>geht</i> nach"), (2.0, 3.5, "第二行\nКрасная площадь"))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("film") / "film.mkv", (3.0, 3.0), tone_s=6.0)


def lines_of(path: Path) -> tuple[Span, ...]:
    found = cues(path)
    assert found is not None and doors.cues(path) == found
    said = subtitles_of(found, path)
    assert said is not None
    return said.lines


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mkv", "srt"),
        ("a.mkv", "ass"),
        ("a.mkv", "webvtt"),
        ("a.mp4", "mov_text"),
        ("a.mov", "mov_text"),
    ],
)
def test_subtitles_inside_are_read_with_their_times(
    tmp_path: Path, film: Path, name: str, codec: str
) -> None:
    given = SAID
    if codec == "ass":
        drawn = (3.6, 4.0, r"{\p1}m 0 0 l 100 0 100 100{\p0}")
        given = ((0.5, 1.5, r"{\an8\i1}Die Uhr {sic}{\b1}geht{\b0} nach"),)
        given += ((2.0, 3.5, r"第二行\NКрасная площадь"), drawn)
    if codec == "mov_text":
        given = ((0.5, 1.5, "Die Uhr geht nach"), (2.0, 3.5, SAID[1][2]))
    path = write_inside(tmp_path / name, film, [Track(codec, given, {"language": "ger"})])
    lines = lines_of(path)
    assert [line.text for line in lines] == ["Die Uhr geht nach", "第二行 Красная площадь"]
    assert [line.start_s for line in lines] == pytest.approx([0.5, 2.0], abs=0.06)
    assert [line.end_s for line in lines] == pytest.approx([1.5, 3.5], abs=0.06)
    said = cues(path)
    assert said is not None and subtitles_of(said, path).language == "de"


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.webm", "a.opus", "a.mp3", "a.m4a"])
def test_chapters_are_read_with_their_times(tmp_path: Path, film: Path, name: str) -> None:
    sounds = {"a.opus": ("libopus", 48_000), "a.mp3": ("libmp3lame", 44_100)}
    sounds["a.m4a"] = ("aac", 44_100)
    if name == "a.webm":
        options = {"cpu-used": "8", "deadline": "realtime"}
        film = write_video(tmp_path / "f.webm", (6.0,), codec="libvpx", options=options)
    if name in sounds:
        film = write_sound(tmp_path / f"f{name}", 6.0, *sounds[name])
    path = write_inside(tmp_path / name, film, chapters=CHAPTERS)
    found = contents(path)
    assert doors.contents(path) == found
    assert [chapter.text for chapter in found.chapters] == ["Aufbau des Zeltes", "台風が来る"]
    assert [chapter.start_s for chapter in found.chapters] == pytest.approx([0, 2], abs=0.06)
    # Chapters are a track of their own in MP4, which is in nobody's way.
    assert list(scan(path, 0.0, 6.0))
    assert name == "a.webm" or read_audio(path, 0.0, 6.0) is not None


@pytest.mark.parametrize(
    ("marks", "taken"),
    [
        ([(0, ""), (0, "")], 0),
        ([(0, ""), (int(MARK.default), "")], 1),
        ([(int(MARK.forced) | int(MARK.default), ""), (0, "")], 1),
        ([(int(MARK.hearing_impaired), "SDH"), (0, "")], 1),
        ([(int(MARK.default), "Signs & Songs"), (0, "Full")], 1),
        ([(int(MARK.comment), ""), (0, "")], 1),
        ([(int(MARK.forced), "")], None),
    ],
)
def test_the_track_that_stands_for_all_that_is_said(
    tmp_path: Path, film: Path, marks: list[tuple[int, str]], taken: int | None
) -> None:
    tracks = [
        Track("srt", [(0.5, 1.0, f"track {number}")], {"title": title}, mark)
        for number, (mark, title) in enumerate(marks)
    ]
    path = write_inside(tmp_path / "a.mkv", film, tracks)
    assert bool(contents(path).subtitles) == (taken is not None)
    if taken is None:
        assert cues(path) is None
    else:
        assert [line.text for line in lines_of(path)] == [f"track {taken}"]


def test_hostile_cues_stay_cues(tmp_path: Path, film: Path) -> None:
    said = [
        (0.5, 1.0, "a\n\n2\n00:00:09,000 --> 00:00:10,000\nforged"),
        (1.5, 2.0, "\x00\u202e"),
        (2.5, 3.0, "x" * 90_000),
    ]
    path = write_inside(tmp_path / "a.mkv", film, [Track("srt", said)])
    lines = lines_of(path)
    assert max(line.end_s for line in lines) < 4 and len(lines) <= 3
    assert all(len(line.text) <= 2_000 for line in lines)


def test_readings_of_instruments_are_not_said(tmp_path: Path, film: Path) -> None:
    reading = "F/2.8, SS 206, ISO 100, GPS (13.4, 52.5), H 12.5m"
    path = write_inside(tmp_path / "a.mp4", film, [Track("mov_text", [(0.5, 1.0, reading)])])
    found = cues(path)
    assert found is not None and subtitles_of(found, path) is None


def test_both_are_found_where_they_are(tmp_path: Path, film: Path) -> None:
    """Subtitles inside stand for what is said, chapters for their stretch."""
    folder = tmp_path / "films"
    folder.mkdir()
    path = write_inside(folder / "a.mkv", film, [Track("srt", SAID)], CHAPTERS)
    index = q2e.open(tmp_path / "index", channels=("speech", "metadata"))
    index.add(folder)
    (video,) = index.videos()
    evidence = index.show(video.id).evidence
    spoken = [one for one in evidence if one.channel == "speech"]
    assert {one.origin for one in spoken} == {"container"}
    assert "Красная площадь" in " ".join(one.text for one in spoken)
    titled = [one for one in evidence if one.origin == "chapter"]
    assert [(one.start_s, one.end_s) for one in titled] == [(0.0, 2.0), (2.0, 4.0)]
    for question, start_s, end_s in (("台風", 2.0, 4.0), ("Красная площадь", 0.5, 3.5)):
        (hit, *_) = index.search(question, confidence=0.0).hits
        moment = hit.moments[0]
        assert start_s <= moment.start_s <= moment.end_s <= end_s + 0.1, question
    # Subtitles beside the video go before those inside it.
    path.with_suffix(".srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nneben dem Film\n")
    index.add(folder)
    spoken = [one for one in index.show(video.id).evidence if one.channel == "speech"]
    assert [(one.text, one.origin) for one in spoken] == [("neben dem Film", "sidecar")]


def test_files_without_either_are_not_read_again(tmp_path: Path, film: Path) -> None:
    shutil.copy(film, tmp_path / "a.mkv")
    assert (contents(tmp_path / "a.mkv").chapters, cues(tmp_path / "a.mkv")) == ((), None)
    index = q2e.open(tmp_path / "index", channels=("speech", "metadata"))
    index.add(tmp_path / "a.mkv")
    assert index.add(tmp_path / "a.mkv").unchanged == 1
