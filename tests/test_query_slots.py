"""Time, place and subject come from the question's own words, in nine languages."""

from __future__ import annotations

import pytest

from q2e.query.slots import find_slots, languages_by_script


@pytest.mark.parametrize(
    ("language", "question", "time", "place", "english"),
    [
        ("en", "Earthquake in Japan, March 2011", "March 2011", "Japan", "Japan"),
        ("en", "flood in japan on 3 July 2020", "3 July 2020", "japan", "Japan"),
        ("zh", "2011年3月11日日本地震", "2011年3月11日", "日本", "Japan"),
        ("ja", "2020年 東京オリンピック", "2020年", "東京", "Tokyo"),
        ("ko", "2024년 1월 1일 일본에서 지진", "2024년 1월 1일", "일본", "Japan"),
        ("ar", "زلزال باليابان ٢٠١١", "٢٠١١", "اليابان", "Japan"),
        ("ru", "11 марта 2011 землетрясение в Японии", "11 марта 2011", "Японии", "Japan"),
        ("hi", "जापान में भूकंप २०११", "२०११", "जापान", "Japan"),
        ("th", "แผ่นดินไหวที่ญี่ปุ่น พ.ศ. 2554", "พ.ศ. 2554", "ญี่ปุ่น", "Japan"),
        ("de", "Erdbeben in Japan am 11. März 2011", "11. März 2011", "Japan", "Japan"),
        ("es", "terremoto de Japón, 11 de marzo de 2011", "11 de marzo de 2011", "Japón", "Japan"),
        ("fr", "séisme au Japon le 11 mars 2011", "11 mars 2011", "Japon", "Japan"),
    ],
)
def test_time_and_place(language: str, question: str, time: str, place: str, english: str) -> None:
    for given in (language, None):
        found = find_slots(question, given)
        assert found.time == (time,)
        assert found.place == (place,)
        assert found.place_english == (english,)


@pytest.mark.parametrize(
    "question",
    [
        "people march in the street",
        "turkey on a plate",
        "a red car",
        "ein rotes Auto",
        "一只猫在桌子上",
        "猫が毛布の上で寝ている",
        "빨간 우산을 든 아이",
        "قطة بيضاء على الأريكة",
        "кот спит на диване",
        "लाल साड़ी पहने महिला",
        "แมวดำบนหลังคา",
        "model 12345 phone",
        "",
    ],
)
def test_nothing_is_invented(question: str) -> None:
    found = find_slots(question)
    assert (found.time, found.place, found.subject) == ((), (), ())


@pytest.mark.parametrize(
    ("question", "subject", "place"),
    [
        ("Hurricane Katrina in New Orleans", ("Hurricane Katrina",), ("New Orleans",)),
        ("Barack Obama's visit to Cuba", ("Barack Obama",), ("Cuba",)),
        ("film «Солярис» в Каннах", ("Солярис",), ("Каннах",)),
        ("電影《霸王別姬》首映", ("霸王別姬",), ()),
        ("World Cup 2006 final Italy vs France", ("World Cup",), ("Italy", "France")),
    ],
)
def test_names(question: str, subject: tuple[str, ...], place: tuple[str, ...]) -> None:
    found = find_slots(question)
    assert (found.subject, found.place) == (subject, place)


@pytest.mark.parametrize(
    ("question", "language", "time", "place", "english"),
    [
        ("Floods in LATVİA, 3 MARCH 2020", "en", "3 MARCH 2020", "LATVİA", "Latvia"),
        ("Fire in Ruſſia in 2011", "en", "2011", "Ruſſia", "Russia"),
        ("НАВОДНЕНИЕ В РОССИИ В МАРТЕ 2011", "ru", "МАРТЕ 2011", "РОССИИ", "Russia"),
        ("INONDATIONS EN ALGÉRIE", "fr", "", "ALGÉRIE", "Algeria"),
    ],
)
def test_names_are_found_in_any_case(
    question: str, language: str, time: str, place: str, english: str
) -> None:
    found = find_slots(question, language)
    assert ("".join(found.time), *found.place, *found.place_english)[:3] == (time, place, english)


def test_every_slot_is_a_piece_of_the_question() -> None:
    question = "Taylor Swift sings in London on 12 May 2018 and in São Paulo in 2023"
    found = find_slots(question, "en")
    for value in (*found.time, *found.place, *found.subject):
        assert value in question
    assert found.time == ("12 May 2018", "2023")


def test_script_chooses_the_word_lists() -> None:
    assert languages_by_script("東京") == ("zh", "ja")
    assert languages_by_script("とうきょう") == ("ja",)
    assert languages_by_script("Tokio") == ("en", "de", "es", "fr")
