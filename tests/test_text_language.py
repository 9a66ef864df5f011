"""Languages of short and long text; the sentences were written for this test alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from q2e.text.language import detect, scripts

RIGHT = [
    ("zh", "强台风登陆东南沿海"),
    ("zh", "地震"),
    ("zh", "iPhone发布会"),
    ("ja", "台風が上陸した"),
    ("ja", "カメラ"),
    ("ko", "산불이 번지고 있다"),
    ("ar", "زلزال في المغرب"),
    ("ar", "امرأة تقرأ كتابًا في القطار"),
    ("fa", "زلزله در شهر کرمان و خرابی‌های گسترده"),
    ("ur", "لڑکا سڑک پر کھیل رہا ہے"),
    ("ru", "кошка на столе"),
    ("ru", "землетрясение"),
    ("uk", "пожежа в Києві"),
    ("sr", "велике поплаве на југу земље и њихове последице"),
    ("bg", "силно земетресение удари столицата тази сутрин и се усети в цялата страна"),
    ("hi", "बिल्ली मेज पर बैठी है"),
    ("th", "น้ำท่วมใหญ่"),
    ("de", "Katze auf dem Tisch"),
    ("de", "Die Feuerwehr löscht ein brennendes Haus"),
    ("en", "earthquake"),
    ("en", "a dog on the beach"),
    ("en", "ＡＢＣ news: firefighters save a horse"),
    ("es", "terremoto en México"),
    ("es", "perro corriendo en la playa"),
    ("fr", "inondation à Paris"),
    ("fr", "les pompiers sauvent un cheval tombé dans la rivière"),
    ("it", "una donna cucina la pasta in una piccola cucina"),
    ("pt", "os bombeiros apagam o incêndio na floresta"),
    ("nl", "de brandweer blust een brandend huis in het dorp"),
    ("pl", "strażacy gaszą pożar lasu pod miastem"),
    ("tr", "İstanbul'da büyük bir yangın çıktı"),
    ("vi", "vụ cháy lớn"),
    ("id", "kerusuhan di Jakarta"),
    ("el", "σεισμός"),
    ("he", "שריפה ביער"),
    ("ta", "பூகம்பம்"),
    # Addresses and names of accounts are in Latin letters everywhere.
    ("ru", "Взрыв на шахте https://www.example.org/a/shakhta-explosion-gas-emergency-services"),
    ("ar", "حريق في مستشفى للمزيد: https://example.com/news/2023/01/fire-in-hospital @newsroom"),
    ("ko", "홍수 속보 www.example.co.kr/news/flood #flood #seoul #breaking"),
    ("th", "น้ำท่วมใหญ่ ติดต่อ newsdesk@example.com"),
    ("zh", "泸定地震 example.com/sichuan-earthquake-live-updates"),
    ("hi", "बाढ़ की खबर https://example.in/baadh-ki-taaza-khabar-live"),
    ("ja", "地震の速報です https://example.jp/news/jishin-sokuhou"),
    (
        "de",
        "Hochwasser in der Altstadt, mehr unter https://example.com/breaking-news-flood-in-town",
    ),
    ("ru", "Выступления российских спортсменов на чемпионате мира Rostelecom Cup, Ice Rink"),
]
UNSURE = [
    "",
    "   ",
    "123 456",
    "…!?",
    "ok",
    "RE16 TGK",
    "IMG_2024",
    "asdf qwer",
    "Paris",
    "🎉🎉",
    "коли горят на паркинг",
]


@pytest.mark.parametrize(("language", "text"), RIGHT)
def test_the_language_of_a_text(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", UNSURE)
def test_nothing_is_guessed(text: str) -> None:
    assert detect(text) is None


def test_scripts_are_counted() -> None:
    assert scripts("ab Ж 東京 ＣＤ 1") == {"LATIN": 4, "CYRILLIC": 1, "CJK": 2}
    assert scripts("") == {}


def test_hostile_text_is_bounded() -> None:
    assert detect("\ufdfa\u0301\ud800\x00" * 100_000) in (None, "ar", "fa", "ur")
    assert detect("the dog runs after the ball " * 100_000) == "en"
    assert detect("a@" * 100_000 + "." * 100_000) is None
    assert detect("a." * 100_000 + "@" * 100_000) is None


def test_scripts_alone_load_no_model() -> None:
    code = (
        "import sys; from q2e.text.language import detect; assert detect('산불') == 'ko';"
        "assert 'py3langid' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
