"""Writes src/q2e/data/slots.json: names of months, countries and cities in our languages.

Run with Babel installed: `python scripts/slot_words.py`. The names are facts of the Unicode CLDR.
"""

from __future__ import annotations

import json
from pathlib import Path

import babel
from babel import Locale
from babel.core import get_global

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "zh")
TARGET = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "slots.json"
#: Territories and zones that are no place a question would name.
SKIPPED = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "IO", "UM", "AQ"}
#: Other names of places, which the CLDR does not list in a short form.
MORE = {
    "en": {"US": ["USA", "U.S.", "America"], "GB": ["UK", "Britain", "England"]},
    "de": {"US": ["USA"]},
    "es": {"US": ["EE. UU.", "EEUU"]},
    "fr": {"US": ["USA"]},
    "ru": {"US": ["США"], "KR": ["Южная Корея"]},
    "ar": {"US": ["أمريكا"]},
    "hi": {"US": ["अमेरिका"]},
    "ja": {"US": ["アメリカ", "米国"], "GB": ["英国"]},
    "th": {"US": ["สหรัฐ", "อเมริกา"]},
}


def months(locale: Locale) -> list[list[str]]:
    """Return the twelve months, each with its full and short names, longest first."""
    forms: list[list[str]] = []
    for number in range(1, 13):
        names = {
            locale.months[context][width][number].strip(".")
            for context in ("format", "stand-alone")
            for width in ("wide", "abbreviated")
        }
        forms.append(sorted((name for name in names if len(name) > 1), key=len, reverse=True))
    return forms


def places() -> list[dict[str, list[str]]]:
    """Return the places, each with its names by language."""
    locales = {language: Locale(language) for language in LANGUAGES}
    rows: list[dict[str, list[str]]] = []
    for code in sorted(locales["en"].territories):
        if len(code) == 2 and code not in SKIPPED:
            rows.append(
                {
                    language: [
                        locale.territories[code].split("(")[0].strip(),
                        *MORE.get(language, {}).get(code, []),
                    ]
                    for language, locale in locales.items()
                    if code in locale.territories
                }
            )
    for zone in sorted(get_global("zone_territories")):
        area, _, city = zone.rpartition("/")
        if area.split("/")[0] not in {"Africa", "America", "Asia", "Australia", "Europe"}:
            continue
        row = {}
        for language, locale in locales.items():
            name = locale.time_zones.get(zone, {}).get("city")
            if language == "en":
                name = name or city.replace("_", " ")
            if name:
                row[language] = [name.split("(")[0].split(",")[0].strip()]
        rows.append(row)
    return rows


if __name__ == "__main__":
    content = {
        "source": f"Unicode CLDR through Babel {babel.__version__}, Unicode License v3",
        "months": {language: months(Locale(language)) for language in LANGUAGES},
        "places": places(),
    }
    lines = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_text(lines.replace("},{", "},\n{") + "\n", encoding="utf-8")
