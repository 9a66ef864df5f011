"""Exports: other programs read them back, and hostile text in them stays text."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import cv2
import numpy as np
import opentimelineio
import pytest

import q2e
from media_files import write_video
from q2e import export
from q2e.errors import ConfigError
from q2e.media.probe import probe
from q2e.media.storyboard import filmstrip, storyboard
from q2e.types import Decomposition, Evidence, Hit, Moment, Query, Results, Span, Video

HOSTILE = '=cmd|" /C calc"!A0\n00:00:01,000 --> 00:00:02,000\n<script>alert(1)</script> 新闻 أخبار'


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("export")
    hits = []
    for rank, (name, moments) in enumerate(
        {"one 新.mp4": [(0.5, 1.5), (2.0, 2.6)], "two.mp4": [(0.0, 1.0)]}.items(), 1
    ):
        path = write_video(folder / name, (1.0, 1.0, 1.0), gop=25, tone_s=3.0)
        video = Video(
            id=str(rank) * 32, path=str(path), title=HOSTILE, duration_s=3.0, rate_hz=25.0
        )
        found = tuple(
            Moment(
                start_s, end_s, 1.0, (start_s + end_s) / 2,
                (Evidence(video.id, "screen_text", start_s, end_s, HOSTILE),),
            )
            for start_s, end_s in moments
        )  # fmt: skip
        hits.append(Hit(rank, video, 2.0, found))
    return Results(Query("fire"), tuple(hits), Decomposition("fire"))


def test_csv_opens_in_a_spreadsheet_without_formulas(results: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(export.render(results, "csv"))))
    assert [(row["rank"], row["start"], row["end"]) for row in rows] == [
        ("1", "0.500", "1.500"), ("1", "2.000", "2.600"), ("2", "0.000", "1.000"),
    ]  # fmt: skip
    assert all(row["title"].startswith("'=cmd") and "新闻 أخبار" in row["text"] for row in rows)


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_run_on_the_clock_of_the_reel(results: Results, form: str) -> None:
    text = export.render(results, form)
    mark = "," if form == "srt" else "."
    times = [line for line in text.splitlines() if "-->" in line]
    assert times == [
        f"00:00:00{mark}000 --> 00:00:01{mark}000",
        f"00:00:01{mark}000 --> 00:00:01{mark}600",
        f"00:00:01{mark}600 --> 00:00:02{mark}600",
    ]
    assert "<script>" not in text
    assert text.startswith("WEBVTT") == (form == "vtt")


@pytest.mark.parametrize(
    "rate_hz",
    [0.0, 0.5, 1.0, 2.0, 8.0, 10.0, 12.0, 12.5, 15.0, 23.976, 24.7, 29.97, 60.0, 90.0, 240.0],
)
def test_edit_lists_of_any_rate(results: Results, rate_hz: float) -> None:
    hits = tuple(replace(h, video=replace(h.video, rate_hz=rate_hz)) for h in results.hits)
    slow = replace(results, hits=hits)
    for form, adapter in (("otio", "otio_json"), ("edl", "cmx_3600")):
        told = export.render(slow, form)
        given = {"rate": export._timecode_hz(rate_hz)} if form == "edl" else {}
        again = opentimelineio.adapters.read_from_string(told, adapter, **given)
        clips = list(again.find_clips())
        lengths_s = [clip.duration().to_seconds() for clip in clips]
        assert lengths_s == pytest.approx([1.0, 0.6, 1.0], abs=0.05), told
        starts_s = [clip.source_range.start_time.to_seconds() for clip in clips]
        assert starts_s == pytest.approx([0.5, 2.0, 0.0], abs=0.05)


def test_time_codes_fall_on_pictures() -> None:
    found = [export._timecode_hz(hz) for hz in (2.0, 8.0, 10.0, 12.5, 15.0, 20.0, 29.97)]
    assert found == pytest.approx([24.0, 24.0, 30.0, 25.0, 30.0, 60.0, 29.97], abs=1e-3)


NAMES = (
    "tab\there.mp4",
    "line\nbreak.mp4",
    "می\u200cخواهم.mp4",
    "👩\u200d🚀.mp4",
    "\u202eevil.mp4",
    os.fsdecode(b"caf\xe9.mp4"),
    "=1+1.mp4",
)


@pytest.mark.parametrize("name", NAMES)
def test_files_are_found_by_what_is_written(results: Results, name: str) -> None:
    (hit, *_) = results.hits
    named = replace(hit, video=replace(hit.video, path=f"/media/{name}"))
    one = replace(results, hits=(named,))
    (row, *_) = csv.DictReader(io.StringIO(export.render(one, "csv"), newline=""))
    assert row["path"] == f"/media/{name}" or "\\xe9" in row["path"]
    for form in ("m3u8", "otio", "edl", "srt", "vtt", "json"):
        export.render(one, form).encode("utf-8")
    (address,) = {li for li in export.render(one, "m3u8").splitlines() if li.startswith("file:")}
    assert os.fsdecode(unquote_to_bytes(address.removeprefix("file://"))) == f"/media/{name}"


def test_edit_lists_are_read_back(results: Results) -> None:
    timeline = opentimelineio.adapters.read_from_string(export.render(results, "otio"), "otio_json")
    clips = list(timeline.find_clips())
    starts_s = [clip.source_range.start_time.to_seconds() for clip in clips]
    assert starts_s == pytest.approx([0.5, 2.0, 0.0], abs=0.04)
    assert clips[0].media_reference.target_url.endswith("one%20%E6%96%B0.mp4")
    again = opentimelineio.adapters.read_from_string(export.render(results, "edl"), "cmx_3600")
    lengths_s = [clip.duration().to_seconds() for clip in again.find_clips()]
    assert lengths_s == pytest.approx([1.0, 0.6, 1.0], abs=0.05)


def test_playlist_and_json(results: Results) -> None:
    lines = export.render(results, "m3u8").splitlines()
    assert lines[0] == "#EXTM3U"
    assert sum(line.startswith("file:///") for line in lines) == 3
    assert len(json.loads(export.render(results, "json"))["hits"]) == 2


def test_files_by_suffix(results: Results, tmp_path: Path) -> None:
    reel = export.write(results, tmp_path / "reel.mp4")
    assert probe(reel).duration_s == pytest.approx(2.6, abs=0.1)
    sheet = cv2.imdecode(
        np.frombuffer(export.write(results, tmp_path / "s.jpg").read_bytes(), np.uint8), 1
    )
    assert sheet.shape[1] > 900
    with pytest.raises(ConfigError, match=r"end the name in \.csv"):
        export.write(results, tmp_path / "x.docx")
    with pytest.raises(ConfigError, match="'doc' is unknown; known: csv"):
        export.render(results, "doc")


def test_transcript_of_an_indexed_video(sample_index: q2e.Index) -> None:
    record = sample_index.show("wanderung-20.mp4")
    lines = export.spoken(record.evidence)
    assert lines
    assert lines == sorted(lines, key=lambda line: line.start_s)
    assert len(json.loads(export.transcript(lines, "json"))) == len(lines)
    assert export.transcript(lines, "vtt").count("-->") == len(lines)


def test_no_line_can_make_a_cue_of_its_own() -> None:
    text = export.transcript([Span(0.0, 1.0, HOSTILE), Span(1.0, 2.0, " ")], "srt")
    assert text.count(" --> ") == 2
    assert text.split("\n\n")[1].startswith("2\n00:00:01,000")


def test_pictures_of_one_video(results: Results) -> None:
    path = results.hits[0].video.path
    sheet = _decoded(storyboard(path, [0.5, 1.5, 2.5], width=640, columns=2))
    assert 620 <= sheet.shape[1] <= 640
    strip = _decoded(filmstrip(path, [0.5, 1.5, 2.5], width=80))
    assert strip.shape[:2] == (60, 240)
    small = _decoded(filmstrip(path, [1.5], 80))
    assert np.abs(strip[:, 80:160].astype(int) - small).mean() < 8, "the same picture in its place"
    with pytest.raises(ValueError, match="0 pictures"):
        storyboard(path, [])
    with pytest.raises(ValueError, match="pixels wide"):
        filmstrip(path, [0.0], 4000)


def _decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), 1)
