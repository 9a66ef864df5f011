"""What kind of answer a question asks for, and which lines hold one, in eleven languages."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from q2e.query.slots import find_slots

#: A person or another name, a place, a time, a number.
Kind = Literal["who", "where", "when", "how many"]

#: What asks for each kind, by language; `_` stands for the edge of a word.
_CUES: dict[Kind, dict[str, str]] = {
    "who": {
        "ar": "^ ?من_|_مَن_|_لمن_|_ما اسم_",
        "de": "_wer_|_wen_|_wem_|_wessen_|_welche[rs]? (?:person|mann|frau|präsident|könig)",
        "en": "_who_|_whom_|_whose_|_which (?:person|man|woman|president|king|team)_|_name of_",
        "es": "quién|quien(?:es)?_|_qué (?:persona|hombre|mujer|presidente|rey)",
        "fr": "_qui_|_quel(?:le)? (?:personne|homme|femme|président|roi)",
        "hi": "किसने|कौन|किसका|किसकी|किसके|किसे",
        "ja": "誰|だれ|どなた",
        "ko": "누가|누구|누굴",
        "ru": "_кто_|_кого_|_кому_|_кем_|_чей_|_чья_|_чьё_|_чьи_",
        "th": "ใคร|ผู้ใด",
        "zh": "谁|誰|哪位|哪个人",
    },
    "where": {
        "ar": "_أين_|_اين_|_في أي (?:مدينة|بلد|دولة|مكان)",
        "de": "_wo_|_wohin_|_woher_|_in welche[mnr] (?:stadt|land|ort|staat)",
        "en": "_where_|_(?:what|which) (?:city|country|place|state|town|river|region|island)_",
        "es": "dónde|adónde|_(?:en )?qué (?:ciudad|país|lugar|estado)",
        "fr": "_où_|_quel(?:le)? (?:ville|pays|endroit|lieu|région)",
        "hi": "कहाँ|कहां|किस (?:शहर|देश|जगह|राज्य)",
        "ja": "どこ|何処|どの(?:都市|国|場所|州)|何(?:県|市|国)",
        "ko": "어디|어느 (?:도시|나라|곳|주)",
        "ru": "_где_|_куда_|_откуда_|_в как(?:ом|ой) (?:городе|стране|месте)",
        "th": "ที่ไหน|ที่ใด|เมืองใด|ประเทศใด|ประเทศไหน|เมืองไหน",
        "zh": "哪里|哪裡|哪儿|何处|哪个(?:城市|国家|地方|州)|什么地方",
    },
    "when": {
        "ar": "_متى_|_في أي (?:عام|سنة|يوم|شهر|تاريخ|وقت)|_ما تاريخ",
        "de": "_wann_|_seit wann_|_in welchem (?:jahr|monat)|_an welchem tag|_um wie viel uhr_",
        "en": "_when_|_(?:what|which) (?:year|day|date|month|time|century)_|_how long ago_",
        "es": "cuándo|_(?:en )?qué (?:año|día|fecha|mes|hora|siglo)",
        "fr": "_quand_|_quel(?:le)? (?:année|jour|date|mois|heure|siècle)",
        "hi": "_कब_|किस (?:वर्ष|साल|दिन|तारीख|महीने)",
        "ja": "いつ|何(?:年|月|日|時|世紀)|どの年",
        "ko": "언제|몇 (?:년|월|일|시)|어느 (?:해|날)",
        "ru": "_когда_|_в как(?:ом|ой) (?:году|месяце|день|веке)|_какого числа_",
        "th": "เมื่อไร|เมื่อไหร่|เมื่อใด|ปีใด|ปีไหน|วันไหน|วันที่เท่าไร",
        "zh": "什么时候|何时|哪(?:一)?(?:年|天|月|日)|几(?:点|月|号)",
    },
    "how many": {
        "ar": "_كم_|_ما عدد|_بكم_|_ما (?:نسبة|ارتفاع|طول|مساحة)",
        "de": "_wie ?viele?_|_wie (?:hoch|lang|weit|groß|alt|oft|schnell|tief|schwer)_",
        "en": "_how (?:many|much|long|far|old|tall|high|fast|often|deep|large|big|heavy)_"
        "|_what (?:number|percentage|share|percent)_",
        "es": "cuánt[oa]s?_|_qué (?:porcentaje|número|cantidad|altura|distancia)",
        "fr": "_combien_|_quel(?:le)? (?:pourcentage|nombre|hauteur|distance|âge|taille)",
        "hi": "कितन[ेीा]|_कितनों_",
        "ja": "いくつ|いくら|どのくらい"
        "|何(?:人|個|回|パーセント|メートル|キロ|歳|点|つ|枚|本|台|匹|番)",
        "ko": "얼마|몇 (?!년|월|일|시)|몇(?:명|개|번)",
        "ru": "_сколько_|_как(?:ая|ой) (?:процент|доля|высота|длина|площадь)",
        "th": "กี่|เท่าไร|เท่าไหร่|จำนวนเท่าใด",
        "zh": "多少|几[个位次人米岁条只家名]|多(?:高|长|远|大|久|深|重)",
    },
}  # fmt: skip
#: Digits that count nothing: in names (STS-63), of dates, of years beside what tells of years, and
#: of places in an order (20th, 第二).
_NO_COUNT = re.compile(
    r"[A-Za-zА-Яа-яЁё]+-?\d+\w*|\b\d{4}-\d{2}(?:-\d{2})?\b|\b\d{1,2}:\d{2}\b|\b\d{3,4}s\b"
    r"|\b\d+(?:st|nd|rd|th|er|ère|ème|º|ª)\b|第\s?[\d一二三四五六七八九十百]+"
    r"|\b\d{4}\s?(?:年|년|г\.|год)"
    r"|\b(?:in|since|im jahre?|seit|en|desde|depuis|в|с|عام|سنة|सन|ปี|พ\.ศ\.)\s?(?:1\d|20)\d{2}\b"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r"\s\d{1,2}(?:st|nd|rd|th)?\b(?:,?\s\d{4})?",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
#: Numbers as words that stand in texts, each language's commonest.
_NUMBER = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|"
    r"hundred|thousand|million|billion|dozen|half|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|"
    r"elf|zwölf|zwanzig|hundert|tausend|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|cien|mil|"
    r"millón|millones|deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|vingt|cent|mille|два|"
    r"две|три|четыре|пять|шесть|семь|восемь|девять|десять|сто|тысяч\w*|миллион\w*|दो|तीन|चार|पांच|"
    r"पाँच|छह|सात|आठ|नौ|दस|सौ|हज़ार|लाख|करोड़|اثن\w+|ثلاث\w*|أربع\w*|خمس\w*|ست\w*|سبع\w*|ثمان\w*|"
    r"تسع\w*|عشر\w*|مئة|مائة|ألف|مليون)\b"
    "|[二三四五六七八九十百千万亿两億兩]|(?:두|세|네|다섯|여섯|일곱|여덟|아홉|열|백|천|만) ?[가-힣]"
    "|สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ|ร้อย|พัน|หมื่น|แสน|ล้าน",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|yesterday|tomorrow|"
    r"century|\d{3,4}s|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|heute|morgen|"
    r"jahrhundert|lunes|martes|miércoles|jueves|viernes|sábado|domingo|hoy|mañana|siglo|lundi|"
    r"mardi|mercredi|jeudi|vendredi|samedi|dimanche|siècle|aujourd|demain|понедельник|вторник|"
    r"сред[ау]|четверг|пятниц[ау]|суббот[ау]|воскресенье|сегодня|завтра|век[еа]?)\b"
    "|القرن|اليوم|غدا|الاثنين|الثلاثاء|الأربعاء|الخميس|الجمعة|السبت|الأحد|आज|कल|सदी|सोमवार|शुक्रवार"
    "|रविवार|今日|今天|明天|昨天|世紀|世纪|曜日|星期|周[一二三四五六日]|오늘|내일|어제|세기|요일"
    "|วันนี้|พรุ่งนี้|เมื่อวาน|ศตวรรษ|วันจันทร์|วันศุกร์|วันอาทิตย์",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"(?<=[^\W\d_][ ,]|[,;:(\"“«] )[A-ZÀ-ÖØ-ÞА-ЯЁ][\w'’-]+")
_CASED = re.compile(r"[A-Za-zА-Яа-яЁё]")
#: A word in small letters with nothing that joins questions behind it (and, or, a comma).
_HANGS = re.compile(
    r"(?<!\band)(?<!\bor)(?<!\bund)(?<!\boder)(?<!\by)(?<!\be)(?<!\bo)(?<!\bet)(?<!\bou)(?<!\bи)"
    r"(?<!\bили)(?<=[a-zà-öø-ÿа-яё]) $"
)


def wanted(question: str, language: str | None = None) -> frozenset[Kind]:
    """Return the kinds of answer that a question asks for; none where it says nothing of that.

    Where the language is not known, or not one of those here, the cues of all are tried.
    """
    text = f" {question.casefold()} "
    found = [
        (match.start(), kind)
        for kind, by_language in _CUES.items()
        for match in _pattern(kind, language if language in by_language else "").finditer(text)
    ]
    first = min(found, default=None)
    # In "how old was he when he married" a clause hangs on *when*: it asks for no time.
    return frozenset(
        kind
        for at, kind in found
        if first is not None and (kind == first[1] or not _HANGS.search(text[:at]))
    )


def without_cues(question: str, language: str | None = None) -> str:
    """Return a question without what asks for a kind of answer (who, which city, 多高)."""
    text = question
    for kind, by_language in _CUES.items():
        text = _pattern(kind, language if language in by_language else "").sub(" ", text)
    return text if text.strip() else question


def holds(text: str, kind: Kind, language: str | None = None) -> bool | None:
    """Return whether a line holds an answer of a kind; None where that cannot be told.

    Names cannot be told in scripts without capitals, nor in German, which gives them to all nouns.
    """
    if kind == "how many":
        counts = _NO_COUNT.sub(" ", text)
        return bool(_DIGIT.search(counts) or _NUMBER.search(counts))
    if kind == "when":
        return bool(find_slots(text, language).time or _TIMES.search(text))
    if kind == "where" and find_slots(text, language).place:
        return True
    if language == "de" or not _CASED.search(text):
        return None
    return bool(_CAPITAL.search(text))


@cache
def _pattern(kind: Kind, language: str) -> re.Pattern[str]:
    own = _CUES[kind]
    cues = [own[language]] if language else list(own.values())
    return re.compile("|".join(cues).replace("_", r"\b"), re.IGNORECASE)
