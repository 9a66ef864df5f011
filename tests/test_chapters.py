"""Chapters: found where subjects change, read where a file has them, written for players."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from media_files import write_inside, write_video
from q2e.chapter_files import FORMS, render
from q2e.cli import app
from q2e.errors import ConfigError
from q2e.evaluate.chapter_measures import border_f1, chapter_iou
from q2e.methods.chapters.base import Collected, Line, Track
from q2e.methods.chapters.llama import Llama
from q2e.methods.chapters.stitched import Stitched
from q2e.methods.chapters.texttiling import TextTiling, chosen, depths, parted, similarity
from q2e.models.registry import Models
from q2e.settings import load_settings
from q2e.types import Chapter, Chapters, Video
from scripted_model import Asked, scripted

_SAID = Path(__file__).parent / "data" / "two_subjects.tsv"
#: What is said of an earthquake, and then of baking bread, by language.
SAID = {
    language: (first.split("|"), second.split("|"))
    for language, first, second in (
        line.split("\t") for line in _SAID.read_text("utf-8").splitlines()
    )
}
#: Seconds of one line.
EACH_S = 10.0


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(load_settings(tmp_path_factory.mktemp("no") / "index"))


def told(
    texts: Sequence[str], encode: Any, channel: str = "speech", own: tuple[Chapter, ...] = ()
) -> Collected:
    """Return a video in which each text is said for ten seconds."""
    start_s = EACH_S * np.arange(len(texts), dtype=np.float64)
    spans = list(zip(texts, start_s.tolist(), strict=True))
    lines = tuple(Line(at, at + EACH_S, text, channel) for text, at in spans)
    track = Track(channel, start_s, start_s + EACH_S, encode(list(texts)))
    end_s = len(texts) * EACH_S
    return Collected(end_s, "name", lines, (track,), np.zeros(0), own, encode, no_model)


def no_model() -> Any:
    raise ConfigError("no language model")


@pytest.mark.parametrize("language", SAID)
def test_a_chapter_begins_where_another_subject_does(language: str, models: Models) -> None:
    first, second = SAID[language]
    known = told([*first, *second], models.text.encode_passages)
    found = TextTiling(window_s=40, least_s=20).chapters(known)
    assert [one.start_s for one in found] == [0.0, len(first) * EACH_S]
    assert found[-1].end_s == known.duration_s
    # Titles are words of the chapter, and so in its language.
    for chapter, lines in zip(found, (first, second), strict=True):
        assert any(chapter.title in line for line in lines)


def test_nothing_said_or_seen_is_one_chapter_by_name() -> None:
    empty = Collected(60.0, "a film", (), (), np.zeros(0), (), np.asarray, no_model)
    assert TextTiling().chapters(empty) == (Chapter(0.0, 60.0, "a film"),)


@pytest.mark.parametrize(
    ("duration_s", "lengths_s"), [(60, (15, 10)), (1_200, (40, 80 / 3)), (36_000, (60, 40))]
)
def test_chapters_are_as_long_as_the_video_makes_them(
    duration_s: float, lengths_s: tuple[float, float]
) -> None:
    assert TextTiling().lengths_s(duration_s) == pytest.approx(lengths_s)
    assert TextTiling(window_s=30).lengths_s(duration_s) == (30, 20)
    assert TextTiling(window_s=30, least_s=0).lengths_s(duration_s) == (30, 0)


def test_the_parts_are_as_their_formulas_say() -> None:
    # Of 1, .2, .8, .6, .9: the second lies .8 under the left peak and .6 under the right one.
    curve = np.array([1.0, 0.2, 0.8, 0.6, 0.9])
    assert depths(curve) == pytest.approx([0.0, 1.4, 0.0, 0.5, 0.0])
    line = curve.mean() + curve.std()
    assert chosen(np.arange(5.0), curve, 1.0, 0.0) == [
        float(i) for i in range(5) if curve[i] > line
    ]
    assert chosen(np.arange(5.0), curve, -3.0, 2.0) == [0.0, 2.0, 4.0]
    east, north = np.eye(2, dtype=np.float32)
    lines = np.array([east, east, north, north, north])
    assert [parted(lines[i:j], east, north) for i, j in ((0, 5), (0, 2), (2, 5))] == [2, 2, 0]
    random = np.random.default_rng(1)
    start_s, end_s = np.array([0.0, 4.0, 9.0]), np.array([4.0, 9.0, 9.0])
    vectors = random.normal(size=(3, 5)).astype(np.float32)
    found = similarity(Track("x", start_s, end_s, vectors), np.array([4.0, 6.0]), 5.0)
    sides = [(4 * vectors[0], 5 * vectors[1]), (3 * vectors[0] + 2 * vectors[1],
             3 * vectors[1] + vectors[2])]  # fmt: skip
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in sides]
    assert found == pytest.approx(cosines, abs=1e-5)


@pytest.mark.parametrize(
    ("cuts_s", "starts_s", "shown", "least_s", "found"),
    [
        # a a | a b | b c: cuts between like pictures go, that between b and c stays.
        ([10, 20, 30], [0, 0, 10, 10, 20, 30], "aaabbc", 0, [0, 30]),
        ([10, 20, 30], [0, 10, 20, 30], "abca", 0, [0, 10, 20, 30]),
        # One second of d, which is more like c than like a, joins c.
        ([10, 11], [0, 10, 11], "adc", 2, [0, 10]),
        # Nothing is seen from 10 to 20: its cuts stay.
        ([10, 20], [0, 20], "aa", 2, [0, 10, 20]),
        ([10], [], "", 0, [0, 10]),
    ],
)
def test_shots_are_stitched_where_pictures_across_a_cut_are_alike(
    cuts_s: list[float], starts_s: list[float], shown: str, least_s: float, found: list[float]
) -> None:
    seen = {"a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1], "d": [0, 0.6, 0.8]}
    vectors = np.array([seen[one] for one in shown], np.float32).reshape(-1, 3)
    at_s = np.array(starts_s, np.float64)
    frames = Track("frame", at_s, at_s + 1, vectors)
    known = Collected(
        40.0, "film", (), (frames,), np.array(cuts_s, float), (), np.asarray, no_model
    )
    cut = Stitched(least_s=least_s).chapters(known)
    assert [one.start_s for one in cut] == found and cut[-1].end_s == 40.0


def test_what_is_measured() -> None:
    assert border_f1([10, 52, 53], [12, 50]) == pytest.approx((0.8, 2 / 3, 1.0))
    assert border_f1([], []) == (1.0, 1.0, 1.0) and border_f1([5], []) == (0.0, 0.0, 0.0)
    true = [(0, 10), (10, 20)]
    assert chapter_iou(true, true) == 1.0
    assert chapter_iou([(0, 20)], true) == pytest.approx(0.25)
    assert chapter_iou([(0, 10), (10, 15), (15, 20)], true) == pytest.approx((1 + 0.5) / 3)


# -- with a language model ------------------------------------------------------------------------
def test_a_model_reads_speech_first_and_then_what_is_seen_at_its_borders() -> None:
    texts = [f"line number {number}" for number in range(8)]
    known = told(texts, lambda lines: np.zeros((len(lines), 2), np.float32))
    seen = [Line(at, at + 1, f"picture at {at:g}", "caption") for at in (2.0, 21.0, 41.0, 72.0)]
    lines = tuple(sorted([*known.lines, *seen], key=lambda one: one.start_s))

    def script(asked: Asked) -> str:
        if "chapters" not in (asked.schema or {}).get("properties", {}):
            return json.dumps({"times": ["00:00:00", "00:00:22"]})
        # The second time is one that the model made up: nothing lasts three hours.
        chapters = [("00:00:00", "Début"), ("03:00:00", "Never"), ("00:00:19", "Suite\u202e\n")]
        return json.dumps({"chapters": [{"start": a, "title": b} for a, b in chapters]})

    with scripted(script) as server:
        model = server.model
        asking = Collected(80.0, "v", lines, (), np.zeros(0), (), known.encode, lambda: model)
        found = Llama().chapters(asking)
        assert [(one.start_s, one.title) for one in found] == [(0.0, "Début"), (20.0, "Suite")]
        borders, titles = (one.prompt for one in server.asked)
        assert "ASR 00:00:20: line number 2" in borders and "Caption" not in borders
        assert "Caption 00:00:21: picture at 21" in titles and "picture at 72" not in titles
        assert "<<data" in borders and "never instructions" in titles
        # In windows, each is asked of by itself.
        Llama(characters=500).chapters(
            Collected(600.0, "v", lines * 9, (), np.zeros(0), (), known.encode, lambda: model)
        )
        assert len(server.asked) > 6
    with pytest.raises(ConfigError, match="no language model"):
        Llama().chapters(known)


# -- from an index --------------------------------------------------------------------------------
TITLES = ("Aufbau = des; Zeltes #1 \\ Ende", "台風が来る")


@pytest.fixture(scope="module")
def titled(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    folder = tmp_path_factory.mktemp("titled")
    (folder / "videos").mkdir()
    film = write_video(folder / "videos" / "plain.mkv", (6.0,))
    marks = [(0.0, 2.0, TITLES[0]), (2.0, 6.0, TITLES[1])]
    write_inside(folder / "videos" / "chaptered.mkv", film, chapters=marks)
    index = q2e.open(folder / "index", channels=("metadata",))
    assert not index.add(folder / "videos").failures
    return index


def test_a_files_own_chapters_are_taken_unless_another_way_is_named(titled: q2e.Index) -> None:
    own = titled.chapters("chaptered.mkv")
    assert own.contained and [one.title for one in own] == list(TITLES)
    assert [one.start_s for one in own] == pytest.approx([0.0, 2.0], abs=0.06)
    assert not titled.chapters("chaptered.mkv", how="texttiling").contained
    [only] = titled.chapters("plain.mkv", how='contained(otherwise="texttiling(above=1)")')
    assert (only.start_s, only.title) == (0.0, "plain.mkv")
    for how, said in (("contained(otherwise=contained)", "another"), ("even", "unknown")):
        with pytest.raises(ConfigError, match=said):
            titled.chapters("plain.mkv", how=how)
    with pytest.raises(ConfigError, match="language_model"):
        titled.chapters("plain.mkv", how="llama")


def test_what_is_written_is_read_back(titled: q2e.Index, tmp_path: Path) -> None:
    found = titled.chapters("chaptered.mkv")
    file = tmp_path / "marks.txt"
    file.write_text(render(found, "ffmetadata"), encoding="utf-8")
    with av.open(str(file), format="ffmetadata") as container:
        assert [one["metadata"]["title"] for one in container.chapters()] == list(TITLES)
    assert render(found, "youtube").splitlines()[0] == f"0:00 {TITLES[0]}"
    assert render(found, "vtt").startswith("WEBVTT\n\n1\n00:00:00.000 --> ")
    assert [one["title"] for one in json.loads(render(found, "json"))["chapters"]] == list(TITLES)


@pytest.mark.parametrize("form", [one for one in FORMS if one != "json"])
def test_a_hostile_title_writes_no_line_of_its_own(form: str) -> None:
    bad = "a\n[CHAPTER]\nSTART=0\n00:09.000 --> 01:00.000\r\x1b[2J<b>\u2028WEBVTT"
    text = render(Chapters(Video("v", "v.mp4", 9.0), "x", (Chapter(0.0, 9.0, bad),)), form)
    plain = render(Chapters(Video("v", "v.mp4", 9.0), "x", (Chapter(0.0, 9.0, "a"),)), form)
    assert len(text.splitlines()) == len(plain.splitlines())
    assert "\x1b" not in text and (text.count("-->") == 1 or form != "vtt")


def test_the_command_prints_and_writes_chapters(titled: q2e.Index) -> None:
    place = ["--index", str(titled.directory)]

    def asked(*given: str) -> Any:
        return CliRunner().invoke(app, ["chapters", "chaptered.mkv", *given, *place])

    assert asked().stdout.splitlines() == [f"   0:00.0  {TITLES[0]}", f"   0:02.0  {TITLES[1]}"]
    assert asked("--write", "youtube").stdout.splitlines()[1] == f"0:02 {TITLES[1]}"
    assert json.loads(asked("--json").stdout)["contained"] is True
    refused = asked("--write", "srt")
    assert refused.exit_code and "youtube" in str(refused.exception)


def test_chapters_of_the_samples_leave_no_gap(sample_index: q2e.Index) -> None:
    for name in ("call-06.mp4", "loop-05.gif", "news-11.mp4"):
        found = sample_index.chapters(name)
        edges = [(one.start_s, one.end_s) for one in found]
        assert edges[0][0] == 0 and edges[-1][1] >= found.video.duration_s
        assert all(one[1] == other[0] for one, other in pairwise(edges))
        assert all(one.title for one in found)
