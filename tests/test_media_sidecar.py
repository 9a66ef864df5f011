"""Subtitles and descriptions beside a video, in many scripts and in bad shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.errors import MediaError
from q2e.media.sidecar import MAX_BYTES, parse_subtitles, sidecar_record, subtitles
from q2e.types import Span

LINES = {
    "zh": "洪水淹没了城市。",
    "ja": "地震がありました。",
    "ko": "지진이 발생했습니다.",
    "ar": "وقع زلزال قوي",
    "ru": "Произошло землетрясение",
    "hi": "भूकंप आया",
    "th": "แผ่นดินไหว",
    "de": "Ein schweres Erdbeben",
    "en": "A strong earthquake",
}

SRT = "1\n00:00:01,500 --> 00:00:03,000\n{}\n\n2\n01:00:04,000 --> 01:00:05,250\nend\n"


def test_every_script_and_encoding(tmp_path: Path) -> None:
    for language, line in LINES.items():
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            (tmp_path / "talk.srt").write_bytes(SRT.format(line).encode(encoding))
            found = subtitles(tmp_path / "talk.mp4")
            assert found is not None
            assert found.lines == (Span(1.5, 3.0, line), Span(3604.0, 3605.25, "end")), language
            assert found.language is None
    (tmp_path / "talk.srt").write_bytes(SRT.format("Überfall in Köln").encode("latin-1"))
    found = subtitles(tmp_path / "talk.mp4")
    assert found is not None and found.lines[0].text == "Überfall in Köln"


def test_the_language_in_the_name(tmp_path: Path) -> None:
    video = tmp_path / "a.b.mp4"
    assert subtitles(video) is None
    (tmp_path / "a.b.pt-BR.srt").write_text(SRT.format("olá"))
    (tmp_path / "a.b.draft2.srt").write_text(SRT.format("no"))
    (tmp_path / "a.b.de.txt").write_text(SRT.format("no"))
    found = subtitles(video)
    assert found is not None and found.language == "pt"
    (tmp_path / "a.b.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000 align:start\nplain\n")
    found = subtitles(video)
    assert found is not None and found.language is None
    assert found.lines == (Span(1.0, 2.0, "plain"),)


def test_web_vtt_with_notes_styles_and_rolling_captions() -> None:
    text = """WEBVTT - news

STYLE
::cue { color: red }

NOTE 00:00 is not a time

intro
00:00.000 --> 00:02.000 line:0
<v Anna><c.yellow>Good &amp; early</c> <00:01.000>morning

00:02.000 --> 00:03.000
Good & early morning
everybody

00:03.000 --> 00:04.000
everybody
"""
    assert list(parse_subtitles(text)) == [
        Span(0.0, 2.0, "Good & early morning"),
        Span(2.0, 3.0, "everybody"),
    ]


def test_bad_lines_are_dropped_and_good_ones_kept() -> None:
    text = """1
00:00:05,000 --> 00:00:04,000
ends before it begins

2
00:00:xx,000 --> 00:00:04,000
no time
3
00:00:06,000 --> 00:00:07,000
{\\an8}<i>kept</i>
4
00:00:08,000 --> 00:00:09,000
without a blank line
"""
    assert list(parse_subtitles(text)) == [
        Span(6.0, 7.0, "kept"),
        Span(8.0, 9.0, "without a blank line"),
    ]


@given(st.text(alphabet="0123456789:,.-> \n<>{}\\WEBVTTab", max_size=400))
def test_any_text_is_read_without_failing(text: str) -> None:
    for span in parse_subtitles(text):
        assert span.text and span.start_s <= span.end_s


def test_hostile_sizes_are_refused_or_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(MediaError, match="larger than 16 MiB"):
        subtitles(tmp_path / "a.mp4")
    path.write_text("00:00:01,000 --> 00:00:02,000\n" + "<" * 4_000_000)
    found = subtitles(tmp_path / "a.mp4")
    assert found is not None and len(found.lines[0].text) <= 2_000


def test_the_record_takes_values_of_the_right_type_only(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    assert sidecar_record(video) == {}
    fields = {
        "title": "  津波 2011 ",
        "description": "Zeile 1\nZeile 2",
        "upload_date": "20110311",
        "language": "ja-JP",
        "tags": ["津波", "tsunami", 7, "", "tsunami"],
        "formats": [{"url": "http://example.org"}],
    }
    (tmp_path / "a.info.json").write_text(json.dumps(fields))
    assert sidecar_record(video) == {
        "title": "津波 2011",
        "description": "Zeile 1\nZeile 2",
        "date": "2011-03-11",
        "language": "ja",
        "tags": ("津波", "tsunami"),
    }
    wrong = {"title": 3, "description": None, "date": "2011-13-40", "language": ["de"], "tags": "x"}
    (tmp_path / "a.info.json").write_text(json.dumps(wrong))
    assert sidecar_record(video) == {}
    (tmp_path / "a.info.json").unlink()
    (tmp_path / "a.json").write_text('{"date": "2024-02-29T10:00:00Z"}')
    assert sidecar_record(video) == {"date": "2024-02-29"}


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "nan nan", '{"title": "\udce4"'])
def test_a_record_that_is_not_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, errors="surrogateescape")
    with pytest.raises(MediaError, match=r"a\.json: not valid JSON"):
        sidecar_record(tmp_path / "a.mp4")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"title"'])
def test_a_record_that_is_not_an_object_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert sidecar_record(tmp_path / "a.mp4") == {}
