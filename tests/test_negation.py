"""What a sentence leaves out in eleven languages, what only looks so, and that it comes last."""

from __future__ import annotations

from pathlib import Path

import pytest

import q2e
from q2e.errors import QueryError
from q2e.query.hints import left_out
from q2e.query.language import parse, write
from q2e.types import Clause

#: By language: sentences that leave something out, what is wanted, and what is not.
LEFT_OUT = {
    "en": [
        ("animal not dog", "animal", "dog"),
        ("guitar not guitar", "guitar", "guitar"),
        ("a cat without glasses on a sofa", "a cat on a sofa", "glasses"),
        ("a room with no people", "a room", "people"),
        ("animals except dogs", "animals", "dogs"),
        ("animals, but no dogs", "animals", "dogs"),
        ("a dog that does not bark", "a dog", "bark"),
        ("a street where there are no cars", "a street", "cars"),
    ],
    "de": [
        ("Zimmer ohne Hund", "Zimmer", "Hund"),
        ("Hund ohne Leine im Park", "Hund im Park", "Leine"),
        ("Tier, aber kein Hund", "Tier", "Hund"),
        ("Tier nicht Hund", "Tier", "Hund"),
        ("Tiere außer Hunden", "Tiere", "Hunden"),
        ("ein Hund, der nicht bellt", "ein Hund", "bellt"),
        ("Straße, auf der keine Autos fahren", "Straße", "Autos fahren"),
        ("ein Tier, das kein Hund ist", "ein Tier", "Hund"),
    ],
    "es": [
        ("perro sin correa en el parque", "perro en el parque", "correa"),
        ("animal pero no perro", "animal", "perro"),
        ("animal que no sea perro", "animal", "perro"),
        ("animales excepto perros", "animales", "perros"),
        ("un perro que no ladra", "un perro", "ladra"),
        ("una calle donde no hay coches", "una calle", "coches"),
    ],
    "fr": [
        ("chambre sans chien", "chambre", "chien"),
        ("plage sans personne sur le sable", "plage sur le sable", "personne"),
        ("animal mais pas un chien", "animal", "chien"),
        ("animal sauf le chien", "animal", "le chien"),
        ("un chien qui n'aboie pas", "un chien", "aboie"),
        ("un homme qui ne porte pas de chapeau", "un homme", "porte chapeau"),
        ("une rue où il n’y a pas de voitures", "une rue", "voitures"),
    ],
    "ru": [
        ("комната без собаки", "комната", "собаки"),
        ("человек без очков на улице", "человек на улице", "очков"),
        ("животное, но не собака", "животное", "собака"),
        ("улица, где нет людей", "улица", "людей"),
        ("животные кроме собак", "животные", "собак"),
        ("собака, которая не лает", "собака", "лает"),
        ("не лающая собака", "собака", "лающая"),
    ],
    "ar": [
        ("غرفة بدون كلب", "غرفة", "كلب"),
        ("حيوان بلا ذيل", "حيوان", "ذيل"),
        ("رجل من دون نظارات في الشارع", "رجل في الشارع", "نظارات"),
        ("حيوان ليس كلبا", "حيوان", "كلبا"),
        ("كلب لا ينبح", "كلب", "ينبح"),
        ("الكلب الذي لا ينبح", "الكلب", "ينبح"),
    ],
    "zh": [
        ("没有狗的房间", "房间", "狗"),
        ("沒有狗的房間", "房間", "狗"),
        ("房间里没有狗", "房间", "狗"),
        ("动物不是狗", "动物", "狗"),
        ("除了狗以外的动物", "动物", "狗"),
        ("无人的街道", "街道", "人"),
        ("不含肉的菜", "菜", "肉"),
        ("不会飞的鸟", "鸟", "飞"),
    ],
    "ja": [
        ("犬以外の動物", "動物", "犬"),
        ("眼鏡なしの猫", "猫", "眼鏡"),
        ("犬のいない部屋", "部屋", "犬"),
        ("犬ではない動物", "動物", "犬"),
        ("部屋に犬がいない", "部屋", "犬"),
        ("吠えない犬", "犬", "吠える"),
        ("帽子をかぶらずに歩く男", "歩く男", "帽子をかぶる"),
    ],
    "ko": [
        ("안경 없는 고양이", "고양이", "안경"),
        ("개가 아닌 동물", "동물", "개"),
        ("안경 없이 책 읽는 남자", "책 읽는 남자", "안경"),
        ("동물, 개 제외", "동물", "개"),
        ("짖지 않는 개", "개", "짖는"),
        ("모자를 쓰지 않은 남자", "남자", "모자를 쓴"),
        ("날지 못하는 새", "새", "나는"),
        ("빨갛지 않은 꽃", "꽃", "빨간"),
    ],
    "hi": [
        ("बिना चश्मे की बिल्ली", "बिल्ली", "चश्मे"),
        ("चश्मे के बिना बिल्ली", "बिल्ली", "चश्मे"),
        ("जानवर लेकिन कुत्ता नहीं", "जानवर", "कुत्ता"),
        ("कमरा जिसमें कुत्ता नहीं है", "कमरा", "कुत्ता"),
        ("कुत्ता जो नहीं भौंकता", "कुत्ता", "भौंकता"),
        ("न उड़ने वाला पक्षी", "पक्षी", "उड़ने"),
    ],
    "th": [
        ("ห้องที่ไม่มีสุนัข", "ห้อง", "สุนัข"),
        ("สัตว์ที่ไม่ใช่สุนัข", "สัตว์", "สุนัข"),
        ("ห้องปราศจากคน", "ห้อง", "คน"),
        ("แมวไม่มีแว่นบนโซฟา", "แมวบนโซฟา", "แว่น"),
        ("นกที่บินไม่ได้", "นก", "บิน"),
        ("ผู้ชายที่ไม่ได้ใส่หมวก", "ผู้ชาย", "ใส่หมวก"),
    ],
}
#: Sentences, sayings, signs, names and titles with the same words.
LITERAL = [
    "der Hund bellt nicht",
    "eine Liebe, die keine Grenzen kennt",
    "wer nicht wagt, der nicht gewinnt",
    "le chien n'aboie pas",
    "une histoire qui ne finit jamais",
    "ce qui n'est pas clair",
    "dice que no quiere venir",
    "el que no arriesga no gana",
    "собака не лает",
    "любовь, которая не знает границ",
    "الكلب لا ينبح",
    "ليلة لا تنسى",
    "不同的人",
    "狗不叫",
    "犬が吠えない",
    "終わらない物語",
    "개가 짖지 않는다",
    "변하지 않는 사랑",
    "जो डरता नहीं वह जीतता है",
    "कोई बात नहीं",
    "หมาไม่เห่า",
    "The Man Who Wasn't There",
    "things that don't matter",
    "no entry sign",
    "a man next to a no smoking sign",
    "Sin City",
    "sans serif",
    "a font sans serif on a wall",
    "Nothing else matters",
    "not only cats",
    "doctors without borders",
    "people with and without skis",
    '"a cat without glasses"',
    "ohne dich",
    "ich kann nicht ohne dich leben",
    "Menschen mit und ohne Hut",
    "„Zimmer ohne Hund“",
    "médecins sans frontières",
    "les premiers pas",
    "sans toi",
    "el perro no ladra",
    "un mundo sin fin",
    "sin ti",
    "он не спит",
    "город без конца",
    "без тебя",
    "أطباء بلا حدود",
    "بدون عنوان",
    "无人机",
    "无线的耳机",
    "我没有钱",
    "有没有狗",
    "没有人知道",
    "「没有狗的房间」",
    "仕方がない話",
    "猫だけではない動物園",
    "少ない水",
    "알 수 없는 이유",
    "끝없는 길",
    "개뿐만 아니라 고양이",
    "मैं खुश नहीं",
    "बिना किसी शक के",
    "ไม่มีใครรู้",
    "ฉันไม่มีเงิน",
]
#: A cat, which one clip of the samples shows, in a sentence that wants it and leaves it out.
NO_CAT = {
    "en": "cat not cat",
    "de": "Katze ohne Katze",
    "es": "gato sin gato",
    "fr": "chat sans chat",
    "ru": "кот, но не кот",
    "ar": "قطة بدون قطة",
    "zh": "没有猫的猫",
    "ja": "猫のいない猫",
    "ko": "고양이 없는 고양이",
    "hi": "बिल्ली के बिना बिल्ली",
    "th": "แมวที่ไม่มีแมว",
}


@pytest.mark.parametrize("language", LEFT_OUT)
def test_a_sentence_leaves_out(language: str) -> None:
    assert len(LEFT_OUT) == 11
    for text, wanted, unwanted in LEFT_OUT[language]:
        parsed = parse(text)
        assert parsed.clause is not None, text
        assert write(parsed.clause) == f'"{wanted}" NOT "{unwanted}"'
        said = [mark for mark in parsed.marks if mark.kind == "operator"]
        assert said and all(text[one.start : one.end].strip() for one in said)
        assert unwanted in left_out(text, parsed.clause)


@pytest.mark.parametrize("text", LITERAL)
def test_what_only_looks_so_stays_as_it_is(text: str) -> None:
    parsed = parse(text)
    assert parsed.plain and parsed.clause is None


def test_filters_and_capitals_go_with_it() -> None:
    parsed = parse("Hund ohne Leine im Park lang:de NOT Katze")
    assert parsed.clause is not None
    assert write(parsed.clause) == '"Hund im Park" NOT "Leine" NOT "Katze"'
    assert parsed.filters.languages == ("de",)
    assert left_out(parsed.text, parsed.clause).startswith("read as leaving out Leine;")


#: A clause that says of a noun what it does not do, with a filter beside it.
BESIDE_FILTERS = {
    "ar": ("كلب لا ينبح lang:ar", "كلب", "ينبح"),
    "de": ("lang:de ein Hund, der nicht bellt", "ein Hund", "bellt"),
    "en": ("a dog that does not bark, lang:en", "a dog", "bark"),
    "es": ("un perro que no ladra lang:es -lang:fr", "un perro", "ladra"),
    "fr": ("un chien qui n'aboie pas lang:fr after:2020", "un chien", "aboie"),
    "hi": ("एक कुत्ता जो भौंक नहीं रहा है lang:hi", "एक कुत्ता", "भौंक"),
    "ja": ("吠えない犬 lang:ja", "犬", "吠える"),
    "ko": ("짖지 않는 개 lang:ko", "개", "짖는"),
    "ru": ("собака, которая не лает lang:ru duration:<2m", "собака", "лает"),
    "th": ("lang:th สุนัขที่ไม่ได้เห่า -lang:en", "สุนัข", "เห่า"),
    "zh": ("不叫的狗 lang:zh", "狗", "叫"),
}


@pytest.mark.parametrize("language", BESIDE_FILTERS)
def test_a_clause_leaves_out_beside_filters(language: str) -> None:
    assert len(BESIDE_FILTERS) == 11
    text, wanted, unwanted = BESIDE_FILTERS[language]
    parsed = parse(text)
    assert parsed.clause is not None
    assert write(parsed.clause) == f'"{wanted}" NOT "{unwanted}"'
    assert parsed.filters.languages == (language,)
    shown = [text[one.start : one.end] for one in parsed.marks]
    assert f"lang:{language}" in shown and wanted in shown
    assert text[parsed.clause.parts[0].start : parsed.clause.parts[0].end] == wanted


def test_other_sentences_with_filters_stay_what_they_were() -> None:
    assert write(parse("没有狗的房间 lang:zh").clause or Clause("text")) == '"房间" NOT "狗"'
    for text, clause in (
        ("el perro no ladra lang:es", '"el perro no ladra"'),
        ("a dog lang:en", '"a dog"'),
    ):
        assert write(parse(text).clause or Clause("text")) == clause
    assert parse("lang:en -lang:de").clause is None
    with pytest.raises(QueryError, match="duration") as refused:
        parse("a dog that does not bark duration:blue")
    assert refused.value.start == len("a dog that does not bark ")


#: The same with something excluded after it: two things are left out.
CAT = {
    "ar": "قطة", "de": "Katze", "en": "cat", "es": "gato", "fr": "chat", "hi": "बिल्ली", "ja": "猫",
    "ko": "고양이", "ru": "кошка", "th": "แมว", "zh": "猫",
}  # fmt: skip


@pytest.mark.parametrize("language", BESIDE_FILTERS)
@pytest.mark.parametrize("sign", ["NOT ", "-"])
def test_a_clause_leaves_out_beside_what_is_excluded(language: str, sign: str) -> None:
    text, wanted, unwanted = BESIDE_FILTERS[language]
    sentence = " ".join(one for one in text.split() if ":" not in one).rstrip(",")
    asked = f"lang:{language} {sentence} {sign}{CAT[language]} duration:<2m"
    parsed = parse(asked)
    assert parsed.clause is not None
    assert write(parsed.clause) == f'"{wanted}" NOT "{unwanted}" {sign}"{CAT[language]}"'
    assert parsed.filters.languages == (language,) and parsed.filters.longest_s == 120
    last = parsed.clause.parts[-1]
    assert CAT[language] in asked[last.start : last.end]


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("a dog that does not bark NOT cat OR bird", None),
        ("a dog that does not bark NOT cat NOT bird", '"a dog" NOT "bark" NOT "cat" NOT "bird"'),
        ('a dog that does not bark -"cat food"', '"a dog" NOT "bark" -"cat food"'),
        ("a dog that does not bark NOT speech:cat", '"a dog" NOT "bark" NOT speech:("cat")'),
        ("the dog does not bark NOT cat", '"the dog does not bark" NOT "cat"'),
        ("没有狗的房间 NOT 猫", '"房间" NOT "狗" NOT "猫"'),
        ("dog NOT cat", '"dog" NOT "cat"'),
    ],
)
def test_what_stands_after_a_sentence_is_read_as_ever(text: str, clause: str | None) -> None:
    found = parse(text).clause
    assert found is not None
    if clause is None:
        assert '"a dog" NOT "bark"' not in write(found)
    else:
        assert write(found) == clause


@pytest.mark.parametrize("language", NO_CAT)
def test_what_is_left_out_is_last(sample_index: q2e.Index, language: str) -> None:
    results = sample_index.search(NO_CAT[language], confidence=0, top=50)
    names = [Path(hit.video.path).name for hit in results]
    assert names[-1] == "reel-02.mp4" and len(names) == len(sample_index)
    last, first = results[-1], results[0]
    assert last.score < 0 < first.score
    assert "leaving out" in results.info["hint"]
    # What is left out is no confident hit, however well it answers.
    assert last.confidence is not None and last.confidence < 0.05
