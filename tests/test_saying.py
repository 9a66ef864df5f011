"""What says little is told apart from what says something, in eleven languages; nothing is lost."""

from __future__ import annotations

import pytest

from q2e.query.parts import MOST, words_of_meaning
from q2e.text.saying import LITTLE, chance_to_say

#: By language: a phrase of thanks, a credit or tag, a sentence, a question and its words.
TABLE = {
    "ar": ("شكرا جزيلا", "ترجمة نانسي قنقر", "امرأة تمشي مع كلبها في الحديقة",
           "زجاجات ماء على طاولة", "زجاجات|ماء|طاولة"),
    "de": ("Vielen Dank.", "Untertitel im Auftrag des ZDF", "Eine Frau geht mit Hund im Park.",
           "ein Hund auf der Straße", "Hund|Straße"),
    "en": ("Thank you.", "Cropped with ezgif.com", "A woman walks her dog in the park.",
           "a dog on the man's leash", "dog|man|leash"),
    "es": ("Gracias.", "Subtítulos realizados por la comunidad", "Una mujer pasea a su perro.",
           "cerdo rosa de juguete", "cerdo|rosa|juguete"),
    "fr": ("Merci beaucoup.", "Sous-titrage réalisé par X", "Une femme promène son chien au parc.",
           "un homme portant des lunettes", "homme|portant|lunettes"),
    "hi": ("धन्यवाद", "उपशीर्षक: अमारा", "एक महिला पार्क में कुत्ते को घुमा रही है",
           "पार्किंग में गाड़ियाँ", "पार्किंग|गाड़ियाँ"),
    "ja": ("ご視聴ありがとうございました", "字幕制作:NHK", "女性が公園で犬を散歩させています。",
           "教室で本を読む子供とコーヒー", "教室|本|読|子供|コーヒー"),
    "ko": ("감사합니다.", "자막 제작 by 한방", "여자가 공원에서 개를 산책시키고 있다",
           "개구리 장난감", "개구리|장난감"),
    "ru": ("Спасибо за просмотр!", "Субтитры сделал DimaTorzok", "Женщина гуляет с собакой в парке",
           "студенты в аудитории", "студенты|аудитории"),
    "th": ("ขอบคุณครับ", "คำบรรยายโดย อมรา", "ผู้หญิงพาสุนัขเดินเล่นในสวนสาธารณะ",
           "กาแฟในแก้วบนโต๊ะ", "กาแฟ|แก้ว|โต๊ะ"),
    "zh": ("谢谢大家", "字幕由Amara.org社區提供", "一个女人在公园里遛狗",
           "一位女士和狗在雪地里", "女士|狗|雪地"),
}  # fmt: skip


@pytest.mark.parametrize("language", TABLE)
def test_thanks_and_credits_say_little_and_sentences_something(language: str) -> None:
    thanks, credit, sentence, *_ = TABLE[language]
    assert chance_to_say(thanks, "speech") < 0.1
    assert chance_to_say(credit, "screen_text") < 0.1
    assert chance_to_say(sentence, "speech") >= LITTLE
    # What only begins like a phrase of thanks says something.
    assert chance_to_say(f"{thanks} {sentence}", "speech") >= LITTLE


@pytest.mark.parametrize(
    "debris", ["Hmm.", "ck", "SAMTW", "shutterstock", "clideo.com", "Lavf58.29.100", "", "…"]
)
def test_debris_says_little(debris: str) -> None:
    assert chance_to_say(debris, "screen_text", 0.9) < LITTLE


def test_unsure_recognition_and_repetition_lower_the_chance() -> None:
    text = "The weasels have eaten our telephone"
    usual = chance_to_say(text, "speech")
    assert chance_to_say(text, "speech", 0.2) < chance_to_say(text, "speech", 0.8)
    assert chance_to_say(text, "speech", 0.5) == pytest.approx(usual)
    assert usual > chance_to_say(text, "speech", videos=3) > chance_to_say(text, "speech", videos=9)
    # A recogniser may state anything in 0 to 1, and what nobody recognised has no confidence.
    assert 0 < chance_to_say(text, "speech", 0.0) < chance_to_say(text, "speech", 1.0) < 1


@pytest.mark.parametrize("language", TABLE)
def test_a_question_is_cut_into_its_words(language: str) -> None:
    question, words = TABLE[language][3:]
    assert words_of_meaning(question, language) == words.split("|")


def test_words_are_few_and_distinct() -> None:
    assert words_of_meaning("Dog dog DOG!!") == ["Dog"]
    assert words_of_meaning("?! …") == []
    assert len(words_of_meaning(" ".join(f"word{n}" for n in range(99)))) == MOST
    assert words_of_meaning("雪" * 5_000)
