"""Writes src/q2e/data/languages.json: codes of languages, and their names in many languages.

Run with Babel installed: `python scripts/language_names.py`. Names and codes are facts of the
Unicode CLDR.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import babel
from babel import Locale
from babel.core import get_global

TARGET = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "languages.json"
#: Languages in which names are understood; where two differ about a name, the earlier is right.
SAID_IN = (
    *("en", "de", "es", "fr", "ru", "ar", "hi", "ja", "ko", "th", "zh", "zh_Hant"),
    *("it", "pt", "nl", "pl", "tr", "vi", "id", "uk", "cs", "el", "he", "sv", "ro", "hu"),
    *("fa", "bn", "da", "fi", "nb", "ur", "ta", "te"),
)
#: Languages of more than two letters that models and files name.
LONGER = ("yue", "ceb", "haw", "ckb")
#: Names that the CLDR leaves out, and codes that file names have though no standard does.
MORE_NAMES = {
    "zh": ["Mandarin", "中文", "汉语", "漢語", "普通话", "国语", "國語", "Zhongwen", "Putonghua"],
    "yue": ["Cantonese", "廣東話", "广东话"],
    "es": ["Castilian", "castellano"],
    "fa": ["Farsi", "فارسی"],
    "no": ["Norwegian Bokmål", "Bokmål", "norsk bokmål"],
    "nl": ["Flemish", "Vlaams"],
    "id": ["Bahasa Indonesia", "Bahasa"],
    "ar": ["عربي", "عربى"],
    "hi": ["हिंदी", "हिन्दी"],
}
MORE_CODES = {
    "nb": "no",
    "nob": "no",
    "nno": "nn",
    "fil": "tl",
    "tgl": "tl",
    "chs": "zh",
    "cht": "zh",
    "cn": "zh",
    "jp": "ja",
    "jap": "ja",
    "cz": "cs",
    "gr": "el",
    "dk": "da",
    "ua": "uk",
    "esp": "es",
    "pob": "pt",
    "scc": "sr",
    "hbs": "sr",
    "sh": "sr",
}


def names(known: list[str]) -> dict[str, list[str]]:
    """Return the names of each language, each name given to one language alone."""
    found: dict[str, list[str]] = defaultdict(list)
    taken: dict[str, str] = {}

    def give(code: str, name: str) -> None:
        name = name.split("(")[0].strip()
        if name and taken.setdefault(name.casefold(), code) == code and name not in found[code]:
            found[code].append(name)

    for code, own in MORE_NAMES.items():
        for name in own:
            give(code, name)
    for locale in map(Locale.parse, SAID_IN):
        for code in known:
            if name := locale.languages.get(code):
                give(code, name)
                if locale.language in ("zh", "ja"):
                    give(code, name.replace("语", "文").replace("語", "文"))
                if locale.language == "th":
                    give(code, f"ภาษา{name}")
    for code in known:
        try:
            own_name = Locale.parse(code).languages.get(code)
        except (ValueError, babel.UnknownLocaleError):
            continue
        give(code, own_name or "")
    return dict(found)


if __name__ == "__main__":
    english = Locale("en").languages
    known = sorted(code for code in english if len(code) == 2 or code in LONGER)
    known = [code for code in known if code not in MORE_CODES]
    aliases = {
        alias: code.split("_")[0]
        for alias, code in get_global("language_aliases").items()
        if code.split("_")[0] in known and len(alias) in (2, 3) and alias.isalpha()
    }
    content = {
        "source": f"Unicode CLDR through Babel {babel.__version__}, Unicode License v3",
        "codes": dict(sorted((aliases | MORE_CODES).items())),
        "names": names(known),
    }
    TARGET.write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
