"""Names that other scripts write otherwise: what the table knows, and what a search makes of it."""

from __future__ import annotations

import gzip
from importlib import resources
from pathlib import Path

import pytest

import q2e
from q2e.query.elsewhere import elsewhere, key_of, sought
from q2e.query.inflected import dictionary_forms, inflected
from q2e.search.phrases import holding

#: By language of the question: a question, and names in other scripts that are found for it.
KNOWN = {
    "en": [
        ("jack ma", {"马云"}),
        ("2019 EVA Air strike", {"长荣航空"}),
        ("Three Gorges Dam flood", {"三峡大坝"}),
        ("2022 olympics", {"奥运会"}),
        ("Luding earthquake", {"泸定"}),
        ("Xi Jinping", {"习近平"}),
        ("marathon in Moscow", {"莫斯科"}),
        ("Kyiv", {"Киев", "Киеве", "基辅", "بكييف"}),
    ],
    "de": [("Hafen von Hamburg", {"汉堡", "Гамбург"})],
    "fr": [("un marché à Casablanca", {"卡萨布兰卡"})],
    "es": [("terremoto en Santiago", {"圣地亚哥"})],
    "ru": [
        ("Москва зимой", {"Moscow", "莫斯科"}),
        ("взрыв в Магнитогорске", {"Magnitogorsk"}),
        ("Лавина под Норильском", {"Norilsk", "노릴스크"}),
    ],
    "ar": [("القاهرة ليلا", {"Cairo", "开罗"}), ("بغداد وطهران", {"Tehran", "Baghdad"})],
    "zh": [("马云退出", {"Jack Ma", "Ma Yun"}), ("大阪的雪", {"Osaka"})],
    "ja": [("大阪の雪", {"Osaka", "Осака"})],
    "ko": [("서울 홍수", {"Seoul", "首尔"})],
    "hi": [("आगरा में बारिश", {"Agra", "Агра"})],
    "th": [("ฝนตกในกรุงเทพ", {"Bangkok", "曼谷"})],
}
#: Words of which there are names too.
ORDINARY = [
    "nice weather",
    "a man reading a book in the bath",
    "a mobile phone on the table",
    "turkey in the oven",
    "apple pie",
    "a cat on a sofa",
    "Ein Vogel fliegt über das Haus",
    "La réponse à un casse-tête",
    "고양이 사진",
    "라이브 수학 기초",
    "何も知らなかったから",
    "كيف كان الرقم",
    "فيديو بالصور",
    "в бассейне с пальмами",
    "कलन का सार",
    "",
    "?!",
]


@pytest.mark.parametrize("language", KNOWN)
def test_a_name_is_known_elsewhere(language: str) -> None:
    assert len(KNOWN) == 11
    for question, names in KNOWN[language]:
        assert names <= {name for own in elsewhere(question) for name in own}, question


#: A name, and a form that it takes in sentences.
FORMS = [
    ("Москва", "Москве"),
    ("Анталия", "Анталии"),
    ("Керчь", "Керчью"),
    ("Бостон", "Бостоном"),
    ("Зеленский", "Зеленского"),
    ("Путин", "Путиным"),
    ("Назрань", "Назрани"),
    ("طهران", "وطهران"),
    ("القاهرة", "للقاهرة"),
    ("القاهرة", "بالقاهرة"),
]


def test_names_take_forms_and_are_led_back() -> None:
    for name, form in FORMS:
        assert form in inflected(name), form
        assert name in dictionary_forms(form) or form[0] in "بل"
    assert (
        inflected("Kyiv")
        == inflected("基辅")
        == inflected("Осло")
        == dictionary_forms("Осло")
        == ()
    )


@pytest.mark.parametrize("question", ORDINARY)
def test_words_are_no_names(question: str) -> None:
    assert elsewhere(question) == ()
    assert sought(question) == ((), ())


def test_the_table_is_sorted_and_says_nothing_twice() -> None:
    packed = resources.files("q2e").joinpath("data", "names.txt.gz").read_bytes()
    content = gzip.decompress(packed).decode("utf-8").splitlines()
    keys = [line.partition("\t")[0] for line in content]
    assert keys == sorted(set(keys)) and len(keys) > 50_000
    for line in content[::997]:
        key, _, names = line.partition("\t")
        assert key_of(key) == key and names


def test_what_covers_a_question_is_its_shortest_name() -> None:
    every, shortest = sought("Great Wall")
    assert {"长城"} == set(shortest) < set(every)


def test_a_question_of_any_length_is_read() -> None:
    assert len(sought("马云" * 2_000 + " Moscow" * 500)[0]) < 1_000


def test_a_name_in_another_script_finds_the_clip(sample_index: q2e.Index) -> None:
    first = sample_index.search("Summer Palace", confidence=0)[0]
    assert Path(first.video.path).name == "news-11.mp4"
    assert max(one.contribution for one in first.why if one.how == "elsewhere") > 0


def test_only_whole_names_count(sample_index: q2e.Index) -> None:
    # The sample clips write 颐和园 and 大雪; a part of a name is another word.
    store = sample_index.store
    assert holding(store, ["颐和园", "長城"]).any()
    assert not holding(store, ["颐和区", "大雪山", "Ma Yun"]).any()
