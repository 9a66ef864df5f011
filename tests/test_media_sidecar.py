"""Subtitles and descriptions beside a video, in many scripts and in bad shape."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.errors import MediaError
from q2e.media.sidecar import (
    MAX_BYTES,
    parse_subtitles,
    sidecar_chapters,
    sidecar_record,
    subtitle_problems,
    subtitles,
)
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


def _cue(text: str, times: str = "00:00:01,000 --> 00:00:02,000") -> str:
    return f"1\n{times}\n{text}\n\n2\n00:00:08,000 --> 00:00:09,000\nend\n"


#: What a file says, and what of its first cue a good player shows, or when.
SHOWN = [
    (_cue("one\n\ntwo"), Span(1.0, 2.0, "one two")),
    (_cue("one").replace("\n", "\r\r\n"), Span(1.0, 2.0, "one")),
    (_cue("one").replace("\n", "\r"), Span(1.0, 2.0, "one")),
    (_cue("one", "00:00:01 --> 00:00:02"), Span(1.0, 2.0, "one")),
    (_cue("one", "0:01 --> 0:02"), Span(1.0, 2.0, "one")),
    (_cue("one", "00:00:01:500 --> 00:00:02:000"), Span(1.5, 2.0, "one")),
    (_cue("one", "00: 00: 01, 5 -> 00: 00: 02, 0"), Span(1.5, 2.0, "one")),
    (_cue("one", "-00:00:01,000 --> 00:00:02,000"), Span(0.0, 2.0, "one")),
    (_cue("one", "00:00:01,000 --> 00:00:02,000 X1:10 X2:20 Y1:1 Y2:2"), Span(1.0, 2.0, "one")),
    (_cue("if x < 5 and y > 3, <i>go</i>"), Span(1.0, 2.0, "if x < 5 and y > 3, go")),
    (_cue("<font color=red>a</font><b>b</b> 1<2>1 <laughs>"), Span(1.0, 2.0, "ab 1<2>1 <laughs>")),
    (_cue(r"{\an8}one\Ntwo\hthree {y:i}four"), Span(1.0, 2.0, "one two three four")),
    (_cue("one<br>two<br/>three"), Span(1.0, 2.0, "one two three")),
    (_cue("R&amp;D, &lt;i&gt; and 5 &gt; 3"), Span(1.0, 2.0, "R&D, <i> and 5 > 3")),
    (_cue(r"{\p1}m 0 0 l 100 0 100 100{\p0}said"), Span(1.0, 2.0, "said")),
    (_cue("A --> B, an arrow"), Span(1.0, 2.0, "A --> B, an arrow")),
    (_cue("3"), Span(1.0, 2.0, "3")),
    (_cue("one", "00:00:-1,-500 ---> 00:00:02,000"), Span(0.0, 2.0, "one")),
    (_cue("one", "00;00;01;500 --> 00:00:02,000"), Span(1.5, 2.0, "one")),
    (_cue("one", "00：00：01，500 --> 00：00：02，000"), Span(1.5, 2.0, "one")),
    (_cue("a<b and c>d, < i >yes< / i >"), Span(1.0, 2.0, "a<b and c>d, yes")),
    (_cue("--> look there"), Span(1.0, 2.0, "--> look there")),
    (_cue("C:\\New folder\\hats"), Span(1.0, 2.0, "C:\\New folder\\hats")),
    (_cue("<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字"), Span(1.0, 2.0, "漢字")),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_a_cue_is_read_as_a_good_player_shows_it(text: str, shown: Span) -> None:
    assert list(parse_subtitles(text)) == [shown, Span(8.0, 9.0, "end")]


def test_what_is_said_again_later_is_said_again() -> None:
    text = "".join(f"{at}\n00:00:{at},000 --> 00:00:{at},900\nGOAL!\n\n" for at in (12, 30, 50))
    assert [line.start_s for line in parse_subtitles(text)] == [12.0, 30.0, 50.0]
    backwards = "\n\n".join(reversed(text.strip().split("\n\n")))
    assert [line.start_s for line in parse_subtitles(backwards)] == [50.0, 30.0, 12.0]


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

5
-00:00:08,000 --> -00:00:01,000
over before the film begins
"""
    assert list(parse_subtitles(text)) == [
        Span(6.0, 7.0, "kept"),
        Span(8.0, 9.0, "without a blank line"),
    ]


ASS = (
    "[Script Info]\nTitle: no\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def test_sub_station_alpha_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.en.ass").write_text(
        ASS
        + "Comment: 0,0:00:00.00,0:00:02.00,D,,0,0,0,,no\n"
        + r"Dialogue: 0,0:00:01.00,0:00:02.50,D,,0,0,0,,{\i1}Hi{\i0},\N{sic}you, all"
        + "\n"
        + r"Dialogue: 1,0:00:01.00,0:00:02.50,D,,0,0,0,,{\bord2}Hi,\Nyou, all"
        + "\n"
    )
    found = subtitles(tmp_path / "a.mp4")
    assert found is not None and found.language == "en"
    assert found.lines == (Span(1.0, 2.5, "Hi, you, all"),)


FLIGHTS = [
    "<font size=28>SrtCnt : {n}, DiffTime : 33ms\n2023-07-01 10:00:0{n}.123\n[iso : 100] "
    "[shutter : 1/640.0] [fnum : 280] [latitude: 48.137] [longitude: 11.57{n}] [rel_alt: 12.3]",
    "HOME(149.0251,-20.2532) 2017.08.05 14:11:5{n}\nGPS(149.0251,-20.2533,1{n}) BAROMETER:1.9",
    "F/2.8, SS 320, ISO 100, EV 0, GPS (8.6499, 53.1512, 18), D 24.{n}m, H 6.00m, H.S 2.10m/s",
    "2023-05-01 12:00:0{n} 52.3702N 4.8952E 6{n} km/h",
    '{{"lat": 48.85, "lon": 2.3{n}, "alt": 120.5}}',
    "Высота: 12{n} м Скорость: 35 км/ч",
]


@pytest.mark.parametrize("line", FLIGHTS)
def test_what_a_drone_writes_is_not_said(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.srt").write_text(
        "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line.format(n=n)}\n\n" for n in range(9))
    )
    assert subtitles(tmp_path / "a.mp4") is None
    assert subtitle_problems(tmp_path / "a.mp4") == ()
    (tmp_path / "a.en.srt").write_text(SRT.format("We sold 3,000 units at 5 dollars in 2019."))
    found = subtitles(tmp_path / "a.mp4")
    assert found is not None and found.language == "en"


#: A video, what lies beside it, and what a player takes first, with its language.
NAMED = [
    ("talk.mp4", "talk.srt talk.en.srt", "talk.srt", None),
    ("talk.mp4", "TALK.SRT", "TALK.SRT", None),
    ("Talk.MP4", "talk.srt", "talk.srt", None),
    ("talk.mp4", "talk.mp4.srt", "talk.mp4.srt", None),
    ("talk.mp4", "talk.eng.srt", "talk.eng.srt", "en"),
    ("talk.mp4", "talk.English.srt", "talk.English.srt", "en"),
    ("talk.mp4", "talk_de.srt", "talk_de.srt", "de"),
    ("talk.mp4", "talk (Deutsch).srt", "talk (Deutsch).srt", "de"),
    ("talk.mp4", "talk.zh-Hant.vtt", "talk.zh-Hant.vtt", "zh"),
    ("talk.mp4", "talk.pt_BR.srt", "talk.pt_BR.srt", "pt"),
    ("talk.mp4", "talk.русский.srt", "talk.русский.srt", "ru"),
    ("talk.mp4", "talk.en.sdh.srt", "talk.en.sdh.srt", "en"),
    ("talk.mp4", "talk.en.sdh.srt talk.en.srt", "talk.en.srt", "en"),
    ("talk.mp4", "talk.en.hi.srt", "talk.en.hi.srt", "en"),
    ("talk.mp4", "talk.hi.srt", "talk.hi.srt", "hi"),
    ("talk.mp4", "talk.en.forced.srt talk.fr.srt", "talk.fr.srt", "fr"),
    ("talk.mp4", "talk.forced.srt talk.en.sdh.srt", "talk.en.sdh.srt", "en"),
    ("talk.mp4", "talk.en.forced.srt", "talk.en.forced.srt", "en"),
    ("talk.mp4", "talk.eng_sdh.srt talk.fr-forced.srt", "talk.eng_sdh.srt", "en"),
    ("talk.mp4", "talk.en-orig.vtt", "talk.en-orig.vtt", "en"),
    ("talk.mp4", "Subs/talk.en.srt", "Subs/talk.en.srt", "en"),
    ("talk.mp4", "Subs/2_English.srt", "Subs/2_English.srt", "en"),
    ("talk.mp4", "Subs/English.srt other.mp4", None, None),
    ("talk.mp4", "Subs/talk/2_eng.srt other.mp4", "Subs/talk/2_eng.srt", "en"),
    ("talk.mp4", "talk.und.srt", "talk.und.srt", None),
    ("talk.mp4", "talk.Brazilian-Portuguese.srt", "talk.Brazilian-Portuguese.srt", "pt"),
    ("talk.mp4", "talk.en-GB.srt", "talk.en-GB.srt", "en"),
    ("talk.mp4", "talk.简体中文.srt", "talk.简体中文.srt", "zh"),
    ("talk.mp4", "talk.chs&eng.ass talk.forced.srt", "talk.chs&eng.ass", None),
    ("talk.mp4", "talk.draft2.srt talk2.srt talking.srt talk.de.txt", None, None),
    ("talk.mp4", "talk.de.mp4 talk.de.srt", None, None),
    ("a.b.mp4", "a.b.pt-BR.srt", "a.b.pt-BR.srt", "pt"),
    ("caf\u00e9.mp4", "cafe\u0301.fr.srt", "cafe\u0301.fr.srt", "fr"),
    ("東京.mp4", "東京.日本語.srt", "東京.日本語.srt", "ja"),
]


@pytest.mark.parametrize(("video", "beside", "taken", "language"), NAMED)
def test_subtitles_are_found_by_the_names_that_players_know(
    tmp_path: Path, video: str, beside: str, taken: str | None, language: str | None
) -> None:
    names = [beside] if " (" in beside else beside.split(" ")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        text = ASS + "Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,said\n"
        (tmp_path / name).write_text(text if name.endswith(".ass") else SRT.format("said"))
    found = subtitles(tmp_path / video)
    assert (found and found.path) == (taken and tmp_path / taken)
    assert (found and found.language) == language


def test_subtitles_that_cannot_be_read_are_passed_over_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes(random.Random(1).randbytes(4_000))
    (tmp_path / "a.de.srt").write_text("no times in here\n")
    assert subtitles(tmp_path / "a.mp4") is None
    assert subtitle_problems(tmp_path / "a.mp4") == (
        "a.srt: its encoding cannot be told; save it as UTF-8",
        "a.de.srt: holds no timed lines; correct or remove it",
    )
    (tmp_path / "a.en.srt").write_text(SRT.format("said"))
    found = subtitles(tmp_path / "a.mp4")
    assert found is not None and found.lines[0].text == "said"
    assert subtitle_problems(tmp_path / "a.mp4") == ()


@given(st.text(alphabet="0123456789:,.-> \n<>{}\\WEBVTTab", max_size=400))
def test_any_text_is_read_without_failing(text: str) -> None:
    for span in parse_subtitles(text):
        assert span.text and span.start_s <= span.end_s


def test_hostile_sizes_are_refused_or_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(b"x" * (MAX_BYTES + 1))
    assert subtitles(tmp_path / "a.mp4") is None
    (problem,) = subtitle_problems(tmp_path / "a.mp4")
    assert "larger than 16 MiB" in problem
    path.write_text("00:00:01,000 --> 00:00:02,000\n" + "<" * 4_000_000)
    found = subtitles(tmp_path / "a.mp4")
    assert found is not None and len(found.lines[0].text) <= 2_000


@pytest.mark.parametrize(
    "text",
    ["\r" * 2**20, "1\n" * 2**19, "<b " * 2**19, "{\\" * 2**19, "\n" * 2**20, "{\\p1}" * 2**18],
)
def test_hostile_shapes_take_time_as_their_length(text: str) -> None:
    began = time.process_time()
    assert not list(parse_subtitles(text)) and not list(parse_subtitles(_cue("")[:32] + text))[9:]
    assert time.process_time() - began < 10, "a second or two"


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
    wrong = {"title": 3, "description": None, "date": "2011-13-40", "language": ["de"], "tags": 9}
    (tmp_path / "a.info.json").write_text(json.dumps(wrong))
    assert sidecar_record(video) == {}
    (tmp_path / "a.info.json").unlink()
    (tmp_path / "a.json").write_text('{"date": "2024-02-29T10:00:00Z"}')
    assert sidecar_record(video) == {"date": "2024-02-29"}


#: What a description says, and what of it is known.
SAID = [
    ({"title": "a", "language": "eng"}, {"title": "a", "language": "en"}),
    ({"language": "pt-BR"}, {"language": "pt"}),
    ({"language": "Klingon"}, {}),
    ({"fulltitle": "whole"}, {"title": "whole"}),
    ({"timestamp": 1_680_652_800}, {"date": "2023-04-05"}),
    ({"timestamp": "1680652800"}, {"date": "2023-04-05"}),
    ({"release_date": "20230405"}, {"date": "2023-04-05"}),
    ({"release_date": "20200101", "upload_date": "20230405"}, {"date": "2023-04-05"}),
    ({"date": "2023/04/05"}, {"date": "2023-04-05"}),
    ({"upload_date": 20230405}, {"date": "2023-04-05"}),
    ({"photoTakenTime": {"timestamp": "1680652800"}}, {"date": "2023-04-05"}),
    ({"tags": "news, sport;日本"}, {"tags": ("news", "sport", "日本")}),
    ({"tags": ["a"], "categories": ["News", "a"]}, {"tags": ("a", "News")}),
    ({"uploader": "Harbour TV"}, {"description": "Harbour TV"}),
    ({"description": "By Harbour TV", "uploader": "Harbour TV"}, {"description": "By Harbour TV"}),
    ({"description": "Text", "channel": "Harbour TV"}, {"description": "Text\nHarbour TV"}),
    ({"title": "a.mp4"}, {}),
    ({"timestamp": 1_680_652_800_000}, {"date": "2023-04-05"}),
    ({"upload_date": "00000000", "release_year": 2023}, {"date": "2023-01-01"}),
    ({"date": "April 5, 2023"}, {"date": "2023-04-05"}),
    ({"tags": "#news #sport"}, {"tags": ("news", "sport")}),
    ({"tags": "أخبار، رياضة；日本"}, {"tags": ("أخبار", "رياضة", "日本")}),
    ({"tags": [{"name": "a"}, "#b"]}, {"tags": ("a", "b")}),
    ({"Title": "Rock &amp; Roll", "Tags": "a"}, {"title": "Rock & Roll", "tags": ("a",)}),
    ({"title": 3, "tags": {"x": 1}, "chapters": "x", "timestamp": 1e30, "uploader": []}, {}),
]


@pytest.mark.parametrize(("fields", "known"), SAID)
@pytest.mark.parametrize("name", ["a.info.json", "A.mp4.supplemental-met.JSON"])
def test_what_a_description_says(
    tmp_path: Path, name: str, fields: dict[str, object], known: dict[str, object]
) -> None:
    (tmp_path / name).write_text(json.dumps(fields), encoding="utf-8")
    assert sidecar_record(tmp_path / "a.mp4") == known


def test_one_description_fills_in_what_another_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "a.info.json").write_text('{"title": "one"}')
    (tmp_path / "a.json").write_text('{"title": "two", "date": "2020-01-01"}')
    assert sidecar_record(tmp_path / "a.mp4") == {"title": "one", "date": "2020-01-01"}


def test_chapters_of_a_description(tmp_path: Path) -> None:
    chapters = [
        {"start_time": 60, "end_time": 90.5, "title": "洪水"},
        {"start_time": 0, "end_time": 60, "title": "The harbour"},
        {"start_time": 90, "end_time": 95, "title": "Chapter 3"},
        {"start": "00:01:35", "title": "From here on"},
        {"start_time": "100.5", "title": "The end"},
        {"start_time": "x", "title": "no time"},
        7,
    ]
    (tmp_path / "a.info.json").write_text(json.dumps({"chapters": chapters}))
    assert sidecar_chapters(tmp_path / "a.mp4") == (
        Span(0.0, 60.0, "The harbour"),
        Span(60.0, 90.5, "洪水"),
        Span(95.0, 100.5, "From here on"),
        Span(100.5, 100.5, "The end"),
    )
    (tmp_path / "a.info.json").write_text("{")
    assert sidecar_chapters(tmp_path / "a.mp4") == ()


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "nan nan", '{"title": "\udce4"'])
def test_a_record_that_is_not_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, errors="surrogateescape")
    with pytest.raises(MediaError, match=r"a\.json: not valid JSON"):
        sidecar_record(tmp_path / "a.mp4")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"title"'])
def test_a_record_that_is_not_an_object_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert sidecar_record(tmp_path / "a.mp4") == {}
