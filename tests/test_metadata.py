"""The channel `metadata`: names, records and container tags as evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from q2e.channels.metadata import MetadataChannel, readable_name
from q2e.media.probe import probe
from q2e.settings import Settings
from q2e.types import Evidence, Part, Video


def read(video: Video, tags: dict[str, str] | None = None, **settings: int) -> list[Evidence]:
    channel = MetadataChannel(Settings(**settings), tags=lambda _: tags or {})
    return channel.extract(Part(video, 0.0, video.duration_s))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/films/pohang_earthquake-2017.mp4", "pohang earthquake 2017"),
        ("BreakingNews.HD.mkv", "Breaking News HD"),
        ("flood%20in%20Venice (1966) [dQw4w9WgXcQ].webm", "flood in Venice 1966"),
        ("2017-11-15 Pohang.mp4", "2017 11 15 Pohang"),
        ("地震_速報.mp4", "地震 速報"),
        ("زلزال-المدينة.mp4", "زلزال المدينة"),
        ("землетрясение_в_городе.avi", "землетрясение в городе"),
        ("भूकंप_की_खबर.mp4", "भूकंप की खबर"),
        ("ข่าว_แผ่นดินไหว.mp4", "ข่าว แผ่นดินไหว"),
        ("\u202egpj_eno.mp4", "gpj eno"),
        ("IMG_20240101_101010.mp4", ""),
        ("VID-20240101-WA0007.mp4", "VID 20240101 WA0007"),
        ("d41d8cd98f00b204e9800998ecf8427e.mp4", ""),
        ("00012.mp4", ""),
        ("video.mp4", ""),
    ],
)
def test_file_names_become_words(path: str, words: str) -> None:
    assert readable_name(path) == words


def test_each_fact_is_its_own_evidence_over_the_whole_video() -> None:
    video = Video(
        id="v",
        path="harbour_storm.mp4",
        duration_s=12.5,
        title="Sturm im Hafen von Hamburg",
        description="The storm broke two cranes. Nobody was hurt.\n\nRepairs take a month.",
        date="2020-02-10",
        tags=("weather", "Hamburg"),
    )
    found = read(video, {"artist": "Harbour Archive", "encoder": "Lavf61"}, untimed_words=10)
    assert [(e.origin, e.text) for e in found] == [
        ("manifest", "Sturm im Hafen von Hamburg"),
        ("file name", "harbour storm"),
        ("manifest", "The storm broke two cranes. Nobody was hurt."),
        ("manifest", "Repairs take a month."),
        ("manifest", "weather, Hamburg, 2020-02-10"),
        ("container", "Harbour Archive"),
    ]
    assert {(e.start_s, e.end_s) for e in found} == {(0.0, 12.5)}
    assert found[0].language == "de"
    assert found[2].language == "en"


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Heavy rain has flooded the streets of the old town"),
        ("de", "Starker Regen hat die Straßen der Altstadt überflutet"),
        ("zh", "大雨淹没了老城的街道"),
        ("ja", "大雨で旧市街の道路が冠水した"),
        ("ko", "폭우로 구시가지 도로가 물에 잠겼다"),
        ("ar", "أغرقت الأمطار الغزيرة شوارع المدينة القديمة"),
        ("ru", "Сильный дождь затопил улицы старого города"),
        ("hi", "भारी बारिश से पुराने शहर की सड़कें डूब गईं"),
        ("th", "ฝนตกหนักทำให้น้ำท่วมถนนในเมืองเก่า"),
    ],
)
def test_titles_keep_their_text_and_language(language: str, title: str) -> None:
    found = read(Video(id="v", path="video.mp4", duration_s=1.0, title=title))
    assert [(e.text, e.language) for e in found] == [(title, language)]


def test_what_says_the_same_is_said_once() -> None:
    video = Video(id="v", path="Old_Town.mp4", duration_s=1.0, title="Old town")
    assert [e.text for e in read(video, {"title": "old town"})] == ["Old town"]


def test_hostile_records_are_cleaned() -> None:
    video = Video(
        id="v", path="video.mp4", duration_s=1.0, title="a\0b\u202ec\x1b[31m", tags=("\0", "x\ny")
    )
    assert [e.text for e in read(video)] == ["abc[31m", "x y"]


def test_only_the_first_part_speaks_for_the_video() -> None:
    video = Video(id="v", path="old_town.mp4", duration_s=900.0)
    channel = MetadataChannel(Settings(), tags=lambda _: {})
    assert len(channel.extract(Part(video, 0.0, 600.0))) == 1
    assert channel.extract(Part(video, 600.0, 900.0)) == []


def test_a_real_file_is_read(samples: Path) -> None:
    path = samples / "clips" / "portrait-19.mp4"
    video = replace(probe(path), id="v", title="Eileen Collins and the deep field")
    found = MetadataChannel(Settings()).extract(Part(video, 0.0, video.duration_s))
    assert [e.text for e in found[:2]] == ["Eileen Collins and the deep field", "portrait 19"]
