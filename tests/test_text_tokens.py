"""Question and indexed text give the same tokens in every script; a gate for each release."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.text.lexical import indexed
from q2e.text.tokens import LONGEST, characters, tokens

#: Language, indexed text, a question whose every token must be found in it, one that must not.
FOUND = [
    ("en", "RE16 TGK: a RED car passes.", "re16 tgk", "tgj"),
    ("en", "the nurse’s walk-out, 2021_final.mp4", "walk out 2021 final", "walkout"),
    ("de", "Die Straße nach Köln", "STRASSE nach köln", "gasse"),
    ("ru", "Пожарные тушат лес, ещё горит", "ЛЕС еще", "дом"),
    ("ru", "йод", "и\u0306од", "год"),
    ("ar", "الْمُظَاهَرَاتُ في المغرب", "المظاهرات فى المغرب", "مصر"),
    ("ar", "أخبـــار إسرائيل وآسيا", "اخبار اسرائيل واسيا", "خبر"),
    ("hi", "भूकंप से इमारत गिरी है।", "भूकंप गिरी है", "भूक"),
    ("hi", "लड़की", "लड\u093cकी", "लडकी"),
    ("th", "น้ำท่วมใหญ่ในกรุงเทพมหานคร", "น้ำท่วม กรุงเทพ", "ภูเขา"),
    ("ko", "산불이 마을로 번지고 있다", "산불", "지진"),
    ("ja", "台風が東京に上陸、ｶﾒﾗが捉えた", "台風 東京 カメラ", "地震"),
    ("ja", "アンゲラ・メルケル 人々", "メルケル 人々", "オバマ"),
    ("zh", "强烈地震袭击云南，2024年", "地震 云南 2024", "洪水"),
    ("zh", "iPhone发布会 ＡＢＣ", "IPHONE 发布会 abc", "三星"),
    ("tr", "İSTANBUL'da yangın", "istanbul yangın", "ankara"),
    ("vi", "cháy rừng ở Đà Lạt", unicodedata.normalize("NFD", "Cháy rừng đà lạt"), "lua"),
    ("vi", "cháy rừng ở Đà Lạt", "chay rung o Da Lat", "lua"),
    ("es", "Terremoto en México", "mexico terremoto", "mejico"),
    ("es", "terremoto en Mexico", "MÉXICO", "españa"),
    ("pl", "Powódź w Łodzi", "powodz lodzi", "krakow"),
    ("de", "Überschwemmung in Köln", "uberschwemmung koln", "bonn"),
    ("ru", "белый дом", "белый", "белыи"),
    ("el", "Αθήνα", "ΑΘΉΝΑ", "Πάτρα"),
    ("fa", "می‌خواهم کتابی", "میخواهم كتابي", "کت"),
    ("he", "שָׁלוֹם עולם", "שלום", "עול"),
]


@pytest.mark.parametrize(("language", "text", "asked", "absent"), FOUND)
def test_a_question_finds_what_was_written(
    language: str, text: str, asked: str, absent: str
) -> None:
    indexed = set(tokens(text))
    assert tokens(asked)
    assert set(tokens(asked)) <= indexed
    assert tokens(absent)
    assert not set(tokens(absent)) <= indexed


def test_order_and_repetition_are_kept() -> None:
    assert tokens("b a_b RE16") == ["b", "a", "b", "re16"]
    assert tokens("地震地震") == ["地震", "震地", "地震"]


def test_a_character_alone_is_a_token_of_its_own() -> None:
    assert tokens("火 the 불!") == ["火", "the", "불"]


def test_a_text_is_found_by_one_of_its_han_characters() -> None:
    assert characters("山火灾の火 the 火") == ["山", "火", "灾"]
    assert characters("カメラ 서울 กรุง 火 the") == []
    text = "大雪关闭长城"
    assert set(tokens("雪")) <= set(indexed(text))
    assert not set(tokens("雪")) <= set(tokens(text))


def test_marks_stay_inside_their_word() -> None:
    assert tokens("बिल्ली मेज पर") == ["बिल्ली", "मेज", "पर"]


def test_what_has_no_letters_has_no_tokens() -> None:
    assert tokens("") == []
    assert tokens("… !? \u0301 ।॥ → ___ \u200b\u00ad ・ 、。") in ([], ["\u0301"])


def test_emoji_are_words() -> None:
    assert tokens("party🎉🎉 🇯🇵🇫🇷 👍🏽 1️⃣") == ["party", "🎉", "🎉", "🇯🇵", "🇫🇷", "👍", "1"]


def test_hostile_text_is_bounded() -> None:
    assert len(tokens("\ufdfa" * LONGEST)) <= LONGEST
    assert max(map(len, tokens("x" * LONGEST))) <= 64
    assert tokens("\ud800 a \x00 b") == ["a", "b"]


@given(st.text())
def test_tokens_are_stable_and_hold_no_space(text: str) -> None:
    found = tokens(text)
    assert found == tokens(text)
    assert all(token and not any(c.isspace() for c in token) for token in found)


@given(st.text(), st.text())
def test_a_line_of_two_texts_has_the_tokens_of_both(one: str, other: str) -> None:
    # Long words are cut, and a mark at the start of `other` would join the space.
    assert tokens(f"{one[:50]} . {other[:50]}") == tokens(one[:50]) + tokens(other[:50])
