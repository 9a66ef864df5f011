"""Text files in the encodings of the world, and tags that were read in a wrong one."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.text.dates import day, day_of
from q2e.text.encodings import decoded, mended

#: Encodings in which text of a language is met, and two sentences of it.
TEXTS = {
    "ar": ("cp1256 iso8859-6", "اندلع صباح اليوم حريق في المدينة. أجلى رجال الإنقاذ السكان."),
    "bg": ("cp1251", "Тази сутрин в града избухна пожар. Спасителите евакуираха хората."),
    "cs": ("cp1250 iso8859-2", "Dnes ráno vypukl ve městě požár. Hasiči vyvedli obyvatele domu."),
    "de": ("cp1252", "Heute früh ist in der Stadt ein Feuer ausgebrochen – „alle“ sind wohlauf."),
    "el": ("cp1253 iso8859-7", "Σήμερα το πρωί ξέσπασε πυρκαγιά στην πόλη. Ο άνεμος δυναμώνει."),
    "es": ("cp1252", "Esta mañana se declaró un incendio en la ciudad. ¿Qué pasó? ¡Nadie murió!"),
    "fr": ("cp1252", "Un incendie s’est déclaré ce matin à Orléans. Où étiez-vous ? Ça va."),
    "he": ("cp1255", "הבוקר פרצה שריפה בעיר. צוותי החילוץ פינו את דיירי הבניין."),
    "hu": ("cp1250", "Ma reggel tűz ütött ki a városban. A mentők kimenekítették a ház lakóit."),
    "ja": ("cp932 euc-jp iso2022_jp", "今朝、市内で火事がありました。住民は避難しています。"),
    "ko": ("cp949 euc-kr", "오늘 아침 시내에서 불이 났습니다. 다친 사람은 없습니다."),
    "pl": ("cp1250 iso8859-2", "Dziś rano w mieście wybuchł pożar. Strażacy wynieśli dzieci."),
    "ru": ("cp1251 koi8-r cp866", "Сегодня утром в городе произошёл пожар. Никто не пострадал."),
    "th": ("cp874", "เช้านี้เกิดไฟไหม้ในเมือง เจ้าหน้าที่กู้ภัยอพยพผู้อยู่อาศัย ไม่มีใครบาดเจ็บ"),
    "tr": ("cp1254", "Bu sabah şehirde yangın çıktı. Rüzgâr şiddetleniyor, ateş yaklaşıyor."),
    "uk": ("cp1251", "Сьогодні вранці в місті сталася пожежа. Рятувальники евакуювали мешканців."),
    "zh": ("gbk gb18030", "今天早上城里发生了火灾。救援人员疏散了大楼里的居民。"),
    "zh-Hant": ("big5", "今天早上城裡發生了火災。救援人員疏散了大樓裡的居民。"),
    "hi": ("", "आज सुबह शहर में आग लग गई। किसी को चोट नहीं आई।"),
    "en": ("ascii", "A fire broke out in the city this morning. Nobody was hurt."),
}
WIDE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_is_read_in_whatever_encoding_it_is(language: str) -> None:
    encodings, text = TEXTS[language]
    text = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n" for n in (1, 2))
    for encoding in (*encodings.split(), *WIDE):
        assert decoded(text.encode(encoding)) == text, encoding


def test_a_language_tells_where_a_text_is_too_short_to() -> None:
    assert decoded("こんばんは。".encode("cp932"), "ja") == "こんばんは。"
    assert decoded("Да".encode("cp1251"), "ru") == "Да"


@pytest.mark.parametrize("text", ["Überfall in Köln", "a.mp4,Müller", "Señor", "L’été"])
def test_one_letter_beyond_ascii_is_of_its_word(text: str) -> None:
    assert text in str(decoded(f"1\n00:00:01,500 --> 00:00:03,000\n{text}\n".encode("cp1252")))


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("cp1252", "Ça va ?"),
        ("cp1252", "¿Qué tal?"),
        ("cp1252", "¡Año nuevo, mañana!"),
        ("cp1252", "Où étais-tu hier soir ?"),
        ("cp1252", "Ciao, perché no? È così."),
        ("cp1252", "Dov’eri ieri sera? Città"),
        ("cp1250", "Kde jsi byl včera večer?"),
        ("cp1250", "Cześć, jak się masz?"),
        ("cp1250", "Hol voltál tegnap este?"),
        ("cp1254", "Şimdi gidiyoruz, acele et."),
        ("cp1257", "Kur buvai vakar vakare? Čia šalta, ačiū."),
        ("utf-16-le", "Xin chào, bạn khỏe không?"),
        ("utf-16-be", "Xin chào, bạn khỏe không?"),
        ("cp1251", "Стой! Куда ты?"),
        ("cp1256", "أين كنت الليلة الماضية؟"),
        ("big5", "昨天晚上你在哪裡？"),
        ("cp932", "火事だ"),
    ],
)
def test_one_short_line_is_enough(encoding: str, line: str) -> None:
    text = f"1\r\n00:00:01,000 --> 00:00:02,000\r\n{line}\r\n\r\n"
    assert decoded(text.encode(encoding)) == text


def test_names_of_columns_tell_no_language() -> None:
    text = "path,title,description,date\na.mp4,Żółta łódź płynie,Złoty pociąg,2020-01-02\n"
    assert decoded(text.encode("cp1250")) == text


def test_wide_text_without_a_space_is_text() -> None:
    assert decoded('{"title":"T"}'.encode("utf-16-le")) == '{"title":"T"}'


def test_damage_in_a_text_does_not_make_it_another() -> None:
    text = "наводнение в городе " * 20
    raw = bytearray(text.encode())
    raw[101] = 0xFF
    read = decoded(bytes(raw))
    assert read is not None and read.startswith("наводнение") and "\ufffd" in read


@pytest.mark.parametrize(
    "raw",
    [os.urandom(5_000), b"\0" * 99, b"MZ\x90\0\x03\0\0\0" * 99, b"\x89PNG\r\n\x1a\n\0\xff" * 9],
)
def test_what_is_no_text_is_none(raw: bytes) -> None:
    assert decoded(raw) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_not(raw: bytes) -> None:
    decoded(raw)


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ({"title": "Ïðèâåò", "artist": "Êèíî"}, {"title": "Привет", "artist": "Кино"}),
        ({"title": "Ñëàâà"}, {"title": "Слава"}),
        (
            {"title": "¤ë«G¥Nªí§Úªº¤ß", "artist": "¾HÄR§g", "album": "Live"},
            {"title": "月亮代表我的心", "artist": "鄧麗君", "album": "Live"},
        ),
        ({"title": "Prze¿yj to sam"}, {"title": "Przeżyj to sam"}),
        (
            {"title": "\udce7\udcd2\udcd5\udcd0\udcd0\udcc1 \udccb\udcd2\udccf\udcd7\udcc9"},
            {"title": "Группа крови"},
        ),
        ({"artist": "\udcc9dith Piaf"}, {"artist": "Édith Piaf"}),
        ({"title": "ÊáëçìÝñá êüóìå"}, {"title": "Καλημέρα κόσμε"}),
        ({"title": "\udccf\udcf0\udce8\udce2\udce5\udcf2"}, {"title": "Привет"}),
        ({"title": "Tokyo æ\x9d±äº¬"}, {"title": "Tokyo 東京"}),
    ],
)
def test_tags_read_in_a_wrong_encoding_are_mended(
    read: dict[str, str], meant: dict[str, str]
) -> None:
    assert mended(read) == meant


@pytest.mark.parametrize(
    "title",
    ["Björk: Ágætis byrjun", "été à Noël", "ÀÉÈ", "Çà et là", "東京", "Привет", "", "åäö ÅÄÖ"],
)
def test_tags_that_are_right_stay(title: str) -> None:
    assert mended({"title": title, "artist": "x"}) == {"title": title, "artist": "x"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2023-04-05", "2023-04-05"),
        ("2023/4/5", "2023-04-05"),
        ("20230405", "2023-04-05"),
        ("2023-04-05T10:00:00Z", "2023-04-05"),
        ("2023-04-05 10:00", "2023-04-05"),
        ("2023年4月5日", "2023-04-05"),
        ("2023", "2023-01-01"),
        ("2023-04", "2023-04-01"),
        ("05.04.2023", "2023-04-05"),
        ("31/12/2023", "2023-12-31"),
        ("12/31/2023", "2023-12-31"),
        ("5 April 2023", "2023-04-05"),
        ("Apr 5th, 2023", "2023-04-05"),
        ("Wed, 05 Apr 2023 10:00:00 GMT", "2023-04-05"),
        ("April 2023", "2023-04-01"),
        ("Aprilis 5 2023", None),
        ("01/02/2023", None),  # of January or of February
        ("2023-13-01", None),
        ("2023-02-29", None),
        ("yesterday", None),
        ("", None),
        ("1680000000", None),
    ],
)
def test_days_are_read_where_they_are_sure(text: str, meant: str | None) -> None:
    assert day(text) == meant


def test_times_since_1970_are_days() -> None:
    assert day_of(1_680_652_800) == "2023-04-05"
    assert [day_of(wrong) for wrong in (True, "1", None, 1e20, float("nan"))] == [None] * 5
