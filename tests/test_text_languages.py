"""Languages by their codes and by their names, in many languages."""

from __future__ import annotations

import pytest

import q2e
from q2e.errors import QueryError
from q2e.text.languages import known_languages, language_code

NAMED = {
    "ar": "ar ara AR ar-EG Arabic arabe Arabisch العربية عربي अरबी アラビア語 아랍어 арабский",
    "de": "de deu ger de-AT de_CH German Deutsch allemand alemán немецкий 德语 ドイツ語 독일어",
    "en": "en eng EN-us English english anglais inglés английский الإنجليزية 英语 英語 영어",
    "es": "es spa es-419 Spanish Spanisch espagnol español espanol castellano испанский 西班牙语",
    "fr": "fr fra fre fr-CA French Französisch franzoesisch français французский 法语 法文",
    "hi": "hi hin Hindi हिंदी हिन्दी हिन्दी 印地语 хинди ヒンディー語",
    "ja": "ja jpn jp Japanese Japanisch japonais 日本語 日语 日文 일본어 японский ญี่ปุ่น",
    "ko": "ko kor Korean Koreanisch coréen 한국어 韩语 韓国語 корейский เกาหลี",
    "ru": "ru rus Russian Russisch russe русский 俄语 ロシア語 러시아어 रूसी الروسية",
    "th": "th tha Thai thaï ไทย ภาษาไทย 泰语 タイ語 태국어 тайский",
    "zh": "zh zho chi chs cht zh-Hant zh_CN cmn Chinese chinois 中文 汉语 漢語 китайский",
    "pt": "pt por pt-BR pob Portuguese português portugais",
    "no": "no nor nb nob Norwegian norsk",
    "he": "he heb iw Hebrew עברית",
    "tr": "tr tur Türkçe turkce Turkish",
    "yue": "yue Cantonese 廣東話",
}


@pytest.mark.parametrize("code", NAMED)
def test_a_language_has_many_names(code: str) -> None:
    assert {name: language_code(name) for name in NAMED[code].split()} == dict.fromkeys(
        NAMED[code].split(), code
    )


@pytest.mark.parametrize(
    "name", ["", "xx", "Klingon", "zz-ZZ", "forced", "draft2", "e", "日", "👍"]
)
def test_what_is_no_language_is_none(name: str) -> None:
    assert language_code(name) is None
    with pytest.raises(ValueError, match="is unknown"):
        known_languages([name])


def test_a_slip_is_pointed_at() -> None:
    with pytest.raises(ValueError, match="did you mean english"):
        known_languages(["Englsh"])


def test_names_are_understood_in_every_place_alike(sample_index: q2e.Index) -> None:
    for name in ("es", "spa", "Spanish", "español"):
        written = sample_index.search(f"please wait lang:{name}").hits
        assert written and written == sample_index.search("please wait", languages=[name]).hits
    for search in (
        lambda: sample_index.search("wait lang:klingon"),
        lambda: sample_index.search("wait", languages=["klingon"]),
        lambda: sample_index.facets("wait", languages=["klingon"]),
    ):
        with pytest.raises(QueryError, match="'klingon' is unknown"):
            search()
