"""Where videos lie: what cameras write, what titles and tags name in eleven languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import q2e
from q2e.search.places import coordinates, gazetteer, named_in
from test_texts import LANGUAGES


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("+40.6892-074.0445/", (40.6892, -74.0445)),
        ("+35.6762+139.6503+040.000/", (35.6762, 139.6503)),
        ("+27.5916+086.5640+8850CRSWGS_84/", (27.5916, 86.5640)),
        ("-3352+15113/", (-33.8667, 151.2167)),
        ("+484012.5+0021730.0/", (48.6701, 2.2917)),
        ("48.8584, 2.2945", (48.8584, 2.2945)),
        ("geo:48.8584,2.2945", (48.8584, 2.2945)),
        ("+00.0000+000.0000/", None),
        ("+99.0000+000.0000/", None),
        ("2017, 12", None),
        ("at 48.8584, 2.2945 we met", None),
    ],
)
def test_coordinates_are_read(text: str, place: tuple[float, float] | None) -> None:
    found = coordinates(text)
    assert found == (None if place is None else pytest.approx(place, abs=1e-4))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Earthquake in South Korea, near Seoul", {"South Korea", "Seoul"}),
        ("news from greece", {"Greece"}),
        ("A turkey in the garden", set()),
        ("Schnee in München und Wien", {"Munich", "Vienna"}),
        ("Le séisme au Mexique", {"Mexico"}),
        ("Inundación en España", {"Spain"}),
        ("Землетрясение в Мексике, снег в Москве", {"Mexico", "Moscow"}),
        ("زلزال في المكسيك", {"Mexico"}),
        ("भारत में बाढ़", {"India"}),
        ("東京と京都の雪", {"Tokyo", "Kyoto"}),
        ("서울에서 열린 축제", {"Seoul"}),
        ("แผ่นดินไหวในเม็กซิโก", {"Mexico"}),
        ("北京的春天", {"Beijing"}),
        ("<img src=x onerror=alert(1)> \u202egnp", set()),
    ],
)
def test_places_are_named_in_eleven_languages(text: str, places: set[str]) -> None:
    assert {gazetteer()[number].names["en"] for number in named_in(text)} == places


def test_every_place_lies_on_earth_and_has_a_name() -> None:
    known = gazetteer()
    assert len(known) > 1000
    assert all(abs(one.latitude) <= 90 and abs(one.longitude) <= 180 for one in known)
    assert all(one.names["en"] for one in known)
    by_name = {one.names["en"]: one for one in known}
    # The middle of a country that lies across the date line is no place in the sea.
    assert by_name["Russia"].longitude == pytest.approx(97, abs=10)
    assert by_name["Japan"].city is False and by_name["Tokyo"].city is True
    assert set(by_name["Japan"].names) == {*LANGUAGES}


def test_a_collection_tells_its_places_and_keeps_up(tmp_path: Path) -> None:
    index = q2e.open(tmp_path / "index")

    def told(*texts: str) -> None:
        lines = [
            {
                "video": text.split(",")[0].replace(" ", "-")[:9],
                "channel": "metadata",
                "text": text,
                "start": 0,
                "end": 5,
            }
            for text in texts
        ]
        file = tmp_path / "lines.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        index.import_evidence(file)

    told("Strike in Athens", "Athens at night", "+48.8584+002.2945/", "nothing")
    found = index.places()
    assert found.videos == 3
    assert [(one.names["en"], one.videos, one.recorded) for one in found.places] == [
        ("Athens", 2, False),
        ("Paris", 1, True),
    ]
    assert found.places[0].examples[0][0] == "Athens-at"
    told("東京の雪")
    assert {one.names["ja"] for one in index.places().places} == {"アテネ", "パリ", "東京"}
    assert index.places().shape()["places"][0]["examples"][0]["picture"] is False
