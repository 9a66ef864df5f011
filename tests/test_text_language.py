"""Languages of short and long text; the sentences were written for this test alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from q2e.text.identifier import identifier
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


#: Two words or three, and single common ones, as people ask.
SHORT = {
    "ar": "سيارة حمراء|حريق في الغابة|كلب على الشاطئ|من هذا",
    "de": "ein Hund|der Hund|ein rotes Auto|das Tor|sie kocht|wie man Brot backt|Hund am Strand|"
    "eine Tasse Kaffee|meine Katze|rote Blumen|Haus brennt",
    "en": "a dog|the dog|two cats|a red car|goal|dog on the beach|civil war|war in the city|"
    "a man in a hat|son and father|boot camp|the war|on air|traffic accident|fast food",
    "es": "un perro|el perro|dos gatos|un coche rojo|el gol|calle inundada|casa blanca|mi gato|"
    "ella cocina|el último gol|quién es|boda|playa",
    "fr": "un chien|le chien|deux chats|une voiture rouge|le but|rue inondée|mon chat|qui est-ce|"
    "le dernier but|plage|mariage|chien",
    "hi": "एक कुत्ता|दो बिल्लियाँ|लाल कार|जंगल में आग",
    "ja": "赤い車|森の火事|ゴール|一匹の犬",
    "ko": "개|빨간 차|숲의 불|골",
    "ru": "собака|две кошки|красная машина|пожар в лесу",
    "th": "หมา|แมวสองตัว|ไฟป่า",
    "zh": "狗|一只狗|红色汽车|进球",
    "it": "un cane|il cane|due gatti",
    "nl": "een hond|twee katten|een rode auto",
    "pt": "um cão|o cachorro|dois gatos",
    "sv": "en hund|två katter",
    "tr": "bir köpek|iki kedi",
}


@pytest.mark.parametrize("language", SHORT)
def test_the_language_of_a_few_words(language: str) -> None:
    texts = SHORT[language].split("|")
    assert {text: detect(text) for text in texts} == dict.fromkeys(texts, language)


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


def test_the_model_that_is_kept_ranks_like_the_packed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["de", "en", "es", "fr", "ru", "uk", "ar", "fa"]
    texts = [text for _, text in RIGHT] + ["", "x", "ab Ж"]
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    packed = [identifier(names).rank(text) for text in texts]
    again = identifier(names)
    assert isinstance(again.tk_nextmove, memoryview)  # what is kept, not what is unpacked
    assert [again.rank(text) for text in texts] == packed
    del again
    for file in tmp_path.rglob("next.npy"):
        file.write_bytes(file.read_bytes()[:100_000])
    mended = identifier(names)
    assert [mended.rank(text) for text in texts] == packed
    assert isinstance(identifier(names).tk_nextmove, memoryview)
