"""Names that other scripts write otherwise: what the table knows, and what a search makes of it."""

from __future__ import annotations

import gzip
import json
from importlib import resources
from pathlib import Path

import pytest

import q2e
from q2e.query.elsewhere import elsewhere, key_of, sought
from q2e.query.inflected import dictionary_forms, inflected
from q2e.query.pinyin import people
from q2e.search.named import named
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
        ("2021 lunar new year", {"农历新年"}),
        ("Super Typhoon Man-yi", {"万宜"}),
        ("Kyiv", {"Киев", "Киеве", "基辅", "بكييف"}),
    ],
    "de": [("Hafen von Hamburg", {"汉堡", "Гамбург"}), ("Taifun Hinnamnor", {"轩岚诺"})],
    "fr": [("un marché à Casablanca", {"卡萨布兰卡"})],
    "es": [("terremoto en Santiago", {"圣地亚哥"}), ("el tifón Mangkhut", {"山竹"})],
    "ru": [
        ("Москва зимой", {"Moscow", "莫斯科"}),
        ("взрыв в Магнитогорске", {"Magnitogorsk"}),
        ("Лавина под Норильском", {"Norilsk", "노릴스크"}),
    ],
    "ar": [("القاهرة ليلا", {"Cairo", "开罗"}), ("بغداد وطهران", {"Tehran", "Baghdad"})],
    "zh": [
        ("马云退出", {"Jack Ma", "Ma Yun"}),
        ("大阪的雪", {"Osaka"}),
        ("台风利奇马", {"Lekima"}),
    ],
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
    assert people(question) == ()


def test_the_table_is_sorted_and_says_nothing_twice() -> None:
    packed = resources.files("q2e").joinpath("data", "names.txt.gz").read_bytes()
    content = gzip.decompress(packed).decode("utf-8").splitlines()
    keys = [line.partition("\t")[0] for line in content]
    assert keys == sorted(set(keys)) and len(keys) > 50_000
    for line in content[::997]:
        key, _, names = line.partition("\t")
        assert key_of(key) == key and names


def test_what_covers_a_question_is_its_shortest_name() -> None:
    every, shortest = sought(elsewhere("Great Wall"))
    assert {"长城"} == set(shortest) < set(every)


def test_a_question_of_any_length_is_read() -> None:
    assert len(sought(elsewhere("马云" * 2_000 + " Moscow" * 500))[0]) < 1_000


def test_a_name_in_another_script_finds_the_clip(sample_index: q2e.Index) -> None:
    first = sample_index.search("Summer Palace", confidence=0)[0]
    assert Path(first.video.path).name == "news-11.mp4"
    assert max(one.contribution for one in first.why if one.how == "elsewhere") > 0


def test_only_whole_names_count(sample_index: q2e.Index) -> None:
    # The sample clips write 颐和园 and 大雪; a part of a name is another word.
    store = sample_index.store
    assert holding(store, ["颐和园", "長城"]).any()
    assert not holding(store, ["颐和区", "大雪山", "Ma Yun"]).any()


#: What is asked, and what may be a person in it: family name and syllables after it.
PEOPLE = [
    ("Li Qiang elected", ("li", ("qiang",))),
    ("peng shuai", ("peng", ("shuai",))),
    ("doctor Li Wenliang", ("li", ("wen", "liang"))),
    ("entrevista con Zeng Guang", ("zeng", ("guang",))),
]
NOBODY = [
    "Xi Jinping",  # the table knows him
    "women in a boat",
    "eine weiße Katze",
    "su rebaño blanco",
    "李强",
    "li " + "a" * 5_000,
    "",
]


def test_chinese_people_are_told_by_their_reading() -> None:
    for question, one in PEOPLE:
        assert one in people(question), question
    for question in NOBODY:
        assert people(question) == (), question


def test_a_person_is_found_in_texts_that_write_the_name_in_han(tmp_path: Path) -> None:
    texts = {
        "right": "通过由李强出任国务院总理",
        "traditional": "新任總理李強首度面對媒體",
        "other": "李家超当选行政长官",
        "sound": "历强度很大",  # read alike, and no family name
    }
    lines = [{"video": name, "channel": "speech", "text": text} for name, text in texts.items()]
    file = tmp_path / "evidence.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with q2e.open(tmp_path / "people.q2e") as index:
        index.import_evidence(file)
        assert named(index.store, "Li Qiang elected") == (("李强",),)
        hits = index.search("Li Qiang elected", confidence=0).hits
        named_so = {
            hit.video.id for hit in hits for one in hit.why if one.how == "elsewhere" and one.score
        }
        assert named_so == {"right", "traditional"}
        assert named(index.store, "Wang Huiqiang elected") == ()
